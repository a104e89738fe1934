//===- Expand.cpp - Fused ops as the ops they are made of -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "et/Conversion/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"

using namespace mlir;
using namespace mlir::et;

/// A buffer for what passes between the ops, freed behind them by the caller.
static Value allocate(LoopBuilder &b, ArrayRef<OpFoldResult> sizes,
                      Type element) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  return memref::AllocOp::create(b, MemRefType::get(shape, element), dynamic);
}

static OpFoldResult sizeOf(LoopBuilder &b, Value memref, int64_t dim) {
  return memref::getMixedSize(b, b.getLoc(), memref, dim);
}

static void expandRoute(RouteOp op, LoopBuilder &b) {
  OpFoldResult sizes[] = {sizeOf(b, op.getX(), 0),
                          sizeOf(b, op.getRouter(), 1)};
  Value scores = allocate(b, sizes, b.getF32Type());
  ScoresOp::create(b, TypeRange(), op.getScore(), op.getX(), op.getRouter(),
                   scores);
  GateOp::create(b, TypeRange(), op.getRouting(), scores, op.getTheta(),
                 op.getBias(), op.getMask(), op.getGates());
  OffsetsOp::create(b, TypeRange(), op.getMask(), op.getOffsets());
  memref::DeallocOp::create(b, scores);
}

/// The number of pairs, on the host.
static Value countPairs(LoopBuilder &b, Value offsets) {
  Value last = b.sub(b.dim(offsets, 0), b.index(1));
  return b.toIndex(b.load(offsets, last));
}

/// The first `rows` rows.
static Value firstRows(LoopBuilder &b, Value memref, Value rows) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, b.getLoc(), memref);
  sizes[0] = rows;
  return memref::SubViewOp::create(b, memref, offsets, sizes, strides);
}

static void expandMask(GroupedMatmulOp op, LoopBuilder &b) {
  // A list has all pairs, out may have rows for fewer.
  Value rows = b.dim(op.getOut(), 0);
  Value all = arith::MaxUIOp::create(b, rows, countPairs(b, op.getOffsets()));
  Value tokens = allocate(b, {all}, b.getI32Type());
  TokenListOp::create(b, TypeRange(), op.getMask(), op.getOffsets(), tokens);
  Value tokensOfRows = firstRows(b, tokens, rows);
  auto product = cast<GroupedMatmulOp>(b.clone(*op));
  product.getMaskMutable().clear();
  product.getTokensMutable().assign(tokensOfRows);
  memref::DeallocOp::create(b, tokens);
}

/// With room for all pairs.
static void expandWaves(CombineWavesOp op, LoopBuilder &b) {
  auto type = [](Value memref) {
    return cast<MemRefType>(memref.getType()).getElementType();
  };
  Value offsets = op.getOffsets(), count = countPairs(b, offsets);
  Value tokens = allocate(b, {count}, b.getI32Type());
  TokenListOp::create(b, TypeRange(), op.getMask(), offsets, tokens);
  Value hidden =
      allocate(b, {count, sizeOf(b, op.getHidden(), 1)}, type(op.getHidden()));
  Value pairs =
      allocate(b, {count, sizeOf(b, op.getPairs(), 1)}, type(op.getPairs()));
  GroupedMatmulOperands first = {op.getX(), op.getW1()};
  first.offsets = offsets;
  first.tokens = tokens;
  first.bias = op.getB1();
  first.gate = op.getGate();
  first.gateBias = op.getGateBias();
  GroupedMatmulOp::create(b, TypeRange(), op.getActivation(), first, hidden);
  GroupedMatmulOperands second = {hidden, op.getW2()};
  second.offsets = offsets;
  second.bias = op.getB2();
  GroupedMatmulOp::create(
      b, TypeRange(), NoneActivationAttr::get(b.getContext()), second, pairs);
  Value given = arith::MinUIOp::create(b, count, b.dim(op.getPairs(), 0));
  memref::CopyOp::create(b, firstRows(b, op.getPairs(), given),
                         firstRows(b, pairs, given));
  CombineOp::create(b, TypeRange(), pairs, op.getGates(), op.getMask(), offsets,
                    op.getShared(), op.getOut());
  for (Value buffer : {tokens, hidden, pairs})
    memref::DeallocOp::create(b, buffer);
}

static bool hasMask(GroupedMatmulOp op) { return bool(op.getMask()); }

void et::populateExpandFusedOpsPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoopPattern<RouteOp>>(context, expandRoute);
  patterns.add<LoopPattern<GroupedMatmulOp>>(context, expandMask, hasMask);
  patterns.add<LoopPattern<CombineWavesOp>>(context, expandWaves);
}
