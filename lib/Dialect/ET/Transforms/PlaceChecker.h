//===- PlaceChecker.h - Checks of places in tensors -------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_TRANSFORMS_PLACECHECKER_H
#define ET_LIB_DIALECT_ET_TRANSFORMS_PLACECHECKER_H

#include "CheckBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/VectorInterfaces.h"

namespace mlir::et {

/// Builds checks that places lie in tensors and memrefs.
class PlaceChecker : public CheckBuilder {
protected:
  using CheckBuilder::CheckBuilder;

  void checkElement(Value tensor, ValueRange indices);
  void checkTransfer(VectorTransferOpInterface transfer);
  /// That `size` places from `offset` on, each `stride` from the one before,
  /// lie in dimension `dim`, which has `whole` places.
  void checkRange(Size whole, Size offset, Size size, Size stride, int64_t dim);
  /// A loop that does not move towards its end runs for ever, or runs through
  /// numbers that are no places.
  void checkLoop(OpFoldResult upper, OpFoldResult step, bool isUnsigned);
  void requireInside(Value index, Size size, const Twine &message);
  /// The first size of each loop, where a dimension has it.
  SmallVector<std::optional<Size>> getLoops(linalg::LinalgOp structured);

private:
  /// The runs of a body, which is given the places of the elements to make.
  struct Count {
    Operation *owner;
    SmallVector<Size> counts;
    /// Which of these numbers the index.
    unsigned dim;
  };

  bool mayRunInParallel();
  /// Reads or writes nothing if the place is none. Other threads may be at work
  /// then, over whose frames no error can jump: these run on.
  void guard(Value isInside, ArrayRef<cf::AssertOp> checks);
  /// Whether the index is a place of the size; null if that is known.
  Value findInside(Value index, Size size, const Twine &message);
  std::optional<Count> getCount(Value index);
  /// Whether all places that a body is given are below the size. If the op runs
  /// whenever the body does, that is checked once, before.
  bool isBehindCount(const Count &count, Size size, const Twine &message);
};

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_PLACECHECKER_H
