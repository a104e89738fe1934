//===- FlattenModules.cpp - Functions of nested modules -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"

#include "mlir/IR/SymbolTable.h"

namespace mlir::et {
#define GEN_PASS_DEF_FLATTENMODULES
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Moves what the module has in front of it, and erases it.
static LogicalResult flatten(ModuleOp module) {
  auto outer = cast<ModuleOp>(module->getParentOp());
  if (!module->getDiscardableAttrDictionary().empty())
    return module.emitError("a nested module with attributes of its own, which "
                            "its functions would lose; move them to the "
                            "outermost module");
  if (module.getSymName() && !SymbolTable::symbolKnownUseEmpty(module, outer))
    return module.emitError("a nested module that is referred to by its name; "
                            "move its functions to the outermost module");
  SymbolTable inside(module), outside(outer);
  // All have their names before one moves, and with it what names others.
  for (Operation &op : *module.getBody()) {
    auto symbol = dyn_cast<SymbolOpInterface>(op);
    if (!symbol)
      return op.emitOpError("stands in a nested module, where only functions "
                            "and other symbols can");
    std::string name = symbol.getName().str();
    if (module.getSymName())
      name = (*module.getSymName() + "." + name).str();
    if (Operation *taken = outside.lookup(name)) {
      InFlightDiagnostic error = op.emitError("'")
                                 << name << "' would be the name of two";
      error.attachNote(taken->getLoc()) << "the other; rename one";
      return error;
    }
    if (name != symbol.getName() && failed(inside.rename(symbol, name)))
      return op.emitOpError("cannot be renamed to '") << name << "'";
    // Nobody outside can name what a private module has.
    if (!module.isPublic())
      symbol.setPrivate();
  }
  for (Operation &op : llvm::make_early_inc_range(*module.getBody())) {
    op.remove();
    outside.insert(&op, module->getIterator());
  }
  module.erase();
  return success();
}

static bool hasFunction(ModuleOp module) {
  return module.walk([](func::FuncOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

namespace {
struct FlattenModules : et::impl::FlattenModulesBase<FlattenModules> {
  void runOnOperation() override {
    // Innermost first. A module without a function is no part of a model, but
    // a script of the transform dialect.
    SmallVector<ModuleOp> modules;
    getOperation()->walk<WalkOrder::PostOrder>([&](ModuleOp module) {
      if (isa_and_present<ModuleOp>(module->getParentOp()) &&
          hasFunction(module))
        modules.push_back(module);
    });
    for (ModuleOp module : modules)
      if (failed(flatten(module)))
        return signalPassFailure();
  }
};
} // namespace
