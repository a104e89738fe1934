//===- LoopBuilder.cpp - Building loops over memrefs ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/LoopBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;

Value LoopBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}
Value LoopBuilder::i32(int32_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
}
Value LoopBuilder::boolean(bool value) {
  return arith::ConstantOp::create(*this, getBoolAttr(value));
}
Value LoopBuilder::i64(int64_t value) {
  return arith::ConstantOp::create(*this, getI64IntegerAttr(value));
}
Value LoopBuilder::f32(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}
Value LoopBuilder::f64(double value) {
  return arith::ConstantOp::create(*this, getF64FloatAttr(value));
}
Value LoopBuilder::dim(Value memref, int64_t dimension) {
  return createOrFold<memref::DimOp>(memref, dimension);
}

Value LoopBuilder::load(Value memref, ValueRange indices) {
  Value value = memref::LoadOp::create(*this, memref, indices);
  auto type = dyn_cast<FloatType>(value.getType());
  if (type && type.getWidth() < 32)
    return arith::ExtFOp::create(*this, getF32Type(), value);
  return value;
}

void LoopBuilder::store(Value value, Value memref, ValueRange indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (element.isF16() || element.isBF16())
    value = arith::TruncFOp::create(*this, element, value);
  memref::StoreOp::create(*this, value, memref, indices);
}

Value LoopBuilder::loadStored(WeightFormatAttrInterface format, Value weights,
                              ValueRange indices) {
  Values place(indices);
  Value which;
  if (int64_t count = format.getCount(); count > 1) {
    which = arith::RemUIOp::create(*this, place.back(), index(count));
    place.back() = div(place.back(), index(count));
  }
  Value stored = memref::LoadOp::create(*this, weights, place);
  return format.widen(*this, stored, which);
}

Value LoopBuilder::loadScale(WeightFormatAttrInterface format, Value scales,
                             Value expert, Value k, Value column) {
  WeightBlock block = format.getBlock();
  return load(scales, {expert, blockOf(k, block.k), blockOf(column, block.n)});
}

void LoopBuilder::parallel(ValueRange upper,
                           function_ref<void(ValueRange)> body) {
  Values lower(upper.size(), index(0)), steps(upper.size(), index(1));
  auto op = scf::ParallelOp::create(*this, lower, upper, steps);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVars());
}

void LoopBuilder::once(function_ref<void()> body) {
  parallel(index(1), [&](ValueRange) { body(); });
}

void LoopBuilder::loop(Value lower, Value upper,
                       function_ref<void(Value)> body) {
  auto op = scf::ForOp::create(*this, lower, upper, index(1));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVar());
}

LoopBuilder::Values
LoopBuilder::loop(Value lower, Value upper, ValueRange inits,
                  function_ref<Values(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(*this, lower, upper, index(1), inits);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToEnd(op.getBody());
  Values next = body(op.getInductionVar(), op.getRegionIterArgs());
  scf::YieldOp::create(*this, next);
  return op.getResults();
}

void LoopBuilder::when(Value condition, function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(op.thenYield());
  body();
}

Value LoopBuilder::select(Value condition, Value ifTrue, Value ifFalse) {
  return arith::SelectOp::create(*this, condition, ifTrue, ifFalse);
}

Value LoopBuilder::add(Value a, Value b) {
  if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
    return arith::AddFOp::create(*this, a, b);
  return arith::AddIOp::create(*this, a, b);
}
Value LoopBuilder::sub(Value a, Value b) {
  if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
    return arith::SubFOp::create(*this, a, b);
  return arith::SubIOp::create(*this, a, b);
}
Value LoopBuilder::mul(Value a, Value b) {
  if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
    return arith::MulFOp::create(*this, a, b);
  return arith::MulIOp::create(*this, a, b);
}
Value LoopBuilder::div(Value a, Value b) {
  if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
    return arith::DivFOp::create(*this, a, b);
  return arith::DivUIOp::create(*this, a, b);
}
Value LoopBuilder::cmp(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(*this, predicate, a, b);
}
Value LoopBuilder::cmp(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(*this, predicate, a, b);
}
Value LoopBuilder::both(Value a, Value b) {
  return arith::AndIOp::create(*this, a, b);
}
Value LoopBuilder::either(Value a, Value b) {
  return arith::OrIOp::create(*this, a, b);
}

Value LoopBuilder::blockOf(Value position, int64_t size) {
  if (size == WeightBlock::kAll)
    return index(0);
  return size == 1 ? position : div(position, index(size));
}

Value LoopBuilder::toIndex(Value value) {
  return arith::IndexCastOp::create(*this, getIndexType(), value);
}
Value LoopBuilder::toI32(Value value) {
  return arith::IndexCastOp::create(*this, getI32Type(), value);
}
Value LoopBuilder::toF64(Value value) {
  if (value.getType().isF32())
    return arith::ExtFOp::create(*this, getF64Type(), value);
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(*this, getI64Type(), value);
  return arith::SIToFPOp::create(*this, getF64Type(), value);
}
Value LoopBuilder::toF32(Value value) {
  if (value.getType().isF64())
    return arith::TruncFOp::create(*this, getF32Type(), value);
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(*this, getI64Type(), value);
  return arith::SIToFPOp::create(*this, getF32Type(), value);
}
