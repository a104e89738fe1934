//===- ETAttrs.cpp - Attributes of the et dialect -------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::et;
using llvm::APFloat;
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

namespace mlir::et::detail {
static FailureOr<APFloat> parseReal(AsmParser &parser) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  return APFloat(value);
}
} // namespace mlir::et::detail

#include "et/Dialect/ET/IR/ETAttrInterfaces.cpp.inc"
#include "et/Dialect/ET/IR/ETEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"

void ETDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
      >();
}

// Every rule below is a numbered constraint of docs/Spec.md, cited in brackets.

/// A share lies in [0, 1]; NaN does not.
static LogicalResult verifyShare(EmitError emitError, StringRef attribute,
                                 StringRef name, const APFloat &value,
                                 StringRef constraint) {
  double share = value.convertToDouble();
  if (share >= 0.0 && share <= 1.0)
    return success();
  return emitError() << "#et." << attribute << " needs " << name
                     << " in [0, 1], got " << share << " [" << constraint
                     << "]";
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

bool ThresholdRoutingAttr::usesTheta() const { return true; }

LogicalResult BoundedThresholdRoutingAttr::verify(EmitError emitError,
                                                  APFloat rate, APFloat slack,
                                                  Comparison, GateKind) {
  StringRef name = getMnemonic();
  if (failed(verifyShare(emitError, name, "rate", rate, "A1")))
    return failure();
  return verifyShare(emitError, name, "slack", slack, "A2");
}
bool BoundedThresholdRoutingAttr::usesTheta() const { return true; }

LogicalResult TopKRoutingAttr::verify(EmitError emitError, int64_t k, Scoring,
                                      bool, int64_t groups,
                                      int64_t groupLimit) {
  if (k < 1)
    return emitError() << "#et.top_k needs k >= 1, got " << k << " [A1]";
  if (groups < 1)
    return emitError() << "#et.top_k needs groups >= 1, got " << groups
                       << " [A2]";
  if (groupLimit < 1 || groupLimit > groups)
    return emitError() << "#et.top_k needs groupLimit in [1, groups = "
                       << groups << "], got " << groupLimit << " [A3]";
  return success();
}
bool TopKRoutingAttr::allowsBias() const { return true; }
LogicalResult TopKRoutingAttr::verifyExperts(EmitError emitError,
                                             int64_t experts) const {
  if (experts % getGroups() != 0)
    return emitError() << *this << " splits " << experts << " experts into "
                       << getGroups() << " groups of unequal size [A4]";
  int64_t candidates = experts / getGroups() * getGroupLimit();
  if (getK() > candidates)
    return emitError() << *this << " takes k = " << getK() << " of only "
                       << candidates << " experts [A5]";
  return success();
}
int64_t TopKRoutingAttr::getMaxExpertsPerToken(int64_t) const { return getK(); }

LogicalResult ExpertChoiceRoutingAttr::verify(EmitError emitError, APFloat rate,
                                              GateKind) {
  return verifyShare(emitError, getMnemonic(), "rate", rate, "A1");
}

LogicalResult TopPRoutingAttr::verify(EmitError emitError, APFloat p, bool) {
  return verifyShare(emitError, getMnemonic(), "p", p, "A1");
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

LogicalResult KthLargestStatisticAttr::verify(EmitError emitError,
                                              APFloat rate) {
  return verifyShare(emitError, getMnemonic(), "rate", rate, "A1");
}

LogicalResult QuantileStatisticAttr::verify(EmitError emitError, APFloat q) {
  return verifyShare(emitError, getMnemonic(), "q", q, "A1");
}
