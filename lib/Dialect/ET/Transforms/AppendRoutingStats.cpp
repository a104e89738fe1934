//===- AppendRoutingStats.cpp - Statistics as results ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::et {
#define GEN_PASS_DEF_APPENDROUTINGSTATS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static OpFoldResult addOne(OpBuilder &builder, Location loc,
                           OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return builder.getIndexAttr(*constant + 1);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  return arith::AddIOp::create(builder, loc, cast<Value>(size), one)
      .getResult();
}

static ValueRange addStatistics(GateOp gate, OpBuilder &builder) {
  Location loc = gate.getLoc();
  builder.setInsertionPointAfter(gate);
  OpFoldResult tokens =
      tensor::getMixedSize(builder, loc, gate.getScores(), /*dim=*/0);
  OpFoldResult experts =
      tensor::getMixedSize(builder, loc, gate.getScores(), /*dim=*/1);
  OpFoldResult fanOuts = addOne(builder, loc, experts);
  Type i32 = builder.getI32Type(), f32 = builder.getF32Type();
  Value tokenCount = getValueOrCreateConstantIndexOp(builder, loc, tokens);
  Value loads = tensor::EmptyOp::create(builder, loc, experts, i32);
  Value fanOut = tensor::EmptyOp::create(builder, loc, fanOuts, i32);
  Value figures = tensor::EmptyOp::create(
      builder, loc, ArrayRef<OpFoldResult>{builder.getIndexAttr(4)}, f32);
  SmallVector<Type> types = {loads.getType(), fanOut.getType(),
                             figures.getType()};
  return RoutingStatsOp::create(builder, loc, types, gate->getResult(0),
                                tokenCount, loads, fanOut, figures)
      ->getResults();
}

namespace {
struct AppendRoutingStats
    : et::impl::AppendRoutingStatsBase<AppendRoutingStats> {
  using AppendRoutingStatsBase::AppendRoutingStatsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>(entry);
    if (!function || function.isDeclaration()) {
      module.emitError("no function '") << entry << "' with a body";
      return signalPassFailure();
    }
    if (!SymbolTable::symbolKnownUseEmpty(function, module)) {
      function.emitError("'")
          << entry << "' has callers, which expect its results";
      return signalPassFailure();
    }
    SmallVector<GateOp> gates;
    for (GateOp gate : function.getOps<GateOp>())
      if (gate->getNumResults() > 0)
        gates.push_back(gate);
    if (gates.empty()) {
      function.emitError("'") << entry << "' has no et.gate on tensors";
      return signalPassFailure();
    }
    for (GateOp gate : gates)
      append(function, gate);
  }

private:
  static void append(func::FuncOp function, GateOp gate) {
    OpBuilder builder(gate);
    ValueRange statistics = addStatistics(gate, builder);
    static constexpr StringLiteral roles[] = {
        "routing.loads", "routing.fan_out", "routing.figures"};
    for (auto [value, role] : llvm::zip_equal(statistics, roles)) {
      unsigned index = function.getNumResults();
      auto attributes = builder.getDictionaryAttr(
          builder.getNamedAttr("et.role", builder.getStringAttr(role)));
      (void)function.insertResult(index, value.getType(), attributes);
    }
    // A body with the gate in its one block returns once.
    auto terminator =
        cast<func::ReturnOp>(function.getBody().front().getTerminator());
    terminator.getOperandsMutable().append(statistics);
  }
};
} // namespace
