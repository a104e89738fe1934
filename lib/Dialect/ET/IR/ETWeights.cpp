//===- ETWeights.cpp - What stored weights stand for ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::et;
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

BlocksAttr BlocksAttr::getDefault(MLIRContext *context) {
  constexpr int64_t size = 128;
  return get(context, Float8E4M3FNType::get(context), size, size);
}

LogicalResult BlocksAttr::verify(EmitError emitError, Type element, int64_t k,
                                 int64_t n) {
  if (!isa<Float8E4M3FNType, Float4E2M1FNType>(element) &&
      !element.isSignlessInteger(8) && !element.isSignlessInteger(4))
    return emitError() << "#et.blocks needs f8E4M3FN, i8, i4 or f4E2M1FN as "
                          "element, got "
                       << element << " [A1]";
  for (auto [name, size] : {std::pair("k", k), std::pair("n", n)})
    if (size < 0)
      return emitError() << "#et.blocks needs a count > 0 or 'all' as " << name
                         << ", got " << size << " [A2]";
  return success();
}

WeightBlock BlocksAttr::getBlock() const { return {getK(), getN()}; }

Type BlocksAttr::getStored() const {
  return getCount() == 1 ? getElement() : IntegerType::get(getContext(), 8);
}

int64_t BlocksAttr::getCount() const {
  constexpr unsigned byte = 8;
  return byte / getElement().getIntOrFloatBitWidth();
}

bool BlocksAttr::hasByteTables() const {
  return isa<Float8E4M3FNType>(getElement());
}

/// A value of f8E4M3FN is (-1)^s 2^(e - 7) (1 + m / 8), or (-1)^s 2^-6 (m / 8)
/// where e is 0; the largest e and m together are NaN.
static Value widenF8(ImplicitLocOpBuilder &b, Value stored) {
  auto type = cast<VectorType>(stored.getType());
  VectorType i32 = type.clone(b.getI32Type()), f32 = type.clone(b.getF32Type());
  auto integer = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(i32, b.getI32IntegerAttr(value)));
  };
  auto real = [&](float value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(f32, b.getF32FloatAttr(value)));
  };
  Value bytes = vector::BitCastOp::create(b, type.clone(b.getI8Type()), stored);
  Value bits = arith::ExtSIOp::create(b, i32, bytes);
  bits = arith::ShLIOp::create(b, bits, integer(20));
  Value magnitude = arith::AndIOp::create(b, bits, integer(0x07f00000));
  Value sign = arith::AndIOp::create(b, bits, integer(INT32_MIN));
  // Exponents are moved from a bias of 7 to one of 127. That makes 2^-7 (1 + m
  // / 8) of 2^-6 (m / 8): for those, and only for those, 2t - 2^-6 is less than
  // t, and what is meant. No operand is a subnormal number of f32, which some
  // processors take long for.
  Value moved = arith::AddIOp::create(b, magnitude, integer(120 << 23));
  Value value = arith::BitcastOp::create(b, f32, moved);
  Value other = vector::FMAOp::create(b, value, real(2.0f), real(-0x1p-6f));
  Value isLess =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, value, other);
  value = arith::SelectOp::create(b, isLess, value, other);
  Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, magnitude,
                                      integer(0x07f00000));
  Value result = arith::BitcastOp::create(b, i32, value);
  result = arith::SelectOp::create(b, isNaN, integer(0x7fc00000), result);
  result = arith::OrIOp::create(b, result, sign);
  return arith::BitcastOp::create(b, f32, result);
}

/// The type of a scalar, or of a vector like that of `value`.
static Type typeLike(Value value, Type element) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? vector.clone(element) : element;
}

static Value constantLike(ImplicitLocOpBuilder &b, Value value,
                          TypedAttr scalar) {
  Attribute attr = scalar;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    attr = DenseElementsAttr::get(vector.clone(scalar.getType()), attr);
  return arith::ConstantOp::create(b, cast<TypedAttr>(attr));
}

/// The values of i4 or f4E2M1FN in the upper four bits of `bits`, of i32.
static Value widenUpperHalfByte(ImplicitLocOpBuilder &b, Type element,
                                Value bits) {
  constexpr int32_t above = 28;
  auto integer = [&](int32_t value) {
    return constantLike(b, bits, b.getI32IntegerAttr(value));
  };
  Type f32 = typeLike(bits, b.getF32Type());
  if (isa<IntegerType>(element)) {
    Value number = arith::ShRSIOp::create(b, bits, integer(above));
    return arith::SIToFPOp::create(b, f32, number);
  }
  // Sign, two bits of exponent, one of fraction: where f32 has them, they are
  // 2^(e - 127) (1 + m / 2), or 2^-126 m / 2 where e is 0.
  Value sign = arith::AndIOp::create(b, bits, integer(INT32_MIN));
  Value magnitude = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, bits, integer(6)), integer(7 << 22));
  Value value = arith::BitcastOp::create(
      b, f32, arith::OrIOp::create(b, magnitude, sign));
  return arith::MulFOp::create(
      b, value, constantLike(b, value, b.getF32FloatAttr(0x1p126f)));
}

