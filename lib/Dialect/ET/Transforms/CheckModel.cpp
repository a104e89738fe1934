//===- CheckModel.cpp - What cannot be compiled, first --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKMODEL
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Why no target takes values of this type; empty if one may.
static StringRef findObstacle(Type type) {
  if (isa<UnrankedTensorType, UnrankedMemRefType>(type))
    return "has no rank; give it one, with ? for sizes that are not known";
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.getEncoding())
    return "has an encoding, and elements are laid out in rows here; leave it "
           "out";
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element) && !isa<Float16Type, BFloat16Type, Float32Type,
                                      Float64Type, Float8E4M3FNType>(element))
    return "has floats that no target computes with; convert them to f16, "
           "bf16, f32, f64 or f8E4M3FN";
  return "";
}

static LogicalResult verifyTypes(Operation *op) {
  auto refuse = [&](Type type) {
    return op->emitOpError("has a value of type ")
           << type << ", which " << findObstacle(type);
  };
  for (Type type : op->getResultTypes())
    if (!findObstacle(type).empty())
      return refuse(type);
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (Type type : block.getArgumentTypes())
        if (!findObstacle(type).empty())
          return refuse(type);
  return success();
}

/// What a pipeline makes after it has bufferized.
static LogicalResult verifyNotLowered(Operation *op) {
  bool isLowered =
      isa<memref::DeallocOp, bufferization::DeallocOp, LLVM::LLVMFuncOp>(op) ||
      isa_and_present<gpu::GPUDialect, omp::OpenMPDialect>(op->getDialect());
  if (!isLowered)
    return success();
  return op->emitOpError("is of a model that is bufferized or lowered already; "
                         "pipelines begin with tensors, as in what "
                         "compile-to=fuse or an earlier phase leaves");
}

static LogicalResult verifyFunction(func::FuncOp function) {
  if (function.isDeclaration() ||
      llvm::any_of(function.getBody(), [](Block &block) {
        return isa<func::ReturnOp>(block.getTerminator());
      }))
    return success();
  return function.emitOpError(
      "never returns: no block of it ends in func.return");
}

/// An op that names a function.
static LogicalResult verifyUse(Operation *op, StringRef name, ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || !function.isDeclaration())
    return success();
  InFlightDiagnostic error =
      op->emitOpError("calls '")
      << name
      << "', which has no body; put it into this model, since compiled code "
         "binds to no function outside of it";
  error.attachNote(function.getLoc()) << "declared here";
  return error;
}

namespace {
struct CheckModel : et::impl::CheckModelBase<CheckModel> {
  void runOnOperation() override {
    WalkResult result =
        getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
          if (failed(verifyTypes(op)) || failed(verifyNotLowered(op)))
            return WalkResult::interrupt();
          if (auto function = dyn_cast<func::FuncOp>(op))
            return WalkResult(verifyFunction(function));
          if (auto call = dyn_cast<func::CallOp>(op))
            return WalkResult(verifyUse(op, call.getCallee(), getOperation()));
          if (auto constant = dyn_cast<func::ConstantOp>(op))
            return WalkResult(
                verifyUse(op, constant.getValue(), getOperation()));
          return WalkResult::advance();
        });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
