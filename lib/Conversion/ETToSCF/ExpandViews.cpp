//===- ExpandViews.cpp - Offsets, sizes and strides of views --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDVIEWS
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Whether a dimension becomes several of which one is known only at run time
/// and does not follow from the others: these are not known either, or 0.
static bool hasFreeSize(memref::ExpandShapeOp op) {
  ArrayRef<int64_t> shape = op.getResultType().getShape();
  return llvm::any_of(op.getReassociationIndices(),
                      [&](const ReassociationIndices &group) {
                        auto count = [&](int64_t size) {
                          return llvm::count_if(group, [&](int64_t dim) {
                            return shape[dim] == size;
                          });
                        };
                        int64_t unknown = count(ShapedType::kDynamic);
                        return unknown > 1 || (unknown == 1 && count(0) > 0);
                      });
}

static void reinterpret(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto source =
      memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  MemRefType type = op.getResultType();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(type.getRank());
  auto [typeStrides, typeOffset] = type.getStridesAndOffset();
  for (auto [group, stride] :
       llvm::zip_equal(op.getReassociationIndices(), source.getStrides())) {
    Value next = stride;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = ShapedType::isDynamic(typeStrides[dim])
                         ? OpFoldResult(next)
                         : builder.getIndexAttr(typeStrides[dim]);
      Value size = getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]);
      next = builder.createOrFold<arith::MulIOp>(loc, next, size);
    }
  }
  OpFoldResult offset = ShapedType::isDynamic(typeOffset)
                            ? OpFoldResult(source.getOffset())
                            : builder.getIndexAttr(typeOffset);
  op.replaceAllUsesWith(
      memref::ReinterpretCastOp::create(
          builder, loc, type, source.getBaseBuffer(), offset, sizes, strides)
          .getResult());
  op.erase();
}

namespace {
struct ExpandViews : et::impl::ExpandViewsBase<ExpandViews> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    memref::populateExpandStridedMetadataPatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation()->walk([&](memref::ExpandShapeOp op) {
      if (hasFreeSize(op))
        ops.push_back(op);
    });
    llvm::for_each(ops, reinterpret);

    // Sizes of views too, which nothing uses any more.
    SmallVector<Operation *> views;
    getOperation()->walk([&](Operation *op) {
      if (isa<ViewLikeOpInterface, memref::ExtractStridedMetadataOp,
              memref::ExtractAlignedPointerAsIndexOp, memref::DimOp>(op))
        views.push_back(op);
    });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(views, patterns, config)))
      signalPassFailure();
  }

private:
  FrozenRewritePatternSet patterns;
};
} // namespace
