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
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::et {

/// Whether the op is in a body whose runs may be those of several threads.
bool isInParallelBody(Operation *op);

/// Builds checks that places lie in tensors and memrefs.
class PlaceChecker : public CheckBuilder {
protected:
  /// `calledInParallel` is whether bodies that run in parallel call the
  /// function.
  PlaceChecker(Operation *op, SizeFacts &facts, bool calledInParallel)
      : CheckBuilder(op, facts), calledInParallel(calledInParallel) {}

  void checkElement(Value tensor, ValueRange indices);
  void checkTransfer(VectorTransferOpInterface transfer);
  /// That the slice lies in `whole`.
  void checkSlice(Value whole, OffsetSizeAndStrideOpInterface slice);
  /// A loop that does not move towards its end runs for ever, or runs through
  /// numbers that are no places.
  void checkLoop(OpFoldResult upper, OpFoldResult step, bool isUnsigned);
  void requireInside(Value index, const Named &whole, const Twine &name);
  /// The first size of each loop, where a dimension has it.
  SmallVector<std::optional<Size>> getLoops(linalg::LinalgOp structured);

  /// "tensor" or "memref".
  static StringRef kindOf(Value shaped) {
    return isa<BaseMemRefType>(shaped.getType()) ? "memref" : "tensor";
  }

private:
  /// The runs of a body, which is given the places of the elements to make.
  struct Count {
    Operation *owner;
    SmallVector<Size> counts;
    /// Which of these numbers the index.
    unsigned dim;
  };

  /// Reads or writes nothing if the place is none. Other threads may be at work
  /// then, over whose frames no error can jump: these run on.
  void guard(Value isInside, ArrayRef<cf::AssertOp> checks);
  /// The same of one dimension of a slice: it becomes empty, or the last one of
  /// its size.
  void guardSlice(OffsetSizeAndStrideOpInterface slice, unsigned dim,
                  const Places &places, StringRef message);
  static std::string describePlaces(const Places &places);
  /// Whether the places are inside; null if that is known.
  Value findFits(const Places &places);
  /// Whether the index is a place of the size; null if that is known.
  Value findInside(Value index, Size size, const Twine &message);
  std::optional<Count> getCount(Value index);
  /// The sizes that the op runs its body through.
  std::optional<SmallVector<Size>> getCounts(Operation *owner);
  /// Whether all places that a body is given are below the size. If the op runs
  /// whenever the body does, that is checked once, before.
  bool isBehindCount(const Count &count, Size size, const Twine &message);
  /// Checks what `build` finds once, before the op around, whose body always
  /// needs it; not if that isn't known, or the sizes are the body's own.
  bool requireBefore(Operation *owner, ArrayRef<Size> sizes,
                     function_ref<Value()> build, const Twine &message);

  bool mayRunInParallel(Operation *op) const {
    return calledInParallel || isInParallelBody(op);
  }

  bool calledInParallel;
};

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_PLACECHECKER_H
