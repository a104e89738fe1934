//===- SeparateResults.cpp - Results of a call share no memory ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"

namespace mlir::et {
#define GEN_PASS_DEF_SEPARATERESULTS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;
using namespace mlir::bufferization;

/// Where functions that are called return several tensors.
static SmallVector<func::ReturnOp> findReturns(ModuleOp module) {
  SymbolTable symbols(module);
  SetVector<func::FuncOp> called;
  module.walk([&](func::CallOp call) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (callee && llvm::count_if(callee.getResultTypes(),
                                 llvm::IsaPred<RankedTensorType>) > 1)
      called.insert(callee);
  });
  SmallVector<func::ReturnOp> returns;
  for (func::FuncOp function : called)
    llvm::append_range(returns, function.getOps<func::ReturnOp>());
  return returns;
}

/// Copies what may lie in the memory of an operand before it; whether something
/// does.
static bool separate(func::ReturnOp op, const AnalysisState &state) {
  auto shareMemory = [&](Value a, Value b) {
    return isa<RankedTensorType>(a.getType()) &&
           isa<RankedTensorType>(b.getType()) &&
           state.areAliasingBufferizedValues(a, b);
  };
  OpBuilder builder(op);
  SmallVector<Value> values(op.getOperands());
  for (unsigned i : llvm::seq<unsigned>(values.size())) {
    if (llvm::none_of(ArrayRef(values).take_front(i), [&](Value before) {
          return shareMemory(before, values[i]);
        }))
      continue;
    auto type = cast<RankedTensorType>(values[i].getType());
    op.setOperand(i, AllocTensorOp::create(builder, op.getLoc(), type,
                                           /*dynamicSizes=*/ValueRange(),
                                           /*copy=*/values[i]));
  }
  return !llvm::equal(values, op.getOperands());
}

namespace {
struct SeparateResults : et::impl::SeparateResultsBase<SeparateResults> {
  void runOnOperation() override {
    SmallVector<func::ReturnOp> returns = findReturns(getOperation());
    // A copy changes what else may be written in place.
    for (bool changed = !returns.empty(); changed;) {
      changed = false;
      OneShotBufferizationOptions options;
      options.bufferizeFunctionBoundaries = true;
      options.allowReturnAllocsFromLoops = true;
      OneShotAnalysisState state(getOperation(), options);
      if (failed(analyzeModuleOp(getOperation(), state)))
        return signalPassFailure();
      for (func::ReturnOp op : returns)
        changed |= separate(op, state);
    }
  }
};
} // namespace
