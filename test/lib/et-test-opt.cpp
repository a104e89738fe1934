//===- et-test-opt.cpp - What no tool shows, shown to tests ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;
using namespace mlir::et;

namespace {
/// "test.activation"(%gate, %up) {activation = ...} becomes the activation's
/// value and its derivative by each operand.
struct EmitActivations : PassWrapper<EmitActivations, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EmitActivations)
  StringRef getArgument() const final { return "test-emit-activations"; }
  StringRef getDescription() const final {
    return "emit activations and their derivatives";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<arith::ArithDialect, math::MathDialect>();
  }

  void runOnOperation() final {
    getOperation()->walk([](Operation *op) {
      if (op->getName().getStringRef() != "test.activation")
        return;
      ImplicitLocOpBuilder builder(op->getLoc(), op);
      auto activation =
          op->getAttrOfType<ActivationAttrInterface>("activation");
      Value gate = op->getOperand(0);
      Value up = op->getNumOperands() > 1 ? op->getOperand(1) : Value();
      SmallVector<Value> results = {activation.emit(builder, gate, up)};
      llvm::append_range(results,
                         activation.emitDerivatives(builder, gate, up));
      op->replaceAllUsesWith(results);
      op->erase();
    });
  }
};

/// Ops with many operands are built anew from these, by name.
struct RebuildOps : PassWrapper<RebuildOps, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RebuildOps)
  StringRef getArgument() const final { return "test-rebuild-ops"; }
  StringRef getDescription() const final {
    return "build ops anew by their builders";
  }

  void runOnOperation() final {
    getOperation()->walk([](Operation *op) {
      OpBuilder builder(op);
      if (Operation *other = rebuild(builder, op)) {
        other->setDiscardableAttrs(op->getDiscardableAttrDictionary());
        op->replaceAllUsesWith(other);
        op->erase();
      }
    });
  }

  static Operation *rebuild(OpBuilder &builder, Operation *raw) {
    Location loc = raw->getLoc();
    if (auto op = dyn_cast<GroupedMatmulOp>(raw)) {
      if (!op.getEpilogue().empty())
        return nullptr;
      GroupedMatmulOperands operands = {op.getLhs(), op.getRhs()};
      operands.offsets = op.getOffsets();
      operands.tokens = op.getTokens();
      operands.mask = op.getMask();
      operands.bias = op.getBias();
      operands.gate = op.getGate();
      operands.gateBias = op.getGateBias();
      operands.scales = op.getScales();
      operands.gateScales = op.getGateScales();
      auto product =
          GroupedMatmulOp::create(builder, loc, op->getResultTypes(),
                                  op.getActivation(), operands, op.getOut());
      product.setPanelsAttr(op.getPanelsAttr());
      product.setFormatAttr(op.getFormatAttr());
      return product;
    }
    if (auto op = dyn_cast<ExpertFfnOp>(raw)) {
      ExpertFfnOperands operands = {op.getX(), op.getW1(), op.getW2()};
      operands.offsets = op.getOffsets();
      operands.tokens = op.getTokens();
      operands.b1 = op.getB1();
      operands.b2 = op.getB2();
      operands.gate = op.getGate();
      operands.gateBias = op.getGateBias();
      operands.w1Scales = op.getW1Scales();
      operands.w2Scales = op.getW2Scales();
      operands.gateScales = op.getGateScales();
      return ExpertFfnOp::create(builder, loc, op->getResultTypes(),
                                 op.getActivation(), operands, op.getOut());
    }
    if (auto op = dyn_cast<CombineWavesOp>(raw)) {
      CombineWavesOperands operands = {op.getGates(),   op.getMask(),
                                       op.getOffsets(), op.getX(),
                                       op.getW1(),      op.getW2()};
      operands.b1 = op.getB1();
      operands.b2 = op.getB2();
      operands.gate = op.getGate();
      operands.gateBias = op.getGateBias();
      operands.shared = op.getShared();
      return CombineWavesOp::create(builder, loc, op->getResultTypes(),
                                    op.getActivation(), operands,
                                    op.getHidden(), op.getPairs(), op.getOut());
    }
    if (auto op = dyn_cast<MoeOp>(raw)) {
      MoeOperands operands = {op.getX(), op.getRouter(), op.getW1(),
                              op.getW2()};
      operands.theta = op.getTheta();
      operands.bias = op.getBias();
      operands.b1 = op.getB1();
      operands.b2 = op.getB2();
      operands.gate = op.getGate();
      operands.gateBias = op.getGateBias();
      operands.w1Scales = op.getW1Scales();
      operands.w2Scales = op.getW2Scales();
      operands.gateScales = op.getGateScales();
      operands.sharedW1 = op.getSharedW1();
      operands.sharedW2 = op.getSharedW2();
      operands.sharedGate = op.getSharedGate();
      auto layer = MoeOp::create(builder, loc, op->getResultTypes(),
                                 op.getScore(), op.getRouting(),
                                 op.getActivation(), operands, op.getOut());
      layer.setLoweringConfigAttr(op.getLoweringConfigAttr());
      return layer;
    }
    return nullptr;
  }
};
} // namespace

int main(int argc, char **argv) {
  DialectRegistry registry;
  registry.insert<ETDialect, arith::ArithDialect, func::FuncDialect,
                  linalg::LinalgDialect, math::MathDialect,
                  tensor::TensorDialect>();
  PassRegistration<EmitActivations>();
  PassRegistration<RebuildOps>();
  return asMainReturnCode(MlirOptMain(
      argc, argv, "passes for tests of the et dialect\n", registry));
}
