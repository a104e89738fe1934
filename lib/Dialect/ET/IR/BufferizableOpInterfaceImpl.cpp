//===- BufferizableOpInterfaceImpl.cpp - Bufferization of the et ops ------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
template <typename OpTy>
struct DpsOpModel
    : DstBufferizableOpInterfaceExternalModel<DpsOpModel<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    auto dps = cast<DestinationStyleOpInterface>(op);
    if (!dps.isDpsInit(&operand))
      return true;
    unsigned first = dps.getDpsInitsMutable().begin()->getOperandNumber();
    return OpTy::readsDestination(operand.getOperandNumber() - first);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    Operation *onBuffers =
        clone(rewriter, op, /*newResultTypes=*/TypeRange(), operands);
    auto inits = cast<DestinationStyleOpInterface>(onBuffers).getDpsInits();
    replaceOpWithBufferizedValues(rewriter, op, SmallVector<Value>(inits));
    return success();
  }
};

/// All but what ends a region have destinations.
template <typename OpTy>
void attachModel(MLIRContext *context) {
  if constexpr (!OpTy::template hasTrait<OpTrait::IsTerminator>())
    OpTy::template attachInterface<DpsOpModel<OpTy>>(*context);
}

template <typename... OpTys>
void attachModels(MLIRContext *context) {
  (attachModel<OpTys>(context), ...);
}
} // namespace

void et::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, ETDialect *) {
    attachModels<
#define GET_OP_LIST
#include "et/Dialect/ET/IR/ETOps.cpp.inc"
        >(context);
  });
}
