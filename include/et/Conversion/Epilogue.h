//===- Epilogue.h - From a product's sums to its results --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_EPILOGUE_H
#define ET_CONVERSION_EPILOGUE_H

#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// What every lowering does to the sums of a product before it stores them:
/// bias, activation with or without a gate, and the op's own epilogue. All
/// values are f32 scalars, or vectors of one shape.
class Epilogue {
public:
  explicit Epilogue(GroupedMatmulOp op);
  explicit Epilogue(ActivationAttrInterface activation)
      : activation(activation) {}

  /// A sum, and the bias to add to it if there is one.
  struct Term {
    Value sum, bias;
  };
  /// The results; `gate` has no sum where the product has no gate. Where the i1
  /// `isUnbiased` holds, if there is one, biases are not added.
  Value emit(ImplicitLocOpBuilder &builder, Term product, Term gate = {},
             Value isUnbiased = {}) const;

  /// What kernels with it are called by: `_silu`, or nothing.
  std::string getSuffix() const;
  /// Differs between epilogues that differ, whatever they are called; null for
  /// the one that changes nothing.
  StringAttr getKey() const;

private:
  ActivationAttrInterface activation;
  /// The op's own part, if it has one.
  Block *body = nullptr;
};

} // namespace mlir::et

#endif // ET_CONVERSION_EPILOGUE_H
