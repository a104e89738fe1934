//===- VectorizeElementwise.cpp - Elementwise ops as vector loops ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorBuilder.h"
#include "et/Conversion/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::et {
#define GEN_PASS_DEF_VECTORIZEELEMENTWISE
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Elements of the last dimension that a thread takes at a time: as many as
/// make starting the loop cheap.
static constexpr int64_t kBlock = 4096;

/// Elements of so many whole bytes lie in memory as they lie in a vector.
static bool isInVectors(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return llvm::is_contained({8, 16, 32, 64}, integer.getWidth());
  return isa<IndexType, Float16Type, BFloat16Type, Float32Type, Float64Type>(
      element);
}

/// Whether the last loop runs along consecutive elements of the operand, or it
/// does not depend on it.
static bool hasRows(linalg::LinalgOp op, OpOperand &operand) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return true;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!map.isProjectedPermutation() || !isInVectors(type.getElementType()))
    return false;
  std::optional<unsigned> place = map.getResultPosition(
      getAffineDimExpr(op.getNumLoops() - 1, op.getContext()));
  if (!place)
    return !op.isDpsInit(&operand);
  return *place + 1 == map.getNumResults() && type.isLastDimUnitStride();
}

/// Whether it can be done to lanes that no one asked for. Divisions of integers
/// cannot, though MLIR takes remainders for pure.
static bool isOfLanes(Operation &op) {
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return false;
  return isa<arith::ConstantOp, linalg::IndexOp>(op) ||
         (OpTrait::hasElementwiseMappableTraits(&op) && isPure(&op));
}

static bool isVectorizable(linalg::LinalgOp op) {
  return op.hasPureBufferSemantics() && op.getNumLoops() > 0 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         llvm::all_of(
             op->getOpOperands(),
             [&](OpOperand &operand) { return hasRows(op, operand); }) &&
         llvm::all_of(op.getBlock()->without_terminator(), isOfLanes);
}

namespace {
/// Emits one op as loops over vectors.
class ElementwiseEmitter {
public:
  ElementwiseEmitter(linalg::LinalgOp op, int64_t lanes)
      : op(op), builder(op), b(op.getLoc(), builder, lanes) {}

  void emit() {
    Values sizes, operands(op->getOperands());
    for (const Range &range : op.createLoopRanges(b, b.getLoc()))
      sizes.push_back(
          getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
    bool isFlat = flatten(operands, sizes);
    Value width = sizes.back();
    sizes.back() = b.createOrFold<arith::CeilDivUIOp>(width, b.index(kBlock));
    b.parallel(sizes, [&](ValueRange ids) {
      Values indices(ids);
      Value begin = b.mul(ids.back(), b.index(kBlock));
      Value end = b.min(b.add(begin, b.index(kBlock)), width);
      Value lanes = b.index(b.lanes);
      Value whole = b.add(begin, b.mul(b.div(b.sub(end, begin), lanes), lanes));
      auto step = [&](Value column, bool isWhole) {
        indices.back() = column;
        emitVectors(operands, isFlat, indices, isWhole);
      };
      // Masks cost much where the processor has none, so only the end has one.
      b.stepLoop(begin, whole, b.lanes,
                 [&](Value column) { step(column, /*isWhole=*/true); });
      b.when(b.cmp(arith::CmpIPredicate::ult, whole, end),
             [&] { step(whole, /*isWhole=*/false); });
    });
  }

private:
  using Values = SmallVector<Value>;

  /// Makes one loop of all where every operand has all elements in the order of
  /// the loops.
  bool flatten(Values &operands, Values &sizes) {
    bool asksForIndex = llvm::any_of(*op.getBlock(), [](Operation &inner) {
      return isa<linalg::IndexOp>(inner);
    });
    if (sizes.size() == 1 || asksForIndex)
      return false;
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      if (type && !(type.getLayout().isIdentity() &&
                    op.getMatchingIndexingMap(&operand).isIdentity()))
        return false;
    }
    ReassociationIndices all =
        llvm::to_vector(llvm::seq<int64_t>(sizes.size()));
    for (Value &operand : operands)
      if (isa<MemRefType>(operand.getType()))
        operand = memref::CollapseShapeOp::create(
            b, operand, ArrayRef<ReassociationIndices>(all));
    sizes = {b.dim(operands.back(), 0)};
    return true;
  }

