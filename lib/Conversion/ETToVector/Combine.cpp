//===- Combine.cpp - Weighted sums of expert outputs on vectors -----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// rows[e, w] = the row of expert e's first pair whose token is in word w or
/// later.
static Value emitWordRows(VectorBuilder &b, CombineOp op) {
  Value mask = op.getMask();
  auto type = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                              b.getI32Type());
  Value rows = memref::AllocOp::create(
      b, type, ValueRange{b.dim(mask, 0), b.dim(mask, 1)});
  b.parallel(b.dim(mask, 0), [&](ValueRange expert) {
    b.loop(b.index(0), b.dim(mask, 1), b.load(op.getOffsets(), expert),
           [&](Value word, ValueRange row) -> Values {
             b.store(row[0], rows, {expert[0], word});
             Value bits = b.load(mask, {expert[0], word});
             return {b.add(row[0], math::CtPopOp::create(b, bits))};
           });
  });
  return rows;
}

static LogicalResult lowerCombine(CombineOp op, VectorBuilder &b,
                                  CPUTargetAttr target) {
  Value out = op.getOut(), pairs = op.getPairs(), mask = op.getMask();
  Value wordRows = emitWordRows(b, op);
  // As many sums as leave registers for the gate and the row being added; fewer
  // if no vector needs a mask then.
  int64_t vectors = target.getVectorRegisters() / 2;
  for (int64_t fewer = vectors; fewer >= vectors / 2; --fewer)
    if (b.isWhole(out, fewer * b.lanes)) {
      vectors = fewer;
      break;
    }
  bool whole = b.isWhole(out, vectors * b.lanes);
  b.parallel(b.dim(out, 0), [&](ValueRange iv) {
    Value token = iv[0], perWord = b.index(kTokensPerWord);
    Value word = b.div(token, perWord);
    Value bit = arith::ShLIOp::create(
        b, b.i32(1), b.toI32(arith::RemUIOp::create(b, token, perWord)));
    Value before = b.sub(bit, b.i32(1));
    b.stepLoop(b.index(0), b.dim(out, 1), vectors * b.lanes, [&](Value first) {
      Values columns, sums;
      for (int64_t vector : llvm::seq(vectors)) {
        columns.push_back(b.add(first, b.index(vector * b.lanes)));
        sums.push_back(op.getShared() ? b.read(op.getShared(),
                                               {token, columns.back()}, whole)
                                      : b.splat(0.0));
      }
      auto add = [&](Value expert, ValueRange old) -> Values {
        Value bits = b.load(mask, {expert, word});
        Value taken = b.cmp(CmpIPredicate::ne, b.both(bits, bit), b.i32(0));
        auto branch = scf::IfOp::create(b, old.getTypes(), taken,
                                        /*addThenBlock=*/true,
                                        /*addElseBlock=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(branch.thenBlock());
        Value rank = math::CtPopOp::create(b, b.both(bits, before));
        Value row = b.toIndex(b.add(b.load(wordRows, {expert, word}), rank));
        Value gate = b.splat(b.load(op.getGates(), {token, expert}));
        Values next;
        for (auto [column, sum] : llvm::zip_equal(columns, old))
          next.push_back(b.fma(gate, b.read(pairs, {row, column}, whole), sum));
        scf::YieldOp::create(b, next);
        b.setInsertionPointToEnd(branch.elseBlock());
        scf::YieldOp::create(b, old);
        return branch.getResults();
      };
      sums = b.loop(b.index(0), b.dim(mask, 0), sums, add);
      for (auto [column, sum] : llvm::zip_equal(columns, sums))
        b.write(sum, out, {token, column}, whole);
    });
  });
  memref::DeallocOp::create(b, wordRows);
  return success();
}

void et::populateCombineVectorPatterns(RewritePatternSet &patterns,
                                       CPUTargetAttr target) {
  patterns.add<VectorPattern<CombineOp>>(patterns.getContext(), target,
                                         lowerCombine);
}
