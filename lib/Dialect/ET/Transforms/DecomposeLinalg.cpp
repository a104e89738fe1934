//===- DecomposeLinalg.cpp - Ops of several steps as structured ops -------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_DECOMPOSELINALG
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static Value castTo(OpBuilder &b, Location loc, Type type, Value value) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  if (from < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, type, value);
  if (from > type.getIntOrFloatBitWidth())
    return arith::TruncFOp::create(b, loc, type, value);
  return value;
}

namespace {
/// e^(x - max) over its sum, along one dimension. Elements of 16 bits are
/// rounded once, at the end: sums of them would stop growing.
class SoftmaxDecomposer {
public:
  SoftmaxDecomposer(RewriterBase &b, linalg::SoftmaxOp op)
      : b(b), loc(op.getLoc()), op(op) {
    auto type = cast<RankedTensorType>(op.getInput().getType());
    rank = type.getRank();
    element = type.getElementType();
    if (element.getIntOrFloatBitWidth() < 32)
      element = b.getF32Type();
    each = b.getMultiDimIdentityMap(rank);
    row = each.dropResult(op.getDimension());
    sizes = tensor::getMixedSizes(b, loc, op.getInput());
    rowSizes = sizes;
    rowSizes.erase(rowSizes.begin() + op.getDimension());
  }

  void decompose() {
    Value input = op.getInput();
    Value most = reduce(input, -std::numeric_limits<double>::infinity(),
                        [&](Value x, Value most) -> Value {
                          return arith::MaximumFOp::create(b, loc, x, most);
                        });
    Value powers =
        combine(input, most, tensor::EmptyOp::create(b, loc, sizes, element),
                [&](Value x, Value most) -> Value {
                  Value below = arith::SubFOp::create(b, loc, x, most);
                  return math::ExpOp::create(b, loc, below);
                });
    Value sum = reduce(powers, 0.0, [&](Value power, Value sum) -> Value {
      return arith::AddFOp::create(b, loc, power, sum);
    });
    Value result =
        combine(powers, sum, op.getOutput(), [&](Value power, Value sum) {
          return arith::DivFOp::create(b, loc, power, sum).getResult();
        });
    b.replaceOp(op, result);
  }

private:
  using Body = function_ref<Value(Value, Value)>;

  Value generic(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                ArrayRef<utils::IteratorType> iterators, Body body) {
    auto generic = linalg::GenericOp::create(
        b, loc, init.getType(), inputs, init, maps, iterators,
        [&](OpBuilder &, Location, ValueRange operands) {
          Value result =
              body(castTo(b, loc, element, operands[0]), operands[1]);
          Type type = cast<ShapedType>(init.getType()).getElementType();
          linalg::YieldOp::create(b, loc, castTo(b, loc, type, result));
        });
    return generic.getResult(0);
  }

  Value reduce(Value input, double neutral, Body body) {
    Value empty = tensor::EmptyOp::create(b, loc, rowSizes, element);
    Value start =
        arith::ConstantOp::create(b, loc, b.getFloatAttr(element, neutral));
    Value init = linalg::FillOp::create(b, loc, start, empty).getResult(0);
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators[op.getDimension()] = utils::IteratorType::reduction;
    return generic(input, {each, row}, init, iterators, body);
  }

  Value combine(Value input, Value ofRow, Value init, Body body) {
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    return generic({input, ofRow}, {each, row, each}, init, iterators, body);
  }

  RewriterBase &b;
  Location loc;
  linalg::SoftmaxOp op;
  int64_t rank;
  /// What is computed in.
  Type element;
  AffineMap each, row;
  SmallVector<OpFoldResult> sizes, rowSizes;
};

struct DecomposeLinalg : et::impl::DecomposeLinalgBase<DecomposeLinalg> {
  void runOnOperation() override {
    SmallVector<Operation *> winograd;
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<linalg::SoftmaxOp, linalg::PackOp, linalg::UnPackOp,
              tensor::ConcatOp>(op))
        ops.push_back(op);
      if (isa<linalg::WinogradFilterTransformOp,
              linalg::WinogradInputTransformOp,
              linalg::WinogradOutputTransformOp>(op))
        winograd.push_back(op);
    });
    IRRewriter b(&getContext());
    for (Operation *op : ops) {
      b.setInsertionPoint(op);
      if (failed(decompose(b, op))) {
        op->emitOpError("has no lowering for these operands; write it with "
                        "linalg.generic");
        return signalPassFailure();
      }
    }
    for (Operation *op : winograd)
      if (!llvm::all_of(op->getOperandTypes(), [](Type type) {
            return cast<ShapedType>(type).hasStaticShape();
          })) {
        op->emitOpError("has dynamic sizes, and nothing checks that its tiles "
                        "fit them; give it static ones, or use a convolution");
        return signalPassFailure();
      }
    if (!winograd.empty()) {
      RewritePatternSet patterns(&getContext());
      linalg::populateDecomposeWinogradOpsPatterns(patterns);
      GreedyRewriteConfig config;
      config.setStrictness(GreedyRewriteStrictness::ExistingOps);
      if (failed(
              applyOpPatternsGreedily(winograd, std::move(patterns), config)))
        return signalPassFailure();
    }
  }

  static LogicalResult decompose(RewriterBase &b, Operation *op) {
    if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      if (!softmax.hasPureTensorSemantics() ||
          !isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(
              getElementTypeOrSelf(softmax.getInput())))
        return failure();
      SoftmaxDecomposer(b, softmax).decompose();
      return success();
    }
    if (auto pack = dyn_cast<linalg::PackOp>(op))
      return linalg::lowerPack(b, pack);
    if (auto unpack = dyn_cast<linalg::UnPackOp>(op))
      return linalg::lowerUnPack(b, unpack);
    auto concat = cast<tensor::ConcatOp>(op);
    FailureOr<SmallVector<Value>> parts = concat.decomposeOperation(b);
    if (failed(parts))
      return failure();
    b.replaceOp(op, *parts);
    return success();
  }
};
} // namespace
