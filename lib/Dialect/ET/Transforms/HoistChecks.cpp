//===- HoistChecks.cpp - Checks before the work ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::et {
#define GEN_PASS_DEF_HOISTCHECKS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Collects the ops of `block` that `value` needs, each after what it needs
/// itself. Fails if one of them must stay where it is.
static LogicalResult collect(Value value, Block &block,
                             SetVector<Operation *> &ops) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &block || ops.contains(op))
    return success();
  if (!isPure(op) || op->getNumRegions())
    return failure();
  for (Value operand : op->getOperands())
    if (failed(collect(operand, block, ops)))
      return failure();
  ops.insert(op);
  return success();
}

namespace {
struct HoistChecks : et::impl::HoistChecksBase<HoistChecks> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Block &block = getOperation().front();
    auto checks = llvm::to_vector(block.getOps<cf::AssertOp>());
    DenseSet<std::pair<Value, StringAttr>> done;
    Operation *firstOther = &block.front();
    for (cf::AssertOp check : checks) {
      bool isNew = done.insert({check.getArg(), check.getMsgAttr()}).second;
      if (!isNew) {
        if (check == firstOther)
          firstOther = check->getNextNode();
        check.erase();
        continue;
      }
      SetVector<Operation *> ops;
      if (failed(collect(check.getArg(), block, ops)))
        continue;
      ops.insert(check);
      for (Operation *op : ops) {
        if (op == firstOther)
          firstOther = op->getNextNode();
        else if (firstOther->isBeforeInBlock(op))
          op->moveBefore(firstOther);
      }
    }
  }
};
} // namespace
