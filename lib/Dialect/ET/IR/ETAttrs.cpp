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

/// Whether low <= value <= high; never for NaN.
static LogicalResult verifyRange(EmitError emitError, StringRef name,
                                 const APFloat &value, double low,
                                 double high) {
  double v = value.convertToDouble();
  if (v >= low && v <= high)
    return success();
  return emitError() << name << " must lie in [" << low << ", " << high
                     << "], got " << v;
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

bool ThresholdRoutingAttr::usesTheta() const { return true; }

LogicalResult BoundedThresholdRoutingAttr::verify(EmitError emitError,
                                                  APFloat rate, APFloat slack,
                                                  Comparison, GateKind) {
  if (failed(verifyRange(emitError, "rate", rate, 0.0, 1.0)))
    return failure();
  return verifyRange(emitError, "slack", slack, 0.0, 1.0);
}
bool BoundedThresholdRoutingAttr::usesTheta() const { return true; }

LogicalResult TopKRoutingAttr::verify(EmitError emitError, int64_t k, Scoring,
                                      bool, int64_t groups,
                                      int64_t groupLimit) {
  if (k < 1)
    return emitError() << "k must be at least 1, got " << k;
  if (groups < 1)
    return emitError() << "groups must be at least 1, got " << groups;
  if (groupLimit < 1 || groupLimit > groups)
    return emitError() << "groupLimit must lie in [1, groups = " << groups
                       << "], got " << groupLimit;
  return success();
}
bool TopKRoutingAttr::allowsBias() const { return true; }
LogicalResult TopKRoutingAttr::verifyExperts(EmitError emitError,
                                             int64_t experts) const {
  if (experts % getGroups() != 0)
    return emitError() << "splits " << experts << " experts into "
                       << getGroups() << " groups of unequal size";
  int64_t candidates = experts / getGroups() * getGroupLimit();
  if (getK() > candidates)
    return emitError() << "takes k = " << getK() << " of only " << candidates
                       << " experts";
  return success();
}
int64_t TopKRoutingAttr::getMaxExpertsPerToken(int64_t) const { return getK(); }

LogicalResult ExpertChoiceRoutingAttr::verify(EmitError emitError, APFloat rate,
                                              GateKind) {
  return verifyRange(emitError, "rate", rate, 0.0, 1.0);
}

LogicalResult TopPRoutingAttr::verify(EmitError emitError, APFloat p, bool) {
  return verifyRange(emitError, "p", p, 0.0, 1.0);
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

LogicalResult KthLargestStatisticAttr::verify(EmitError emitError,
                                              APFloat rate) {
  return verifyRange(emitError, "rate", rate, 0.0, 1.0);
}

LogicalResult QuantileStatisticAttr::verify(EmitError emitError, APFloat q) {
  return verifyRange(emitError, "q", q, 0.0, 1.0);
}
