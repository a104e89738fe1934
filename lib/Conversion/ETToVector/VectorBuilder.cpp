//===- VectorBuilder.cpp - Building vector code over memrefs --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorBuilder.h"
#include "et/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;

Value VectorBuilder::splat(Value scalar) {
  return vector::BroadcastOp::create(*this, vectorOf(scalar.getType()), scalar);
}

Value VectorBuilder::read(Value memref, ValueRange indices, bool whole) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  Value value = vector::TransferReadOp::create(
      *this, vectorOf(element), memref, indices,
      arith::ConstantOp::create(*this, getZeroAttr(element)).getResult(),
      ArrayRef<bool>{whole});
  if (element.isF16() || element.isBF16())
    return arith::ExtFOp::create(*this, vectorOf(getF32Type()), value);
  return value;
}

bool VectorBuilder::isWhole(Value memref, int64_t elements) {
  int64_t size = cast<MemRefType>(memref.getType()).getShape().back();
  return !ShapedType::isDynamic(size) && size % elements == 0;
}

void VectorBuilder::write(Value vector, Value memref, ValueRange indices,
                          bool whole) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (element.isF16() || element.isBF16())
    vector = arith::TruncFOp::create(*this, vectorOf(element), vector);
  vector::TransferWriteOp::create(*this, vector, memref, indices,
                                  ArrayRef<bool>{whole});
}

Value VectorBuilder::widenOfPairs(Value pairs, bool second) {
  // bf16 is the upper half of an f32.
  Value bits = vector::BitCastOp::create(*this, vectorOf(getI32Type()), pairs);
  if (second)
    bits = arith::AndIOp::create(*this, bits, splat(i32(-65536)));
  else
    bits = arith::ShLIOp::create(*this, bits, splat(i32(16)));
  return vector::BitCastOp::create(*this, vectorOf(getF32Type()), bits);
}

Place VectorBuilder::placeOf(Value matrix) {
  auto type = cast<MemRefType>(matrix.getType());
  Value width = index(type.getElementTypeBitWidth() / 8);
  auto parts = memref::ExtractStridedMetadataOp::create(*this, matrix);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(*this, matrix);
  return {add(base, mul(parts.getOffset(), width)),
          mul(parts.getStrides()[0], width)};
}

Value VectorBuilder::toPointer(Value address) {
  Value bits = arith::IndexCastOp::create(*this, getI64Type(), address);
  return LLVM::IntToPtrOp::create(
      *this, LLVM::LLVMPointerType::get(getContext()), bits);
}

void VectorBuilder::stepLoop(Value lower, Value upper, int64_t step,
                             function_ref<void(Value)> body) {
  auto op = scf::ForOp::create(*this, lower, upper, index(step));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVar());
}

Value VectorBuilder::generalize(Value memref, int64_t width,
                                int64_t rowStride) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<int64_t> shape(type.getRank(), ShapedType::kDynamic);
  SmallVector<int64_t> strides = shape;
  strides.back() = 1;
  if (type.getRank() == 2) {
    shape.back() = width;
    strides.front() = rowStride;
  }
  auto layout =
      StridedLayoutAttr::get(getContext(), ShapedType::kDynamic, strides);
  auto general = MemRefType::get(shape, type.getElementType(), layout);
  if (type == general)
    return memref;
  return memref::CastOp::create(*this, general, memref);
}

int64_t VectorBuilder::rowStrideOf(Value matrix) {
  return cast<MemRefType>(matrix.getType()).getStridesAndOffset().first[0];
}

void VectorBuilder::callShared(ModuleOp module, StringRef name,
                               ArrayRef<Value *> operands,
                               function_ref<void()> emit, StringAttr key) {
  Values arguments;
  for (Value *operand : operands)
    arguments.push_back(*operand);
  constexpr StringLiteral keyName = "et.key";
  std::string numbered = name.str();
  func::FuncOp function;
  for (int64_t number = 1;; ++number) {
    function = module.lookupSymbol<func::FuncOp>(numbered);
    if (!function || function->getAttrOfType<StringAttr>(keyName) == key)
      break;
    numbered = (name + "_" + Twine(number)).str();
  }
  if (!function) {
    InsertionGuard guard(*this);
    setInsertionPointToStart(module.getBody());
    function = func::FuncOp::create(*this, numbered,
                                    getFunctionType(TypeRange(arguments), {}));
    function.setPrivate();
    // Lets LLVM drop the descriptor fields that the body does not read.
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(getContext(), LLVM::Linkage::Internal));
    if (key)
      function->setAttr(keyName, key);
    // It is long, and its callers are many.
    function->setAttr("passthrough",
                      getStrArrayAttr({"noinline", kKernelAttribute}));
    Block *body = function.addEntryBlock();
    for (auto [operand, argument] :
         llvm::zip_equal(operands, body->getArguments()))
      *operand = argument;
    setInsertionPointToStart(body);
    emit();
    func::ReturnOp::create(*this);
  }
  func::CallOp::create(*this, function, arguments);
}

Value VectorBuilder::fma(Value a, Value b, Value c) {
  return vector::FMAOp::create(*this, a, b, c);
}
Value VectorBuilder::ceilDiv(Value a, Value b) {
  return arith::CeilDivUIOp::create(*this, a, b);
}
Value VectorBuilder::min(Value a, Value b) {
  return arith::MinUIOp::create(*this, a, b);
}
Value VectorBuilder::max(Value a, Value b) {
  return arith::MaxUIOp::create(*this, a, b);
}
