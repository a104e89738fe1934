//===- MoveBuffersToDevice.cpp - Buffers in GPU memory --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::et {
#define GEN_PASS_DEF_MOVEBUFFERSTODEVICE
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static Value allocate(OpBuilder &builder, Location loc, MemRefType type,
                      ValueRange sizes) {
  return gpu::AllocOp::create(builder, loc, type, /*asyncToken=*/Type(),
                              /*asyncDependencies=*/ValueRange(), sizes,
                              /*symbolOperands=*/ValueRange(),
                              /*hostShared=*/false)
      .getMemref();
}

static void copy(OpBuilder &builder, Location loc, Value source, Value target) {
  gpu::MemcpyOp::create(builder, loc, /*asyncToken=*/TypeRange(),
                        /*asyncDependencies=*/ValueRange(), target, source);
}

static void deallocate(OpBuilder &builder, Location loc, Value buffer) {
  gpu::DeallocOp::create(builder, loc, /*asyncToken=*/TypeRange(),
                         /*asyncDependencies=*/ValueRange(), buffer);
}

/// Whether the op reads or writes memory through a memref operand.
static bool accessesMemory(Operation *op) {
  if (llvm::none_of(op->getOperandTypes(), llvm::IsaPred<BaseMemRefType>))
    return false;
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  return interface && (interface.hasEffect<MemoryEffects::Read>() ||
                       interface.hasEffect<MemoryEffects::Write>());
}

namespace {
struct MoveBuffersToDevice
    : et::impl::MoveBuffersToDeviceBase<MoveBuffersToDevice> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<gpu::LaunchOp>(op))
        return WalkResult::skip();
      ops.push_back(op);
      return WalkResult::advance();
    });
    for (Operation *op : ops)
      if (failed(move(op)))
        return signalPassFailure();
  }

private:
  LogicalResult move(Operation *op) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      alloc.replaceAllUsesWith(
          allocate(builder, loc, alloc.getType(), alloc.getDynamicSizes()));
    } else if (auto dealloc = dyn_cast<memref::DeallocOp>(op)) {
      deallocate(builder, loc, dealloc.getMemref());
    } else if (auto copyOp = dyn_cast<memref::CopyOp>(op)) {
      copy(builder, loc, copyOp.getSource(), copyOp.getTarget());
    } else if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
      stage(global);
      return success();
    } else if (accessesMemory(op) && op->getDialect() &&
               op->getDialect()->getNamespace() != "gpu") {
      return op->emitOpError(
          "accesses memory from the host, but the buffers of a GPU layer lie "
          "on "
          "the device; keep it out of the function, or write it as an op on "
          "tensors");
    } else {
      return success();
    }
    op->erase();
    return success();
  }

  /// Gives the function a copy of a constant, freed at its end.
  void stage(memref::GetGlobalOp global) {
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(global);
    Value onDevice =
        allocate(builder, global.getLoc(), global.getType(), ValueRange());
    global.getResult().replaceAllUsesWith(onDevice);
    copy(builder, global.getLoc(), global.getResult(), onDevice);
    builder.setInsertionPoint(global->getBlock()->getTerminator());
    deallocate(builder, global.getLoc(), onDevice);
  }
};
} // namespace
