//===- Signature.h - What callers see of a function -------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_TORUNTIME_SIGNATURE_H
#define ET_CONVERSION_TORUNTIME_SIGNATURE_H

#include "et/Runtime/et_runtime.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::et {

/// What the symbols of a function's description and of its entry begin with;
/// its name follows.
inline constexpr llvm::StringLiteral kDescriptionPrefix = "et_function_";
inline constexpr llvm::StringLiteral kEntryPrefix = "et_entry_";

/// One argument or result, tensor or memref or scalar.
struct EntryValue {
  std::string name;
  std::string weight; ///< Empty where there is none.
  std::string role;   ///< Empty where there is none.
  /// The function that packs this weight; empty if it is in rows.
  std::string packedBy;
  et_dtype dtype;
  bool isScalar;
  SmallVector<int64_t> sizes; ///< ET_DYNAMIC where any size will do.
};

struct EntrySignature {
  std::string name;
  SmallVector<EntryValue> arguments;
  SmallVector<EntryValue> results;
};

/// The signature of `function`, or an error at it if a value has a type that
/// the runtime's interface cannot carry.
FailureOr<EntrySignature> getEntrySignature(func::FuncOp function);

/// The functions that callers of `module` can reach.
SmallVector<func::FuncOp> getEntryFunctions(ModuleOp module);

} // namespace mlir::et

#endif // ET_CONVERSION_TORUNTIME_SIGNATURE_H