  Values indicesOf(OpOperand &operand, bool isFlat, ArrayRef<Value> indices) {
    if (isFlat)
      return Values(indices);
    Values result;
    for (AffineExpr dim : op.getMatchingIndexingMap(&operand).getResults())
      result.push_back(indices[cast<AffineDimExpr>(dim).getPosition()]);
    return result;
  }

  /// All lanes at `indices`, of which the last is that of the first lane.
  void emitVectors(ArrayRef<Value> operands, bool isFlat,
                   ArrayRef<Value> indices, bool isWhole) {
    IRMapping mapping;
    Block *body = op.getBlock();
    for (auto [operand, memory, argument] :
         llvm::zip_equal(op->getOpOperands(), operands, body->getArguments())) {
      if (argument.use_empty())
        continue;
      Values at;
      if (isa<MemRefType>(memory.getType()))
        at = indicesOf(operand, isFlat, indices);
      if (!at.empty() && at.back() == indices.back())
        mapping.map(argument, read(memory, at, isWhole));
      else if (isa<MemRefType>(memory.getType()))
        mapping.map(argument,
                    b.splat(memref::LoadOp::create(b, memory, at).getResult()));
      else
        mapping.map(argument, b.splat(memory));
    }
    auto vectorOf = [&](Value value) {
      if (!mapping.contains(value))
        mapping.map(value, b.splat(value));
      return mapping.lookup(value);
    };
    for (Operation &inner : body->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        mapping.map(index, indexVector(index, indices));
        continue;
      }
      bool isConstant = isa<arith::ConstantOp>(inner);
      for (Value operand : inner.getOperands())
        vectorOf(operand);
      Operation *lanes = b.clone(inner, mapping);
      for (auto [scalar, vector] :
           llvm::zip_equal(inner.getResults(), lanes->getResults())) {
        if (isConstant)
          mapping.map(scalar, b.splat(vector));
        else
          vector.setType(b.vectorOf(vector.getType()));
      }
    }
    for (auto [operand, result] : llvm::zip_equal(
             op.getDpsInitsMutable(), body->getTerminator()->getOperands()))
      vector::TransferWriteOp::create(
          b, vectorOf(result), operands[operand.getOperandNumber()],
          indicesOf(operand, isFlat, indices), ArrayRef<bool>{isWhole});
  }

  Value read(Value memory, ArrayRef<Value> at, bool isWhole) {
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    Value padding = arith::ConstantOp::create(b, b.getZeroAttr(element));
    return vector::TransferReadOp::create(b, b.vectorOf(element), memory, at,
                                          padding, ArrayRef<bool>{isWhole});
  }

  Value indexVector(linalg::IndexOp index, ArrayRef<Value> indices) {
    Value first = b.splat(indices[index.getDim()]);
    if (index.getDim() + 1 != indices.size())
      return first;
    return b.add(first,
                 vector::StepOp::create(b, b.vectorOf(b.getIndexType())));
  }

  linalg::LinalgOp op;
  OpBuilder builder;
  VectorBuilder b;
};

struct VectorizeElementwise
    : et::impl::VectorizeElementwiseBase<VectorizeElementwise> {
  using Base::Base;

  void runOnOperation() override {
    FailureOr<CPUTargetAttr> target =
        getCPUTarget(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (isVectorizable(op))
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      ElementwiseEmitter(op, target->getLanes()).emit();
      op.erase();
    }
  }
};
} // namespace
