//===- SpreadRows.cpp - Rows that do not collide in a cache ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "et/Conversion/Passes.h"

namespace mlir::et {
#define GEN_PASS_DEF_SPREADROWS
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Whether products alone use `alloc`, and one of them multiplies its rows.
static bool isOfProducts(memref::AllocOp alloc) {
  bool isMultiplied = false;
  for (Operation *user : alloc->getUsers()) {
    auto product = dyn_cast<GroupedMatmulOp>(user);
    if (!product && !isa<memref::DeallocOp>(user))
      return false;
    isMultiplied |= product && product.getLhs() == alloc.getResult();
  }
  return isMultiplied;
}

/// Gives the rows of `alloc` a cache line more, for all users but those that
/// free it.
static void spread(memref::AllocOp alloc) {
  ImplicitLocOpBuilder b(alloc.getLoc(), alloc);
  MemRefType type = alloc.getType();
  int64_t line = kCacheLine * 8 / type.getElementTypeBitWidth();
  SmallVector<int64_t> shape(type.getShape());
  shape.back() += line;
  SmallVector<Value> sizes(alloc.getDynamicSizes());
  // A view of a matrix without rows would have no valid offset.
  for (Value &size : sizes)
    size =
        arith::MaxUIOp::create(b, size, arith::ConstantIndexOp::create(b, 1));
  auto wide =
      memref::AllocOp::create(b, MemRefType::Builder(type).setShape(shape),
                              sizes, alloc.getAlignmentAttr());
  SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  Value rows = memref::SubViewOp::create(b, wide, offsets,
                                         alloc.getMixedSizes(), strides);
  alloc->replaceUsesWithIf(ValueRange(wide), [](OpOperand &use) {
    return isa<memref::DeallocOp>(use.getOwner());
  });
  alloc->replaceAllUsesWith(ValueRange(rows));
  alloc.erase();
}

namespace {
struct SpreadRows : et::impl::SpreadRowsBase<SpreadRows> {
  void runOnOperation() override {
    SmallVector<memref::AllocOp> allocs;
    getOperation()->walk([&](memref::AllocOp alloc) {
      MemRefType type = alloc.getType();
      if (type.getRank() == 2 && type.getLayout().isIdentity() &&
          type.getShape()[0] != 0 && isOfProducts(alloc) && rowsCollide(type))
        allocs.push_back(alloc);
    });
    llvm::for_each(allocs, spread);
  }
};
} // namespace