/// Two weights a byte.
static Value widenHalfBytes(ImplicitLocOpBuilder &b, Type element, Value stored,
                            Value which) {
  auto integer = [&](Value like, int32_t value) {
    return constantLike(b, like, b.getI32IntegerAttr(value));
  };
  Value bits =
      arith::ExtUIOp::create(b, typeLike(stored, b.getI32Type()), stored);
  Value low = arith::ShLIOp::create(b, bits, integer(bits, 28));
  Value high = arith::ShLIOp::create(b, bits, integer(bits, 24));
  if (isa<VectorType>(stored.getType())) {
    // Even columns first, where each has its place.
    Value both = vector::InterleaveOp::create(b, low, high);
    return widenUpperHalfByte(b, element, both);
  }
  Value number = arith::IndexCastOp::create(b, b.getI32Type(), which);
  Value isLow = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number,
                                      integer(number, 0));
  return widenUpperHalfByte(b, element,
                            arith::SelectOp::create(b, isLow, low, high));
}

Value BlocksAttr::widen(ImplicitLocOpBuilder &builder, Value stored,
                        Value which) const {
  if (getCount() > 1)
    return widenHalfBytes(builder, getElement(), stored, which);
  if (isa<IntegerType>(getElement()))
    return arith::SIToFPOp::create(
        builder, typeLike(stored, builder.getF32Type()), stored);
  // Scalars are left to --et-expand-f8, for kernels have instructions for them.
  if (!isa<VectorType>(stored.getType()))
    return arith::ExtFOp::create(builder, builder.getF32Type(), stored);
  return widenF8(builder, stored);
}

bool BlocksAttr::hasRegisterForm() const { return getCount() == 1; }

/// Two bytes of a register of four, of f8E4M3FN, as f16.
static Value widenF8Pair(ImplicitLocOpBuilder &b, Value bytes, int32_t half) {
  auto number = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  Value halves = LLVM::BitcastOp::create(
      b, VectorType::get(2, b.getIntegerType(16)), bytes);
  Value pair = LLVM::ExtractElementOp::create(b, halves, number(half));
  pair = LLVM::BitcastOp::create(b, VectorType::get(2, b.getI8Type()), pair);
  return NVVM::ConvertF8x2ToF16x2Op::create(
      b, VectorType::get(2, b.getF16Type()), pair, /*relu=*/false,
      Float8E4M3FNType::get(b.getContext()));
}

/// The same of i8. Numbers from 1024 to 2047 have their lower bits at the end
/// of an f16: 1152 + x is made of x + 128, which is x with its upper bit
/// turned.
static Value widenI8Pair(ImplicitLocOpBuilder &b, Value bytes, int32_t half) {
  auto number = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  Type i32 = b.getI32Type();
  Value turned =
      arith::XOrIOp::create(b, bytes, number(static_cast<int32_t>(0x80808080)));
  Value pair = NVVM::PermuteOp::create(b, i32, turned, number(0x64646464),
                                       number(half ? 0x4342 : 0x4140),
                                       NVVM::PermuteMode::DEFAULT);
  auto type = VectorType::get(2, b.getF16Type());
  auto offset = DenseElementsAttr::get(type, b.getF16FloatAttr(1152.0f));
  return LLVM::FSubOp::create(b, LLVM::BitcastOp::create(b, type, pair),
                              arith::ConstantOp::create(b, offset));
}

SmallVector<Value> BlocksAttr::widenRegister(ImplicitLocOpBuilder &b,
                                             Value bytes, Type element) const {
  auto *widenPair = isa<IntegerType>(getElement()) ? widenI8Pair : widenF8Pair;
  SmallVector<Value> result;
  for (int32_t half = 0; half < 2; ++half) {
    Value wide = widenPair(b, bytes, half);
    // Eight bits of precision, or four with four of exponent, fit both types.
    if (element.isBF16()) {
      wide = LLVM::FPExtOp::create(b, VectorType::get(2, b.getF32Type()), wide);
      wide = LLVM::FPTruncOp::create(b, VectorType::get(2, element), wide);
    }
    result.push_back(LLVM::BitcastOp::create(b, b.getI32Type(), wide));
  }
  return result;
}
