//===- SizeFacts.h - Where sizes come from ----------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_TRANSFORMS_SIZEFACTS_H
#define ET_LIB_DIALECT_ET_TRANSFORMS_SIZEFACTS_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/ScopedHashTable.h"

namespace mlir::et {

/// The size of a dimension of a tensor, an index, or a number.
struct Size {
  static Size ofConstant(int64_t number) { return {Value(), number}; }
  static Size ofIndex(Value index) { return {index, -1}; }

  bool isConstant() const { return !value; }
  bool isIndex() const { return value && number < 0; }
  bool isConstant(int64_t other) const {
    return isConstant() && number == other;
  }
  bool operator==(const Size &other) const {
    return value == other.value && number == other.number;
  }

  Value value;
  /// The number if there is no value, the dimension of a tensor.
  int64_t number;
};

} // namespace mlir::et

template <>
struct llvm::DenseMapInfo<mlir::et::Size> {
  using Size = mlir::et::Size;
  using Info = DenseMapInfo<std::pair<mlir::Value, int64_t>>;
  static Size get(std::pair<mlir::Value, int64_t> pair) {
    return {pair.first, pair.second};
  }
  static Size getEmptyKey() { return get(Info::getEmptyKey()); }
  static Size getTombstoneKey() { return get(Info::getTombstoneKey()); }
  static unsigned getHashValue(const Size &size) {
    return Info::getHashValue({size.value, size.number});
  }
  static bool isEqual(const Size &a, const Size &b) { return a == b; }
};

namespace mlir::et {

/// `size` places in a dimension that has `whole`, the first one at `offset`,
/// each other `stride` behind the one before.
struct Places {
  Size whole, offset, size, stride;
};

/// Whether the value is a tensor or a memref, with sizes for each dimension.
bool isShaped(Value value);

/// Which dimension of the whole each dimension of a slice is.
SmallVector<int64_t> getKeptDims(const llvm::SmallBitVector &dropped);

/// What is known of sizes: where they come from, and which ones checks have
/// found to be equal. A check holds for what it dominates.
class SizeFacts {
  using Table = llvm::ScopedHashTable<Size, Size>;
  using Key = std::tuple<Size, Size, Size, Size>;
  using KeySet = llvm::ScopedHashTable<Key, bool>;

public:
  /// What is learnt while this lives is forgotten with it.
  class Scope {
  public:
    explicit Scope(SizeFacts &facts)
        : equalScope(facts.equal), insideScope(facts.inside) {}

  private:
    Table::ScopeTy equalScope;
    KeySet::ScopeTy insideScope;
  };

  Size find(Size size) {
    while (true) {
      // What was traced while a loop's value was open ends at that value.
      auto place = traced.find(size);
      if (place != traced.end() && !(place->second == size))
        size = place->second;
      else if (equal.count(size))
        size = equal.lookup(size);
      else
        return size;
    }
  }

  Size ofDim(Value tensor, int64_t dim) { return find(trace(tensor, dim)); }

  Size of(OpFoldResult size) { return find(trace(size)); }

  void unite(Size a, Size b) {
    a = find(a);
    b = find(b);
    if (a == b)
      return;
    if (b.isConstant())
      std::swap(a, b);
    if (!b.isConstant())
      equal.insert(b, a);
  }

  /// That places are, or are known to be, inside.
  void noteInside(const Places &places) { inside.insert(getKey(places), true); }
  bool areInside(const Places &places) const {
    return inside.count(getKey(places));
  }

private:
  static Key getKey(const Places &places) {
    return {places.whole, places.offset, places.size, places.stride};
  }

  Size trace(OpFoldResult size);
  /// Follows a size to where it was first given.
  Size trace(Value tensor, int64_t dim);
  Size traceStep(Value tensor, int64_t dim);
  Size traceLoop(scf::ForOp loop, BlockArgument argument, int64_t dim);

  Table equal;
  KeySet inside;
  DenseMap<Size, Size> traced;
};

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_SIZEFACTS_H
