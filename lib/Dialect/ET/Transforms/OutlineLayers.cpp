//===- OutlineLayers.cpp - One function for equal layers ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
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

/// What makes an operand of a layer from weights as they are stored, and moves
/// with it: a product reads them where it sees this.
static DequantizeOp getDequantize(Value operand) {
  auto op = operand.getDefiningOp<DequantizeOp>();
  return op && op.getOut().getDefiningOp<tensor::EmptyOp>() ? op
                                                            : DequantizeOp();
}

/// Whether ops differ in nothing but the values they work on.
static bool isEquivalent(Operation *one, Operation *other) {
  return OperationEquivalence::isEquivalentTo(
      one, other, OperationEquivalence::ignoreValueEquivalence,
      /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
}

namespace {
/// Ops are equal that differ in nothing but the values they work on, and what
/// makes their weights does not either.
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
    if (!isEquivalent(one, other))
      return false;
    return llvm::all_of(
        llvm::zip_equal(one->getOperands(), other->getOperands()),
        [](auto operands) {
          DequantizeOp ofOne = getDequantize(std::get<0>(operands));
          DequantizeOp ofOther = getDequantize(std::get<1>(operands));
          return ofOne && ofOther ? isEquivalent(ofOne, ofOther)
                                  : !ofOne && !ofOther;
        });
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

/// What a call in the place of the layer is given.
static SmallVector<Value> getInputs(Operation *layer) {
  SmallVector<Value> inputs;
  for (Value operand : layer->getOperands()) {
    if (DequantizeOp op = getDequantize(operand))
      llvm::append_range(inputs, op.getDpsInputs());
    else
      inputs.push_back(operand);
  }
  return inputs;
}

static bool hasParts(Operation *op) {
  return llvm::any_of(getInputs(op), isPart) ||
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

/// The operands of `layer` in the function, given what it is given.
static SmallVector<Value> makeOperands(OpBuilder &builder, Operation *layer,
                                       ValueRange inputs) {
  SmallVector<Value> operands;
  for (Value operand : layer->getOperands()) {
    DequantizeOp op = getDequantize(operand);
    if (!op) {
      operands.push_back(inputs.front());
      inputs = inputs.drop_front();
      continue;
    }
    size_t count = op.getDpsInputs().size();
    SmallVector<Value> own(inputs.take_front(count));
    inputs = inputs.drop_front(count);
    auto type = cast<RankedTensorType>(operand.getType());
    own.push_back(createDestination(
        builder, op.getLoc(), own.front(),
        tensor::getMixedSizes(builder, op.getLoc(), own.front()),
        type.getElementType()));
    operands.push_back(
        clone(builder, op, own.back().getType(), own)->getResult(0));
  }
  return operands;
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
                           builder.getFunctionType(TypeRange(getInputs(first)),
                                                   first->getResultTypes()));
  function.setPrivate();
  builder.setInsertionPointToStart(function.addEntryBlock());
  // Several operands may be one value here, and not in another layer.
  SmallVector<Value> operands =
      makeOperands(builder, first, function.getArguments());
  Operation *layer = builder.clone(*first);
  layer->setOperands(operands);
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
          builder, layer->getLoc(), function, getInputs(layer)));
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
