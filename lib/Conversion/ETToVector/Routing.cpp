//===- Routing.cpp - Scores and gates by pair on vectors ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// max(sqrt(squares), 1e-12) of a scalar or vector.
static Value emitNorm(VectorBuilder &b, Value squares) {
  Value least = b.f32(1e-12);
  if (isa<VectorType>(squares.getType()))
    least = b.splat(least);
  return arith::MaximumFOp::create(b, math::SqrtOp::create(b, squares), least);
}

/// The norm of every column of the router.
static Value emitColumnNorms(VectorBuilder &b, Value router) {
  Value experts = b.dim(router, 1);
  auto type = MemRefType::get(ShapedType::kDynamic, b.getF32Type());
  Value norms = memref::AllocOp::create(b, type, experts);
  b.stepLoop(b.index(0), experts, b.lanes, [&](Value expert) {
    Value squares = b.loop(b.index(0), b.dim(router, 0), b.splat(0.0),
                           [&](Value d, ValueRange sum) -> Values {
                             Value w = b.read(router, {d, expert});
                             return {b.fma(w, w, sum[0])};
                           })[0];
    b.write(emitNorm(b, squares), norms, expert);
  });
  return norms;
}

/// Divides every score by the norms of its token and its expert.
static void emitDivisionByNorms(VectorBuilder &b, ScoresOp op) {
  Value x = op.getX(), out = op.getOut();
  Value expertNorms = emitColumnNorms(b, op.getRouter());
  b.parallel(b.dim(out, 0), [&](ValueRange token) {
    // Each lane sums every lanes-th square, and the lanes are added in order.
    Value zero = b.index(0), width = b.index(b.lanes);
    auto squares = scf::ForOp::create(b, zero, b.dim(x, 1), width,
                                      ValueRange(b.splat(0.0)));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(squares.getBody());
      Value part = b.read(x, {token[0], squares.getInductionVar()});
      scf::YieldOp::create(b, b.fma(part, part, squares.getRegionIterArg(0)));
    }
    Value total = vector::ReductionOp::create(b, vector::CombiningKind::ADD,
                                              squares.getResult(0));
    Value norm = b.splat(emitNorm(b, total));
    b.stepLoop(zero, b.dim(out, 1), b.lanes, [&](Value expert) {
      Value divisor = b.mul(norm, b.read(expertNorms, expert));
      Value score = b.read(out, {token[0], expert});
      b.write(b.div(score, divisor), out, {token[0], expert});
    });
  });
  memref::DeallocOp::create(b, expertNorms);
}

/// Scores are a product with one expert, which becomes panel kernels in turn.
static LogicalResult lowerScores(ScoresOp op, VectorBuilder &b, CPUTargetAttr) {
  auto routerType = cast<MemRefType>(op.getRouter().getType());
  SmallVector<ReassociationIndices> dims = {{0, 1}, {2}};
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, b.getLoc(), op.getRouter());
  sizes.insert(sizes.begin(), b.getIndexAttr(1));
  SmallVector<int64_t> shape = {1};
  llvm::append_range(shape, routerType.getShape());
  Value router =
      memref::ExpandShapeOp::create(b, shape, op.getRouter(), dims, sizes);
  GroupedMatmulOp::create(b, TypeRange(),
                          NoneActivationAttr::get(b.getContext()),
                          {op.getX(), router}, op.getOut());
  if (op.getKind() == ScoreKind::Cosine)
    emitDivisionByNorms(b, op);
  return success();
}

//===----------------------------------------------------------------------===//
// Gates by pair
//===----------------------------------------------------------------------===//

/// One iteration owns the mask words of 32 tokens. A vector holds one word for
/// each of its experts and collects a bit a token.
static LogicalResult lowerPairGate(GateOp op, VectorBuilder &b, CPUTargetAttr) {
  auto routing = dyn_cast<PairRoutingAttrInterface>(op.getRouting());
  if (!routing)
    return failure();
  Value scores = op.getScores(), gates = op.getGates(), mask = op.getMask();
  Value tokens = b.dim(scores, 0), experts = b.dim(scores, 1);
  bool whole = b.isWhole(scores, b.lanes);
  b.parallel(b.dim(mask, 1), [&](ValueRange word) {
    Value perWord = b.index(kTokensPerWord);
    Value first = b.mul(word[0], perWord);
    Value count = b.min(perWord, b.sub(tokens, first));
    b.stepLoop(b.index(0), experts, b.lanes, [&](Value expert) {
      auto perExpert = [&](Value operand) {
        return operand ? b.read(operand, expert, whole) : Value();
      };
      Value theta = perExpert(op.getTheta()), bias = perExpert(op.getBias());
      Value none = b.splat(b.i32(0));
      Value words = b.loop(
          b.index(0), count, none, [&](Value bit, ValueRange bits) -> Values {
            Value token = b.add(first, bit);
            Value score = b.read(scores, {token, expert}, whole);
            Value taken = routing.emitSelected(b, score, theta, bias);
            Value gate = routing.emitGate(b, score);
            b.write(b.select(taken, gate, b.splat(0.0)), gates, {token, expert},
                    whole);
            Value one =
                b.splat(arith::ShLIOp::create(b, b.i32(1), b.toI32(bit)));
            return {b.either(bits[0], b.select(taken, one, none))};
          })[0];
      Value owned = b.min(b.index(b.lanes), b.sub(experts, expert));
      b.loop(b.index(0), owned, [&](Value lane) {
        Value bits = vector::ExtractOp::create(b, words, OpFoldResult(lane));
        b.store(bits, mask, {b.add(expert, lane), word[0]});
      });
    });
  });
  return success();
}

void et::populateRoutingVectorPatterns(RewritePatternSet &patterns,
                                       CPUTargetAttr target) {
  MLIRContext *context = patterns.getContext();
  patterns.add<VectorPattern<ScoresOp>>(context, target, lowerScores);
  patterns.add<VectorPattern<GateOp>>(context, target, lowerPairGate);
}
