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
// Weights of bytes with scales: a slab is [128 deep][64 columns], which a block
// of scales is at least as deep as. A row is 64 bytes, and chunk c lies at
// place c ^ (r / 2 % 4). There are two slabs of tokens, [64][64 deep]. A
// consumer reads weights into registers, makes 16-bit elements of them and
// multiplies from there; sums of a block are then multiplied by its scale and
// added up in other registers. Those are why a tile has half the tokens.
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
  /// Of weights of bytes.
  static constexpr int64_t kScaledDepth = 2 * kDepth;
  /// Products of 64 columns of a consumer.
  static constexpr int64_t kSlabs = 2, kSlabColumns = 64;
  static constexpr int64_t kRowBytes = 128;
  static constexpr int64_t kSlabBytes = kDepth * kRowBytes;
  /// The part of a matrix descriptor that does not depend on the address (PTX
  /// ISA, "Matrix Descriptor Format"): the distance in bytes of eight rows from
  /// the next eight, and the swizzle of 128 bytes.
  static constexpr int64_t kDescription =
      int64_t(8 * kRowBytes / 16) << 32 | int64_t(1) << 62;
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
/// together, and up to 128 tokens, or 64 if the weights have scales.
class WarpgroupProduct : WarpgroupStages {
public:
  /// Whether sizes and types are such that warpgroups can do it.
  static bool applies(GroupedMatmulOp op);

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

  /// What a consumer multiplies.
  struct Work {
    Value thread, consumer, expert, firstColumn, turn;
  };

  /// Zeros that no one knows to be constant: a constant could be set between
  /// the fence and the product that adds to it.
  SmallVector<Value> zeroAccumulators();
  /// The accumulators of a tile with `tokens` tokens.
  SmallVector<Value> runTokens(int64_t tokens, const Work &work,
                               ValueRange zeros);
  void skipTile(const Work &work);
  SmallVector<Value> issueProducts(int64_t tokens, Value consumer, Value turn,
                                   ValueRange accumulators);
  void writeTile(Value thread, Value consumer, const RowTile &rows, Value count,
                 Value firstColumn, ValueRange accumulators);

  /// The same for weights with scales.
  SmallVector<Value> runScaledTokens(int64_t tokens, const Work &work,
                                     ValueRange zeros);
  /// The scales of the two columns of a slab that a thread has sums of.
  struct SlabScales {
    Value first, second;
  };
  SmallVector<SlabScales> loadScales(const Work &work, Value step);
  /// The operands of the products of a slab, a stage deep: four registers each.
  SmallVector<Value> widenWeights(int64_t slab, const Work &work, Value turn);
  /// The sums of a slab over a stage; valid past waitForProducts.
  SmallVector<Value> issueScaledProducts(int64_t tokens, ValueRange weights,
                                         Value turn);
  SmallVector<Value> waitForProducts(int64_t inFlight, ValueRange sums);

  Value countOf(const RowTile &rows) {
    return b.min(b.sub(rows.end, rows.first), b.index(tileTokens()));
  }
  bool isScaled() const { return format != nullptr; }
  int64_t tileTokens() const { return isScaled() ? kTokens / 2 : kTokens; }
  int64_t stageDepth() const { return isScaled() ? kScaledDepth : kDepth; }
  /// Accumulators of a slab.
  int64_t perSlab() const { return tileTokens() / 2; }
  bool isGated() const { return rhs.size() > 1; }
  int64_t consumerColumns() const {
    return kSlabs * kSlabColumns / static_cast<int64_t>(rhs.size());
  }
  int64_t steps() const { return llvm::divideCeil(depth, stageDepth()); }

  GroupedMatmulOp op;
  SmallVector<Value> rhs, scales;
  WeightFormatAttrInterface format;
  Type element;
  int64_t depth;
  /// Of the right-hand sides; on the host, then as pointers in the kernel.
  SmallVector<Value> maps;
  Shared shared;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_WARPGROUPPRODUCT_H
