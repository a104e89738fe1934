//===- TensorMapParameters.cpp - Tensor maps as kernel arguments ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/ETToGPU/KernelBuilder.h"

namespace mlir::et {
#define GEN_PASS_DEF_TENSORMAPPARAMETERS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// What copies by a tensor map ask of its address.
static constexpr int64_t kAlignment = 64;

static bool isTensorMap(Type type) {
  auto array = dyn_cast<LLVM::LLVMArrayType>(type);
  return array && array.getElementType().isInteger(64) &&
         array.getNumElements() == kTensorMapWords;
}

namespace {
struct TensorMapParameters
    : et::impl::TensorMapParametersBase<TensorMapParameters> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (!kernel.isExternal() &&
          kernel->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
        passByPointer(kernel);
  }

private:
  void passByPointer(LLVM::LLVMFuncOp kernel) {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Builder builder(&getContext());
    SmallVector<Type> types(kernel.getArgumentTypes());
    for (BlockArgument argument : kernel.getArguments()) {
      Type map = argument.getType();
      if (!isTensorMap(map))
        continue;
      unsigned number = argument.getArgNumber();
      types[number] = pointer;
      argument.setType(pointer);
      kernel.setArgAttr(number, LLVM::LLVMDialect::getByValAttrName(),
                        TypeAttr::get(map));
      kernel.setArgAttr(number, LLVM::LLVMDialect::getAlignAttrName(),
                        builder.getI64IntegerAttr(kAlignment));
      kernel.setArgAttr(number, NVVM::NVVMDialect::getGridConstantAttrName(),
                        builder.getUnitAttr());
      for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
        auto cast = dyn_cast<UnrealizedConversionCastOp>(user);
        if (!cast || cast.getType(0) != pointer)
          continue;
        cast.getResult(0).replaceAllUsesWith(argument);
        cast.erase();
      }
    }
    kernel.setFunctionType(LLVM::LLVMFunctionType::get(
        kernel.getFunctionType().getReturnType(), types));
  }
};
} // namespace
