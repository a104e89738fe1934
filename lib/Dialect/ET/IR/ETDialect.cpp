//===- ETDialect.cpp - Registration of the et dialect ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/IR/NotedAttrs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
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

/// "; did you mean 'NAME'?" for the name that is nearest, if one is near.
static std::string suggest(StringRef name, ArrayRef<StringRef> known) {
  const auto *nearest = llvm::min_element(known, [&](StringRef a, StringRef b) {
    return name.edit_distance(a) < name.edit_distance(b);
  });
  if (nearest == known.end() || name.edit_distance(*nearest) > 2)
    return "";
  return ("; did you mean '" + *nearest + "'?").str();
}

LogicalResult et::verifyOnlyKnownAttributes(Operation *op) {
  for (NamedAttribute attribute : op->getDiscardableAttrs()) {
    StringRef name = attribute.getName();
    // Two underscores are for what a pass notes.
    if (name.contains('.') || name.starts_with("__"))
      continue;
    SmallVector<StringRef> known;
    for (StringAttr own : op->getName().getAttributeNames())
      known.push_back(own);
    return op->emitOpError("has no attribute '")
           << name << "'" << suggest(name, known);
  }
  return success();
}

LogicalResult ETDialect::verifyOperationAttribute(Operation *op,
                                                  NamedAttribute attribute) {
  if (attribute.getName() == kEntryNameAttr &&
      (!isa<FunctionOpInterface>(op) || !isa<StringAttr>(attribute.getValue())))
    return op->emitOpError("has 'et.entry_name', which is a string and a "
                           "function's");
  // What passes note of functions, of kernels and of checks.
  if (llvm::is_contained<StringRef>(
          {kEntryNameAttr, "et.key", "et.stages", kRunsOnAttr},
          attribute.getName()))
    return success();
  if (attribute.getName() == kTargetAttr) {
    if (!isa<ModuleOp>(op))
      return op->emitOpError("has an ")
             << kTargetAttr << ", which is a module's";
    if (!isa<CPUTargetAttr, GPUTargetAttr>(attribute.getValue()))
      return op->emitOpError("needs a #et.cpu_target or #et.gpu_target as ")
             << kTargetAttr << ", got " << attribute.getValue();
    return success();
  }
  return op->emitOpError("has an unknown attribute '")
         << attribute.getName().getValue()
         << "'; those of a function stand on its arguments and results";
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
