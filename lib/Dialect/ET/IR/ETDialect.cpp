//===- ETDialect.cpp - Registration of the et dialect ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::et;

#include "et/Dialect/ET/IR/ETDialect.cpp.inc"

namespace {
/// The ops know nothing of the function that they are in.
struct ETInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void ETDialect::initialize() {
  addInterfaces<ETInlinerInterface>();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "et/Dialect/ET/IR/ETOps.cpp.inc"
      >();
}

/// What the runtime's interface says of a function's value is text. A name that
/// nothing reads is a mistake, and would otherwise be found much later.
static LogicalResult verifyValueAttribute(Operation *op, StringRef kind,
                                          unsigned index,
                                          NamedAttribute attribute,
                                          ArrayRef<StringRef> known) {
  if (!llvm::is_contained(known, attribute.getName()))
    return op->emitOpError("has an unknown attribute '")
           << attribute.getName().getValue() << "' on " << kind << ' ' << index
           << "; there are " << llvm::join(known, ", ");
  if (!isa<StringAttr>(attribute.getValue()))
    return op->emitOpError("needs a string as '")
           << attribute.getName().getValue() << "' of " << kind << ' ' << index;
  return success();
}

LogicalResult ETDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                  unsigned index,
                                                  NamedAttribute attribute) {
  return verifyValueAttribute(op, "argument", index, attribute,
                              {"et.name", "et.weight", "et.packed_by"});
}

LogicalResult ETDialect::verifyRegionResultAttribute(Operation *op, unsigned,
                                                     unsigned index,
                                                     NamedAttribute attribute) {
  return verifyValueAttribute(op, "result", index, attribute,
                              {"et.name", "et.role"});
}
