//===- WarpgroupProduct.h - A product by Hopper's warpgroups ----*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operands are swapped: columns of the weights are the rows of a matrix
// instruction, which are always 64, and tokens its columns, any multiple of 8.
// So a tile with few tokens issues few operations.
//
// A block is three warpgroups. The first fetches: one thread has the weights
// copied in boxes of 64 x 64 (TMA), all copy tokens' rows, gathered, by
// cp.async. The others multiply, each its share of the tile's columns, and
// write results while the first fetches the next tile. A stage of shared memory
// goes from the one to the others by its barrier `full`, and back by `empty`:
//
//   stage:    slab of weights [64 deep][64 columns], for each warpgroup and
//             each of its two products; slab of tokens [128][64 deep].
//   the rest: the barriers, then sums and tokens in KernelBuilder's order.
//
// A row of a slab is 128 bytes, and chunk c of 16 bytes of row r lies at place
// c ^ (r % 8): the swizzle of 128 bytes of both copies and products.
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_WARPGROUPPRODUCT_H
#define ET_LIB_CONVERSION_ETTOGPU_WARPGROUPPRODUCT_H

#include "GroupedMatmul.h"

namespace mlir::et {

/// The stages of shared memory and their barriers. Turns, which are i32, count
/// how often a stage was filled; each warpgroup counts for itself.
class WarpgroupStages {
public:
  /// Threads of a warpgroup, and the warpgroups that multiply.
  static constexpr int64_t kGroup = 128, kConsumers = 2;
  static constexpr int64_t kTokens = 128, kDepth = 64, kStages = 4;
  /// Products of 64 columns of a consumer.
  static constexpr int64_t kSlabs = 2, kSlabColumns = 64;
  static constexpr int64_t kRowBytes = 128;
  static constexpr int64_t kSlabBytes = kDepth * kRowBytes;
  static constexpr int64_t kWeightBytes = kConsumers * kSlabs * kSlabBytes;
  static constexpr int64_t kBytes = kWeightBytes + kTokens * kRowBytes;
  /// A stage's barriers, full and empty; after those of all stages, one that no
  /// one waits for.
  static constexpr int64_t kBarriersAt = kStages * kBytes, kBarrierBytes = 8;
  static constexpr int64_t kNoBarrierAt =
      kBarriersAt + kStages * 2 * kBarrierBytes;
  static constexpr int64_t kSharedBytes = kNoBarrierAt + 2 * kBarrierBytes;

  explicit WarpgroupStages(KernelBuilder &b) : b(b) {}
  /// They start with the block's dynamic shared memory.
  void enterKernel(const BlockInfo &block);
  /// By one thread, before any uses them.
  void initializeBarriers();

  enum Barrier : uint8_t { Full, Empty };
  Value barrier(Value turn, Barrier barrier) {
    return pointerAt(b.mul(stageOf(turn), 2 * kBarrierBytes),
                     kBarriersAt + barrier * kBarrierBytes);
  }
  Value noBarrier() { return pointerAt(b.i32(0), kNoBarrierAt); }
  void waitFor(Value turn, Barrier barrier);
  /// Gives the stage of an empty barrier back to the producer.
  void release(Value thread, Value empty);

  /// Where a stage starts: behind the first, and as an address, both i32.
  Value offset(Value turn) { return b.mul(stageOf(turn), kBytes); }
  Value address(Value turn) { return b.add(start, offset(turn)); }
  Value pointerAt(Value offset, int64_t constant);

protected:
  KernelBuilder &b;

private:
  Value stageOf(Value turn) { return b.rem(turn, kStages); }

  /// Where the first stage starts: an i32, and a pointer.
  Value start, pointer;
};

/// One product of a kernel. Tiles are of 256 columns, of all right-hand sides
/// together, and up to 128 tokens.
class WarpgroupProduct : WarpgroupStages {
public:
  /// On the host.
  WarpgroupProduct(GroupedMatmulOp op, KernelBuilder &b);

  /// The columns of a tile, of each right-hand side.
  int64_t columns() const { return kConsumers * consumerColumns(); }
  /// How many tiles there are, where the rows end at `allRows`.
  Value countTiles(Value allRows);
  /// The shared memory that a block needs for sums.
  MemRefType sumsType();

  /// What a block has in shared memory; the last two for products that find
  /// their tokens in a mask.
  struct Shared {
    Value sums, tokens, perWarp;
  };
  void enterKernel(const BlockInfo &block, const Shared &shared);

  /// The tiles of several products are counted one product after another. A
  /// warpgroup has come to a tile of its block and a turn.
  struct Position {
    Value tile, turn;
  };
  /// Runs `body(rows, firstColumn, turn)`, which returns the next turn, for the
  /// block's tiles of this product, whose first has the number `begin`, and
  /// moves `begin` behind them.
  Position forEachTile(Value &begin, Position position,
                       function_ref<Value(const RowTile &, Value, Value)> body);

  /// The producer's part of a tile; `thread` counts within the warpgroup.
  Value fetch(Value thread, const RowTile &rows, Value firstColumn, Value turn);
  /// A consumer's part.
  Value multiply(Value thread, Value consumer, const RowTile &rows,
                 Value firstColumn, Value turn);

private:
  void copyWeights(Value expert, Value firstColumn, Value step, Value turn);

  /// Zeros that no one knows to be constant: a constant could be set between
  /// the fence and the product that adds to it.
  SmallVector<Value> zeroAccumulators();
  /// The accumulators of a tile with `tokens` tokens.
  SmallVector<Value> runTokens(int64_t tokens, Value thread, Value consumer,
                               Value turn, ValueRange zeros);
  SmallVector<Value> issueProducts(int64_t tokens, Value consumer, Value turn,
                                   ValueRange accumulators);
  void writeTile(Value thread, Value consumer, const RowTile &rows, Value count,
                 Value firstColumn, ValueRange accumulators);

  Value countOf(const RowTile &rows) {
    return b.min(b.sub(rows.end, rows.first), b.index(kTokens));
  }
  bool isGated() const { return rhs.size() > 1; }
  int64_t consumerColumns() const {
    return kSlabs * kSlabColumns / static_cast<int64_t>(rhs.size());
  }
  int64_t steps() const { return llvm::divideCeil(depth, kDepth); }

  GroupedMatmulOp op;
  SmallVector<Value> rhs;
  Type element;
  int64_t depth;
  /// Of the right-hand sides; on the host, then as pointers in the kernel.
  SmallVector<Value> maps;
  Shared shared;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_WARPGROUPPRODUCT_H
