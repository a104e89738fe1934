//===- OutlineLayers.cpp - One function for equal layers ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SubsetOpInterface.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::et {
#define GEN_PASS_DEF_OUTLINELAYERS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// Ops are equal that differ in nothing but the values they work on.
struct LayerInfo : llvm::DenseMapInfo<Operation *> {
  static unsigned getHashValue(Operation *op) {
    return OperationEquivalence::computeHash(
        op, OperationEquivalence::ignoreHashValue,
        OperationEquivalence::ignoreHashValue,
        OperationEquivalence::IgnoreLocations);
  }
  static bool isEqual(Operation *one, Operation *other) {
    if (one == other)
      return true;
    for (Operation *key : {getEmptyKey(), getTombstoneKey()})
      if (one == key || other == key)
        return false;
    return OperationEquivalence::isEquivalentTo(
        one, other, OperationEquivalence::ignoreValueEquivalence,
        /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
  }
};
} // namespace

/// Experts that multiply all rows are a layer; those that read a plan are fused
/// with what made it.
static bool isLayer(Operation *op) {
  auto experts = dyn_cast<ExpertFfnOp>(op);
  return isa<MoeOp>(op) ||
         (experts && !experts.getOffsets() && !experts.getTokens());
}

/// Whether the value is a part of a larger tensor, which would be copied at the
/// border of a function.
static bool isPart(Value value) {
  while (isa_and_present<tensor::CastOp, tensor::ExpandShapeOp,
                         tensor::CollapseShapeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return isa_and_present<SubsetExtractionOpInterface>(value.getDefiningOp());
}

static bool hasParts(Operation *op) {
  return llvm::any_of(op->getOperands(), isPart) ||
         llvm::any_of(op->getUsers(),
                      llvm::IsaPred<SubsetInsertionOpInterface>);
}

/// Adds the ops of `block` with products, on tensors, of which none depends on
/// the other.
static void collectIndependent(Block &block, DenseSet<Operation *> &all) {
  SmallVector<Operation *> withProducts;
  DenseMap<Operation *, llvm::BitVector> needs;
  for (Operation &op : block) {
    llvm::BitVector needed;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *producer = operand.getDefiningOp())
          needed |= needs.lookup(block.findAncestorOpInBlock(*producer));
    });
    if (isa<MoeOp, ExpertFfnOp, GroupedMatmulOp>(op) && op.getNumResults()) {
      for (auto [i, earlier] : llvm::enumerate(withProducts))
        if (i >= needed.size() || !needed[i]) {
          all.insert(earlier);
          all.insert(&op);
        }
      needed.resize(withProducts.size() + 1);
      needed.set(withProducts.size());
      withProducts.push_back(&op);
    }
    needs[&op] = std::move(needed);
  }
}

/// The function that a call of takes the place of each of the layers.
static func::FuncOp makeFunction(ArrayRef<Operation *> layers) {
  Operation *first = layers.front();
  OpBuilder builder(first->getContext());
  auto places = llvm::map_to_vector(
      layers, [](Operation *layer) { return layer->getLoc(); });
  Location loc = builder.getFusedLoc(places);
  auto function =
      func::FuncOp::create(loc, "et_layer",
                           builder.getFunctionType(first->getOperandTypes(),
                                                   first->getResultTypes()));
  function.setPrivate();
  builder.setInsertionPointToStart(function.addEntryBlock());
  // Several operands may be one value here, and not in another layer.
  Operation *layer = builder.clone(*first);
  layer->setOperands(function.getArguments());
  layer->setLoc(loc);
  func::ReturnOp::create(builder, loc, layer->getResults());
  return function;
}

static void outlineIn(ModuleOp module, bool keepPairs) {
  llvm::MapVector<Operation *, SmallVector<Operation *>,
                  DenseMap<Operation *, unsigned, LayerInfo>>
      groups;
  DenseSet<Operation *> pairs;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (keepPairs)
      function->walk([&](Block *block) { collectIndependent(*block, pairs); });
    function->walk([&](Operation *op) {
      if (isLayer(op) && !hasParts(op) && !pairs.contains(op))
        groups[op].push_back(op);
    });
  }
  SymbolTable symbols(module);
  // The keys are taken away one by one.
  for (auto &[key, layers] : groups.takeVector()) {
    if (layers.size() == 1)
      continue;
    func::FuncOp function = makeFunction(layers);
    symbols.insert(
        function,
        std::next(
            layers.front()->getParentOfType<func::FuncOp>()->getIterator()));
    for (Operation *layer : layers) {
      OpBuilder builder(layer);
      layer->replaceAllUsesWith(func::CallOp::create(
          builder, layer->getLoc(), function, layer->getOperands()));
      layer->erase();
    }
  }
}

namespace {
struct OutlineLayers : et::impl::OutlineLayersBase<OutlineLayers> {
  using OutlineLayersBase::OutlineLayersBase;

  void runOnOperation() override {
    getOperation()->walk(
        [&](ModuleOp module) { outlineIn(module, keepPairs); });
  }
};
} // namespace
