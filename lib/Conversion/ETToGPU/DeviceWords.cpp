//===- DeviceWords.cpp - Where blocks meet --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceWords.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

static constexpr StringLiteral kDevice = "device";

Value DeviceWords::addressOf(Value word) const {
  Value bytes = arith::IndexCastOp::create(b, b.getI64Type(),
                                           b.mul(word, type.getWidth() / 8));
  return b.pointerTo(b.add(b.addressOf(memory), bytes),
                     NVVM::NVVMMemorySpace::Global);
}

Value DeviceWords::increment(Value word) const {
  Value one = arith::ConstantOp::create(b, b.getIntegerAttr(type, 1));
  return LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::add, addressOf(word),
                                   one, LLVM::AtomicOrdering::monotonic,
                                   kDevice);
}

void DeviceWords::fence() const {
  // The back end gives an atomic no ordering of its own.
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, kDevice);
}

void DeviceWords::await(Value word, Value target) const {
  Value address = addressOf(word);
  auto load = [&]() -> Value {
    return LLVM::LoadOp::create(
        b, type, address, /*alignment=*/type.getWidth() / 8,
        /*isVolatile=*/false, /*isNonTemporal=*/false, /*isInvariant=*/false,
        /*isInvariantGroup=*/false, LLVM::AtomicOrdering::monotonic, kDevice);
  };
  b.loopWhile(
      load(), [&](ValueRange found) { return b.less(found[0], target); },
      [&](ValueRange) -> Values { return {load()}; });
  fence();
}
