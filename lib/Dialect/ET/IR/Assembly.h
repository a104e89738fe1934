//===- Assembly.h - What parsers share --------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_IR_ASSEMBLY_H
#define ET_LIB_DIALECT_ET_IR_ASSEMBLY_H

#include <string>

namespace mlir::et {

/// The attributes that implement an interface, for messages: "#et.a, #et.b".
std::string listRoutings();
std::string listStatistics();

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_IR_ASSEMBLY_H
