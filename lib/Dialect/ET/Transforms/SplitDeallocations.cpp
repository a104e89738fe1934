//===- SplitDeallocations.cpp - Ownership without bookkeeping in memory ---===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::et {
#define GEN_PASS_DEF_SPLITDEALLOCATIONS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;
using bufferization::DeallocOp;

/// One deallocation a buffer. Each keeps the whole list of retained buffers, so
/// a retained buffer is owned if any of them says so.
static void split(DeallocOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  SmallVector<Value> pointers, conditions(op.getConditions());
  for (Value memref : op.getMemrefs())
    pointers.push_back(
        memref::ExtractAlignedPointerAsIndexOp::create(b, memref));

  SmallVector<Value> owned;
  for (auto [i, memref] : llvm::enumerate(op.getMemrefs())) {
    // Of several that are one buffer, the first that is owned frees it.
    Value isOwned = conditions[i];
    for (size_t j = 0; j < i; ++j) {
      Value differs = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                            pointers[i], pointers[j]);
      Value isOthers = arith::XOrIOp::create(b, conditions[j], yes);
      isOwned = arith::AndIOp::create(
          b, isOwned, arith::OrIOp::create(b, differs, isOthers));
    }
    auto dealloc = DeallocOp::create(b, memref, isOwned, op.getRetained());
    if (i == 0) {
      llvm::append_range(owned, dealloc.getUpdatedConditions());
      continue;
    }
    for (auto [all, one] :
         llvm::zip_equal(owned, dealloc.getUpdatedConditions()))
      all = arith::OrIOp::create(b, all, one);
  }
  op.replaceAllUsesWith(owned);
  op.erase();
}

namespace {
struct SplitDeallocations
    : et::impl::SplitDeallocationsBase<SplitDeallocations> {
  void runOnOperation() override {
    SmallVector<DeallocOp> ops;
    getOperation().walk([&](DeallocOp op) {
      if (op.getMemrefs().size() > 1 &&
          llvm::all_of(op.getMemrefs().getTypes(), llvm::IsaPred<MemRefType>))
        ops.push_back(op);
    });
    for (DeallocOp op : ops)
      split(op);
  }
};
} // namespace
