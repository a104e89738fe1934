//===- PackWeights.cpp - Weights in the layout of this processor's kernels ===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/Passes.h"
#include "et/Conversion/Passes.h"
#include "et/Dialect/ET/Utils/WeightUtils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace mlir::et {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "et/Codegen/CPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Why the weights of a product are not packed; empty if they are.
static StringRef findObstacle(GroupedMatmulOp op) {
  if (!op.hasPureTensorSemantics())
    return "it works on memrefs";
  for (Value weights : {op.getRhs(), op.getGate()}) {
    if (!weights)
      continue;
    if (!findWeight(weights))
      return "it reads values that are neither arguments with an et.weight "
             "attribute nor constants";
    auto type = cast<ShapedType>(weights.getType());
    if (!type.hasStaticShape() || type.getNumElements() == 0)
      return "its weights have sizes that are not known, or are empty";
  }
  WeightFormatAttrInterface format = op.getWeightFormat();
  if (format && format.getCount() > 1)
    return "its weights are several an element";
  return "";
}

/// The weights of a product by the names that the model gives them.
static std::string nameWeights(GroupedMatmulOp op) {
  SmallVector<std::string> names;
  for (Value weights : {op.getRhs(), op.getGate()}) {
    if (!weights)
      continue;
    auto argument = dyn_cast_if_present<BlockArgument>(findWeight(weights));
    StringAttr name;
    if (argument)
      name = cast<func::FuncOp>(argument.getOwner()->getParentOp())
                 .getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                               "et.weight");
    names.push_back(name ? name.str() : "weights without a name");
  }
  return llvm::join(names, ", ");
}

static Value pack(OpBuilder &builder, PanelsAttr panels, Value weights) {
  // At the weights, so that one packing serves every product that wants it.
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(weights);
  auto type = cast<ShapedType>(weights.getType());
  Value init = tensor::EmptyOp::create(builder, weights.getLoc(),
                                       panels.getPackedShape(type.getShape()),
                                       type.getElementType());
  return PackOp::create(builder, weights.getLoc(), init.getType(), panels,
                        weights, init)
      ->getResult(0);
}

static void packOperands(GroupedMatmulOp op, CPUTargetAttr target) {
  auto function = op->getParentOfType<func::FuncOp>();
  auto options = remark::RemarkOpts::name("packing")
                     .category("et-pack-weights")
                     .function(function.getName());
  std::string names = nameWeights(op);
  StringRef obstacle = findObstacle(op);
  if (!obstacle.empty()) {
    remark::missed(op.getLoc(), options)
        << "in rows: " + names << remark::reason("{0}", obstacle);
    return;
  }
  PanelsAttr panels = choosePanels(op, target);
  OpBuilder builder(op);
  op.setPanelsAttr(panels);
  op.getRhsMutable().assign(pack(builder, panels, op.getRhs()));
  if (op.getGate())
    op.getGateMutable().assign(pack(builder, panels, op.getGate()));
  remark::passed(op.getLoc(), options) << "packed: " + names;
}

namespace {
struct PackWeights : et::impl::PackWeightsBase<PackWeights> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    FailureOr<CPUTargetAttr> target =
        getCPUTarget(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    for (func::FuncOp function : getFunctionsWithWeights(getOperation()))
      function.walk([&](GroupedMatmulOp op) {
        if (!op.getPanels())
          packOperands(op, *target);
      });
  }
};
} // namespace
