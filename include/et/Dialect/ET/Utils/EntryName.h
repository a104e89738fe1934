//===- EntryName.h - What callers call a function ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_ENTRYNAME_H
#define ET_DIALECT_ET_UTILS_ENTRYNAME_H

#include "et/Dialect/ET/IR/NotedAttrs.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::et {

inline void setEntryName(func::FuncOp function, StringAttr name) {
  if (!function->hasAttr(kEntryNameAttr))
    function->setAttr(kEntryNameAttr, name);
}

inline StringAttr getEntryName(func::FuncOp function) {
  if (auto name = function->getAttrOfType<StringAttr>(kEntryNameAttr))
    return name;
  return function.getSymNameAttr();
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_ENTRYNAME_H
