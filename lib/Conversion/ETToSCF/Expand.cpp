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
static Value allocate(LoopBuilder &b, ValueRange sizes, Type element) {
  SmallVector<int64_t> shape(sizes.size(), ShapedType::kDynamic);
  return memref::AllocOp::create(b, MemRefType::get(shape, element), sizes);
}

static void expandRoute(RouteOp op, LoopBuilder &b) {
  Value sizes[] = {b.dim(op.getX(), 0), b.dim(op.getRouter(), 1)};
  Value scores = allocate(b, sizes, b.getF32Type());
  ScoresOp::create(b, TypeRange(), op.getScore(), op.getX(), op.getRouter(),
                   scores);
  GateOp::create(b, TypeRange(), op.getRouting(), scores, op.getTheta(),
                 op.getBias(), op.getMask(), op.getGates());
  OffsetsOp::create(b, TypeRange(), op.getMask(), op.getOffsets());
  memref::DeallocOp::create(b, scores);
}

static void expandMask(GroupedMatmulOp op, LoopBuilder &b) {
  Value tokens = allocate(b, b.dim(op.getOut(), 0), b.getI32Type());
  TokenListOp::create(b, TypeRange(), op.getMask(), op.getOffsets(), tokens);
  GroupedMatmulOp::create(b, TypeRange(), op.getActivationAttr(), op.getLhs(),
                          op.getRhs(), op.getOffsets(), tokens,
                          /*mask=*/Value(), op.getBias(), op.getGate(),
                          op.getGateBias(), op.getScales(), op.getGateScales(),
                          op.getPanelsAttr(), op.getOut());
  memref::DeallocOp::create(b, tokens);
}

static bool hasMask(GroupedMatmulOp op) { return bool(op.getMask()); }

void et::populateExpandFusedOpsPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoopPattern<RouteOp>>(context, expandRoute);
  patterns.add<LoopPattern<GroupedMatmulOp>>(context, expandMask, hasMask);
}
