//===- SizeFacts.cpp - Where sizes come from ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeFacts.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::et;

bool et::isShaped(Value value) {
  return isa<RankedTensorType, MemRefType>(value.getType());
}

SmallVector<int64_t> et::getKeptDims(const llvm::SmallBitVector &dropped) {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0, rank = int64_t(dropped.size()); dim < rank; ++dim)
    if (!dropped.test(unsigned(dim)))
      kept.push_back(dim);
  return kept;
}

Size SizeFacts::trace(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return Size::ofConstant(*constant);
  auto value = cast<Value>(size);
  if (auto dim = value.getDefiningOp<ShapedDimOpInterface>()) {
    std::optional<int64_t> index = getConstantIntValue(dim.getDimension());
    Value shaped = dim.getShapedValue();
    if (index && isShaped(shaped) && *index >= 0 &&
        *index < cast<ShapedType>(shaped.getType()).getRank())
      return trace(shaped, *index);
  }
  return Size::ofIndex(value);
}

Size SizeFacts::trace(Value tensor, int64_t dim) {
  auto type = cast<ShapedType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return Size::ofConstant(type.getDimSize(dim));
  Size self = {tensor, dim};
  // First as if nothing were known of it: a loop's value depends on itself.
  if (auto [place, isNew] = traced.try_emplace(self, self); !isNew)
    return place->second;
  Size origin = traceStep(tensor, dim);
  traced[self] = origin;
  return origin;
}

Size SizeFacts::traceStep(Value tensor, int64_t dim) {
  Size self = {tensor, dim};
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast_or_null<scf::ForOp>(parent))
      return traceLoop(loop, argument, dim);
    if (auto loop = dyn_cast_or_null<scf::ForallOp>(parent))
      if (OpOperand *init = loop.getTiedOpOperand(argument))
        return trace(init->get(), dim);
    return self;
  }
  auto result = cast<OpResult>(tensor);
  Operation *op = result.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    // What is the argument's alone does not outlive the loop.
    BlockArgument argument = loop.getTiedLoopRegionIterArg(result);
    Size origin = trace(argument, dim);
    return origin == Size{argument, dim} ? self : origin;
  }
  if (auto loop = dyn_cast<scf::ForallOp>(op))
    return trace(loop.getTiedOpOperand(result)->get(), dim);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    unsigned number = result.getResultNumber();
    Size yes = trace(branch.thenYield().getOperand(number), dim);
    Size no = trace(branch.elseYield().getOperand(number), dim);
    return yes == no ? yes : self;
  }
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return trace(destination.getTiedOpOperand(result)->get(), dim);
  if (op->hasTrait<OpTrait::Elementwise>()) {
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return trace(operand, dim);
    return self;
  }
  return llvm::TypeSwitch<Operation *, Size>(op)
      .Case([&](tensor::CastOp cast) {
        return isa<RankedTensorType>(cast.getSource().getType())
                   ? trace(cast.getSource(), dim)
                   : self;
      })
      .Case([&](tensor::EmptyOp empty) {
        return trace(empty.getDynamicSize(dim));
      })
      .Case<tensor::GenerateOp, tensor::SplatOp>([&](auto made) {
        auto type = cast<RankedTensorType>(tensor.getType());
        return trace(made->getOperands().take_back(
            type.getNumDynamicDims())[type.getDynamicDimIndex(dim)]);
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
        return trace(sizes[getKeptDims(slice.getDroppedDims())[dim]]);
      })
      .Case([&](tensor::ExpandShapeOp split) {
        return trace(split.getMixedOutputShape()[dim]);
      })
      .Case([&](tensor::CollapseShapeOp merge) {
        ReassociationIndices group = merge.getReassociationIndices()[dim];
        return group.size() == 1 ? trace(merge.getSrc(), group.front()) : self;
      })
      .Case([&](memref::CastOp cast) {
        return isShaped(cast.getSource()) ? trace(cast.getSource(), dim) : self;
      })
      .Case<memref::AllocOp, memref::AllocaOp>(
          [&](auto made) { return trace(made.getMixedSizes()[dim]); })
      .Case([&](memref::SubViewOp slice) {
        SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
        return trace(sizes[getKeptDims(slice.getDroppedDims())[dim]]);
      })
      .Case([&](bufferization::ToBufferOp buffer) {
        return trace(buffer.getTensor(), dim);
      })
      .Case([&](bufferization::ToTensorOp made) {
        return trace(made.getBuffer(), dim);
      })
      .Default(self);
}

Size SizeFacts::traceLoop(scf::ForOp loop, BlockArgument argument,
                          int64_t dim) {
  Size self = {argument, dim};
  if (argument == loop.getInductionVar())
    return self;
  Size yielded = trace(loop.getTiedLoopYieldedValue(argument)->get(), dim);
  Size first = trace(loop.getTiedLoopInit(argument)->get(), dim);
  return yielded == self || yielded == first ? first : self;
}
