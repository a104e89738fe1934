//===- ExpandCopies.cpp - Copies between strided buffers ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDCOPIES
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static bool isStrided(Value memref) {
  auto type = dyn_cast<MemRefType>(memref.getType());
  return type && !type.getLayout().isIdentity();
}

static void expand(memref::CopyOp copy) {
  OpBuilder builder(copy);
  Location loc = copy.getLoc();
  Value source = copy.getSource(), target = copy.getTarget();
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  SmallVector<Value> sizes;
  for (int64_t dim : llvm::seq(cast<MemRefType>(source.getType()).getRank()))
    sizes.push_back(builder.createOrFold<memref::DimOp>(loc, source, dim));
  SmallVector<Value> zeros(sizes.size(), zero), ones(sizes.size(), one);
  scf::buildLoopNest(
      builder, loc, zeros, sizes, ones,
      [&](OpBuilder &nested, Location, ValueRange indices) {
        Value element = memref::LoadOp::create(nested, loc, source, indices);
        memref::StoreOp::create(nested, loc, element, target, indices);
      });
  copy.erase();
}

namespace {
struct ExpandCopies : et::impl::ExpandCopiesBase<ExpandCopies> {
  void runOnOperation() override {
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp copy) {
      if (isStrided(copy.getSource()) || isStrided(copy.getTarget()))
        copies.push_back(copy);
    });
    llvm::for_each(copies, expand);
  }
};
} // namespace
