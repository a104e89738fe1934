//===- WarpgroupProduct.cpp - The product kernel of Hopper ----------------===//
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

#include "GroupedMatmul.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

static constexpr int64_t kGroup = 128, kConsumers = 2;
static constexpr int64_t kThreads = (1 + kConsumers) * kGroup;
/// Registers a thread of either kind; together, those of a launch.
static constexpr uint32_t kProducerRegisters = 56, kConsumerRegisters = 224;

static constexpr int64_t kTokens = 128, kDepth = 64, kStages = 4;
/// Products of 64 columns of a consumer.
static constexpr int64_t kSlabs = 2, kSlabColumns = 64;
static constexpr int64_t kRowBytes = 128, kChunkBytes = 16, kChunk = 8;
static constexpr int64_t kSlabBytes = kDepth * kRowBytes;
static constexpr int64_t kWeightBytes = kConsumers * kSlabs * kSlabBytes;
static constexpr int64_t kStageBytes = kWeightBytes + kTokens * kRowBytes;
/// A stage's barriers: full, then empty.
static constexpr int64_t kBarriersAt = kStages * kStageBytes;
static constexpr int64_t kBarrierBytes = 8;
/// A barrier that no one waits for.
static constexpr int64_t kNoBarrierAt =
    kBarriersAt + kStages * 2 * kBarrierBytes;
static constexpr int64_t kSharedBytes = kNoBarrierAt + 2 * kBarrierBytes;

/// A matrix instruction's tokens come in eights and its depth in sixteens; of
/// eight tokens a thread has two in each of two rows.
static constexpr int64_t kNarrow = 8, kPerNarrow = 4, kStep = 16;
/// Accumulators of a product.
static constexpr int64_t kPerSlab = kTokens / kNarrow * kPerNarrow;
/// Tokens whose sums pass through shared memory at a time.
static constexpr int64_t kChunkTokens = 32;
/// Such that the stores of a warp's sums meet no bank twice, split or not.
static constexpr int64_t kSumsPadding = 4, kSplit = 4;

/// The part of a matrix descriptor that does not depend on the address (PTX
/// ISA, "Matrix Descriptor Format"): the distance in bytes of eight rows from
/// the next eight, and the swizzle of 128 bytes.
static constexpr int64_t kDescription =
    int64_t(8 * kRowBytes / 16) << 32 | int64_t(1) << 62;

namespace {
class WarpgroupProduct {
public:
  WarpgroupProduct(GroupedMatmulOp op, KernelBuilder &b)
      : op(op), b(b), rhs(rightHandSides(op)),
        element(cast<MemRefType>(op.getLhs().getType()).getElementType()),
        depth(cast<MemRefType>(op.getLhs().getType()).getShape().back()),
        columns(kConsumers * consumerColumns()) {}

  void launch(Value processors);

private:
  void emitBlock(const BlockInfo &block);
  void initBarriers(Value thread);
  /// Runs `body(rows, firstColumn, turn)` for the block's tiles, which returns
  /// the next turn. Turns count the stages that were filled so far.
  void forEachTile(const BlockInfo &block,
                   function_ref<Value(const RowTile &, Value, Value)> body);

  // The producer.
  Value fetchTile(const BlockInfo &block, const RowTile &rows,
                  Value firstColumn, Value turn);
  void copyWeights(Value expert, Value firstColumn, Value step, Value turn);

  // A consumer.
  Value multiplyTile(Value thread, Value consumer, const RowTile &rows,
                     Value firstColumn, Value turn);
  /// Zeros that no one knows to be constant: a constant could be set between
  /// the fence and the product that adds to it.
  Values zeroAccumulators();
  /// The accumulators of a tile with `tokens` tokens.
  Values multiply(int64_t tokens, Value thread, Value consumer, Value turn,
                  ValueRange zeros);
  Values issueProducts(int64_t tokens, Value consumer, Value turn,
                       ValueRange accumulators);
  /// Gives the stage of an empty barrier back to the producer.
  void release(Value thread, Value empty);
  void writeTile(Value thread, Value consumer, const RowTile &rows, Value count,
                 Value firstColumn, ValueRange accumulators);

  Value countOf(const RowTile &rows) {
    return b.min(b.sub(rows.end, rows.first), b.index(kTokens));
  }
  /// Where in its slab a chunk of a token's row lies, in bytes.
  Value placeOfChunk(Value row, Value chunk) {
    Value place = b.bitXor(chunk, b.rem(row, kRowBytes / kChunkBytes));
    return b.add(b.mul(row, kRowBytes), b.mul(place, kChunkBytes));
  }
  Value pointerAt(Value offset, int64_t constant);
  Value stageOf(Value turn) { return b.rem(turn, kStages); }
  enum Barrier : uint8_t { Full, Empty };
  Value barrierOf(Value turn, Barrier barrier) {
    return pointerAt(b.mul(stageOf(turn), 2 * kBarrierBytes),
                     kBarriersAt + barrier * kBarrierBytes);
  }
  void waitFor(Value turn, Barrier barrier);
  int64_t consumerColumns() {
    return kSlabs * kSlabColumns / static_cast<int64_t>(rhs.size());
  }
  int64_t steps() { return llvm::divideCeil(depth, kDepth); }

  GroupedMatmulOp op;
  KernelBuilder &b;
  SmallVector<Value> rhs;
  Type element;
  /// The tile's columns of each right-hand side.
  int64_t depth, columns;
  /// Of the right-hand sides; on the host, then as pointers in the kernel.
  SmallVector<Value> maps;
  /// Where the stages start: an i32, and a pointer to it.
  Value sharedAddress, shared;
  Value sums, tokens, perWarp;
};
} // namespace

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

void WarpgroupProduct::launch(Value processors) {
  for (Value memref : rhs)
    maps.push_back(b.tensorMap(memref));
  SmallVector<MemRefType> types = {
      b.sharedType({kConsumers, static_cast<int64_t>(rhs.size()), kChunkTokens,
                    consumerColumns() + kSumsPadding},
                   b.getF32Type())};
  if (op.getMask()) {
    types.push_back(b.sharedType({kTokens}, b.getI32Type()));
    types.push_back(b.sharedType({kGroup / kWarpSize}, b.getI32Type()));
  }
  Value tiles = b.mul(countRowTiles(b, op, kTokens, b.dim(op.getOut(), 0)),
                      b.ceilDiv(b.dim(op.getOut(), 1), columns));
  Value isHopper = b.cmp(arith::CmpIPredicate::ne, processors, b.index(0));
  b.launch(
      "et_grouped_matmul_sm90", b.min(tiles, processors), kThreads, types,
      [&](const BlockInfo &block) {
        b.when(b.isHopper(), [&] { emitBlock(block); });
      },
      kSharedBytes, isHopper);
}

void WarpgroupProduct::emitBlock(const BlockInfo &block) {
  Value address = b.addressOf(block.dynamicShared);
  shared = b.pointerTo(address, NVVM::NVVMMemorySpace::Shared);
  sharedAddress = arith::TruncIOp::create(b, b.getI32Type(), address);
  sums = block.shared[0];
  if (op.getMask()) {
    tokens = block.shared[1];
    perWarp = block.shared[2];
  }
  for (Value &map : maps)
    map = b.tensorMapPointer(map);
  initBarriers(block.thread);
  b.barrier();

  // The same for a warp, which only a shuffle tells the back end.
  Value group =
      b.toIndex(b.fromLane(b.toI32(b.div(block.thread, kGroup)), b.index(0)));
  auto branch =
      scf::IfOp::create(b, b.cmp(arith::CmpIPredicate::eq, group, b.index(0)),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  NVVM::SetMaxRegisterOp::create(b, kProducerRegisters,
                                 NVVM::SetMaxRegisterAction::decrease);
  b.forGroup(b.i32(1), kGroup, [&] {
    forEachTile(block, [&](const RowTile &rows, Value firstColumn, Value turn) {
      return fetchTile(block, rows, firstColumn, turn);
    });
  });
  b.setInsertionPoint(branch.elseYield());
  NVVM::SetMaxRegisterOp::create(b, kConsumerRegisters,
                                 NVVM::SetMaxRegisterAction::increase);
  Value consumer = b.sub(group, b.index(1));
  Value thread = b.rem(block.thread, kGroup);
  b.forGroup(b.add(b.toI32(group), 1), kGroup, [&] {
    forEachTile(block, [&](const RowTile &rows, Value firstColumn, Value turn) {
      return multiplyTile(thread, consumer, rows, firstColumn, turn);
    });
  });
}

void WarpgroupProduct::initBarriers(Value thread) {
  b.when(b.cmp(arith::CmpIPredicate::eq, thread, b.index(0)), [&] {
    for (int32_t stage = 0; stage < kStages; ++stage) {
      // A producer's thread arrives when its copies have; one more announces
      // the weights.
      NVVM::MBarrierInitOp::create(b, barrierOf(b.i32(stage), Full),
                                   b.i32(kGroup + 1), Value());
      NVVM::MBarrierInitOp::create(b, barrierOf(b.i32(stage), Empty),
                                   b.i32(kConsumers * kGroup / kWarpSize),
                                   Value());
    }
    NVVM::MBarrierInitOp::create(b, pointerAt(b.i32(0), kNoBarrierAt), b.i32(1),
                                 Value());
    NVVM::FenceMbarrierInitOp::create(b);
  });
}

void WarpgroupProduct::forEachTile(
    const BlockInfo &block,
    function_ref<Value(const RowTile &, Value, Value)> body) {
  // Neighbors in the order share rows, then weights.
  Value columnTiles = b.ceilDiv(b.dim(op.getOut(), 1), columns);
  Value allRows = b.dim(op.getOut(), 0);
  if (Value offsets = op.getOffsets())
    allRows = b.toIndex(b.load(offsets, b.sub(b.dim(offsets, 0), b.index(1))));
  Value tiles = b.mul(countRowTiles(b, op, kTokens, allRows), columnTiles);
  Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
  auto loop = scf::ForOp::create(b, block.x, tiles, blocks, b.i32(0));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value number = b.div(loop.getInductionVar(), columnTiles);
  Value inRow = b.sub(loop.getInductionVar(), b.mul(number, columnTiles));
  RowTile rows = findRowTile(b, op, kTokens, number);
  Value turn = loop.getRegionIterArg(0);
  turn = b.whenElse(
      b.less(rows.first, rows.end),
      [&] { return body(rows, b.mul(inRow, columns), turn); }, turn);
  scf::YieldOp::create(b, turn);
}

Value WarpgroupProduct::pointerAt(Value offset, int64_t constant) {
  // In two steps, so that the constant becomes part of the instruction.
  auto moved = [&](Value pointer, LLVM::GEPArg by) -> Value {
    return LLVM::GEPOp::create(b, shared.getType(), b.getI8Type(), pointer, by);
  };
  return moved(moved(shared, offset), static_cast<int32_t>(constant));
}

void WarpgroupProduct::waitFor(Value turn, Barrier barrier) {
  // The parity of the phase that ends a stage's n-th use is that of n; before
  // the first, a stage is empty.
  Value use = b.div(turn, kStages);
  if (barrier == Empty)
    use = b.add(use, 1);
  constexpr int32_t longest = 10'000'000;
  NVVM::MBarrierTryWaitParityOp::create(b, barrierOf(turn, barrier),
                                        b.rem(use, 2), b.i32(longest));
}

//===----------------------------------------------------------------------===//
// The producer
//===----------------------------------------------------------------------===//

void WarpgroupProduct::copyWeights(Value expert, Value firstColumn, Value step,
                                   Value turn) {
  Value full = barrierOf(turn, Full);
  NVVM::MBarrierArriveExpectTxOp::create(
      b, TypeRange(), full, b.i32(kWeightBytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, Value());
  Value stage = b.mul(stageOf(turn), kStageBytes);
  auto cluster = LLVM::LLVMPointerType::get(
      b.getContext(),
      static_cast<unsigned>(NVVM::NVVMMemorySpace::SharedCluster));
  for (int64_t consumer = 0; consumer < kConsumers; ++consumer)
    for (int64_t slab = 0; slab < kSlabs; ++slab) {
      int64_t number = consumer * kSlabs + slab;
      bool isGated = rhs.size() > 1;
      Value column =
          b.add(firstColumn, (isGated ? consumer : number) * kSlabColumns);
      Value place[] = {b.toI32(column), b.toI32(b.mul(step, kDepth)),
                       b.toI32(expert)};
      Value target = LLVM::AddrSpaceCastOp::create(
          b, cluster, pointerAt(stage, number * kSlabBytes));
      NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
          b, target, maps[isGated ? slab : 0], place, full,
          /*im2colOffsets=*/ValueRange(), /*multicastMask=*/Value(),
          /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE,
          /*isCTAOnly=*/false, /*group=*/nullptr, /*predicate=*/Value());
    }
}

Value WarpgroupProduct::fetchTile(const BlockInfo &block, const RowTile &rows,
                                  Value firstColumn, Value turn) {
  Value count = countOf(rows), thread = block.thread;
  if (op.getMask())
    findTokens(b, op, thread, kGroup, rows, count, tokens, perWarp);
  // Neighboring threads copy neighboring chunks of a row. Rows of a thread are
  // a multiple of eight apart, so that they swizzle alike.
  constexpr int64_t chunks = kRowBytes / kChunkBytes, apart = kGroup / chunks;
  Value row = b.div(thread, chunks), chunk = b.rem(thread, chunks);
  Value k = b.mul(chunk, kChunk), lastRow = b.sub(count, b.index(1));
  Value target = b.toI32(placeOfChunk(row, chunk));
  Value base = b.addressOf(op.getLhs()),
        end = b.mul(b.ceilDiv(count, kNarrow), kNarrow);
  Values sources, isToken, isRead;
  for (int64_t i = 0; i < kTokens / apart; ++i) {
    Value mine = b.add(row, i * apart);
    Value source = findSourceRow(b, op, rows, b.min(mine, lastRow), tokens);
    Value offset = b.mul(b.add(b.mul(source, depth), k), 2);
    sources.push_back(b.add(
        base, Value(arith::IndexCastOp::create(b, b.getI64Type(), offset))));
    isToken.push_back(b.less(mine, count));
    // What products read besides tokens is zero.
    isRead.push_back(b.less(mine, end));
  }
  return b.loopBy(
      1, b.index(0), b.index(steps()), turn,
      [&](Value step, ValueRange carried) -> Values {
        Value turn = carried[0];
        waitFor(turn, Empty);
        b.when(b.cmp(arith::CmpIPredicate::eq, thread, b.index(0)),
               [&] { copyWeights(rows.expert, firstColumn, step, turn); });
        Value moved = arith::IndexCastOp::create(b, b.getI64Type(),
                                                 b.mul(step, kDepth * 2));
        Value stage = b.add(b.mul(stageOf(turn), kStageBytes), target);
        Value inDepth;
        if (depth % kDepth != 0)
          inDepth = b.less(b.add(b.mul(step, kDepth), k), b.index(depth));
        for (size_t i = 0; i < sources.size(); ++i)
          b.when(isRead[i], [&] {
            Value isThere = inDepth ? b.both(isToken[i], inDepth) : isToken[i];
            NVVM::CpAsyncOp::create(
                b,
                pointerAt(stage, kWeightBytes + static_cast<int64_t>(i) *
                                                    apart * kRowBytes),
                b.pointerTo(b.add(sources[i], moved),
                            NVVM::NVVMMemorySpace::Global),
                kChunkBytes, NVVM::LoadCacheModifierKind::CG,
                b.select(isThere, b.i32(kChunkBytes), b.i32(0)));
          });
        NVVM::CpAsyncMBarrierArriveOp::create(b, barrierOf(turn, Full),
                                              /*noinc=*/true);
        return {b.add(turn, 1)};
      })[0];
}

//===----------------------------------------------------------------------===//
// A consumer
//===----------------------------------------------------------------------===//

Values WarpgroupProduct::issueProducts(int64_t tokens, Value consumer,
                                       Value turn, ValueRange accumulators) {
  auto operand =
      element.isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16;
  auto shape = NVVM::MMAShapeAttr::get(
      b.getContext(), static_cast<int>(kSlabColumns), static_cast<int>(tokens),
      static_cast<int>(kStep));
  Value stage = b.add(sharedAddress, b.mul(stageOf(turn), kStageBytes));
  // Addresses take 14 bits and cannot carry into the rest.
  auto descriptor = [&](Value start, int64_t offset) {
    Value low =
        arith::ExtUIOp::create(b, b.getI64Type(), b.add(start, offset / 16));
    return b.add(low, kDescription);
  };
  Value tokensAt = b.div(stage, 16);
  Value weightsAt =
      b.add(tokensAt, b.mul(b.toI32(consumer), kSlabs * kSlabBytes / 16));
  Values sums(accumulators);
  for (int64_t step = 0; step < kDepth / kStep; ++step)
    for (int64_t slab = 0; slab < kSlabs; ++slab) {
      Value left =
          descriptor(weightsAt, slab * kSlabBytes + step * kStep * kRowBytes);
      Value right = descriptor(tokensAt, kWeightBytes + step * kStep * 2);
      sums[slab] = NVVM::WgmmaMmaAsyncOp::create(
          b, sums[slab].getType(), sums[slab], left, right, shape, operand,
          operand, NVVM::WGMMATypes::f32, NVVM::WGMMAScaleOut::one,
          NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
          NVVM::MMALayout::col, NVVM::MMALayout::col, /*satfinite=*/nullptr);
    }
  return sums;
}

void WarpgroupProduct::release(Value thread, Value empty) {
  Value lane = b.rem(thread, kWarpSize);
  b.when(b.cmp(arith::CmpIPredicate::eq, lane, b.index(0)), [&] {
    NVVM::MBarrierArriveOp::create(b, TypeRange(), empty, Value(),
                                   NVVM::MemScopeKind::CTA,
                                   /*relaxed=*/false);
  });
}

Values WarpgroupProduct::zeroAccumulators() {
  SmallVector<Type> types(kSlabs * kPerSlab, b.getF32Type());
  std::string code;
  for (size_t i = 0; i < types.size(); ++i)
    code += "mov.b32 $" + std::to_string(i) + ", 0;\n";
  auto op = NVVM::InlinePtxOp::create(b, types, /*readOnlyArgs=*/ValueRange(),
                                      /*readWriteArgs=*/ValueRange(), code,
                                      /*predicate=*/Value());
  return op.getResults();
}

Values WarpgroupProduct::multiply(int64_t tokens, Value thread, Value consumer,
                                  Value turn, ValueRange zeros) {
  if (tokens == 0) {
    b.loopBy(1, b.index(0), b.index(steps()), turn,
             [&](Value, ValueRange carried) -> Values {
               waitFor(carried[0], Full);
               release(thread, barrierOf(carried[0], Empty));
               return {b.add(carried[0], 1)};
             });
    return zeros;
  }
  int64_t perThread = tokens / kNarrow * kPerNarrow;
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(perThread, b.getF32Type()));
  // At first, no stage is to give back.
  Values inits = {turn, pointerAt(b.i32(0), kNoBarrierAt)};
  for (int64_t slab = 0; slab < kSlabs; ++slab) {
    Value sums = LLVM::PoisonOp::create(b, type);
    for (int64_t i = 0; i < perThread; ++i)
      sums =
          LLVM::InsertValueOp::create(b, sums, zeros[slab * kPerSlab + i], i);
    inits.push_back(sums);
  }
  Values last =
      b.loopBy(1, b.index(0), b.index(steps()), inits,
               [&](Value, ValueRange carried) -> Values {
                 Value turn = carried[0];
                 waitFor(turn, Full);
                 // Products read by another proxy than cp.async writes.
                 NVVM::FenceProxyOp::create(
                     b, NVVM::ProxyKind::async_shared,
                     NVVM::SharedSpaceAttr::get(b.getContext(),
                                                NVVM::SharedSpace::shared_cta));
                 NVVM::WgmmaFenceAlignedOp::create(b);
                 Values next = {b.add(turn, 1), barrierOf(turn, Empty)};
                 next.append(issueProducts(tokens, consumer, turn,
                                           carried.drop_front(2)));
                 NVVM::WgmmaGroupSyncAlignedOp::create(b);
                 // One group stays in flight.
                 NVVM::WgmmaWaitGroupSyncOp::create(b, 1);
                 release(thread, carried[1]);
                 return next;
               });
  NVVM::WgmmaWaitGroupSyncOp::create(b, 0);
  release(thread, last[1]);
  // The caller joins tiles of all sizes.
  Values accumulators(zeros);
  for (int64_t slab = 0; slab < kSlabs; ++slab)
    for (int64_t i = 0; i < perThread; ++i)
      accumulators[slab * kPerSlab + i] =
          LLVM::ExtractValueOp::create(b, last[2 + slab], i);
  return accumulators;
}

Value WarpgroupProduct::multiplyTile(Value thread, Value consumer,
                                     const RowTile &rows, Value firstColumn,
                                     Value turn) {
  Value count = countOf(rows);
  Values zeros = zeroAccumulators();
  // A loop of its own for every number of instruction columns; for none where
  // the width ends before the consumer's columns.
  int64_t width = cast<MemRefType>(op.getRhs().getType()).getShape().back();
  bool hasIdle = width % columns != 0 && width % columns <= consumerColumns();
  Value size = b.ceilDiv(count, kNarrow);
  if (hasIdle) {
    Value first = b.add(firstColumn, b.mul(consumer, consumerColumns()));
    size = b.select(b.less(first, b.index(width)), size, b.index(0));
  }
  auto sizes = llvm::to_vector(
      llvm::seq_inclusive<int64_t>(hasIdle ? 0 : 1, kTokens / kNarrow));
  auto branch = scf::IndexSwitchOp::create(
      b, SmallVector<Type>(kSlabs * kPerSlab, b.getF32Type()), size,
      ArrayRef(sizes).drop_back(), static_cast<unsigned>(sizes.size() - 1));
  for (auto [size, region] : llvm::zip_equal(
           sizes,
           llvm::concat<Region>(branch.getCaseRegions(),
                                MutableArrayRef(branch.getDefaultRegion())))) {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&region);
    scf::YieldOp::create(
        b, multiply(size * kNarrow, thread, consumer, turn, zeros));
  }
  writeTile(thread, consumer, rows, count, firstColumn, branch.getResults());
  return b.add(turn, steps());
}

void WarpgroupProduct::writeTile(Value thread, Value consumer,
                                 const RowTile &rows, Value count,
                                 Value firstColumn, ValueRange accumulators) {
  // Of a slab's 64 columns, a warp has 16 and a lane one in the first eight and
  // one in the others, of two tokens in eight.
  Value warp = b.div(thread, kWarpSize), lane = b.rem(thread, kWarpSize);
  Value myColumn = b.add(b.mul(warp, 16), b.div(lane, 4));
  bool isSplit = resultWidth(op) == 2 * kSplit;
  int64_t splitAt = isSplit ? consumerColumns() / 2 + kSumsPadding : 0;
  if (isSplit)
    myColumn = b.add(b.add(b.mul(warp, 8), b.rem(b.div(lane, 4), kSplit)),
                     b.mul(b.div(lane, 4 * kSplit), splitAt));
  Value myToken = b.mul(b.rem(lane, 4), 2);
  bool isGated = rhs.size() > 1;
  constexpr int64_t perChunk = kChunkTokens / kNarrow * kPerNarrow;
  auto type = cast<MemRefType>(sums.getType());
  auto zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets = {consumer, zero, zero, zero};
  SmallVector<OpFoldResult> sizes = {one}, strides(4, one);
  for (int64_t size : type.getShape().drop_front())
    sizes.push_back(b.getIndexAttr(size));
  auto mineType = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  Value mine =
      memref::SubViewOp::create(b, mineType, sums, offsets, sizes, strides);
  Value column = b.add(firstColumn, b.mul(consumer, consumerColumns()));
  auto writeChunk = [&](int64_t first) {
    for (int64_t slab = 0; slab < kSlabs; ++slab)
      for (int64_t i = 0; i < perChunk; ++i) {
        int64_t token = i / kPerNarrow * kNarrow + i % 2;
        int64_t half = i % kPerNarrow / 2 * 8;
        int64_t across = half + (isGated ? 0 : slab * kSlabColumns);
        if (isSplit)
          across /= 2;
        b.store(
            accumulators[slab * kPerSlab + first / kNarrow * kPerNarrow + i],
            mine,
            {b.index(isGated ? slab : 0), b.add(myToken, token),
             b.add(myColumn, across)});
      }
    b.barrier();
    RowTile chunk = {rows.expert, b.add(rows.first, first), rows.end};
    Value inChunk = b.min(b.sub(count, b.index(first)), b.index(kChunkTokens));
    emitEpilogue(b, op, thread, kGroup, chunk, inChunk, column,
                 consumerColumns(), mine, splitAt);
    // The next chunk takes the same place.
    b.barrier();
  };
  for (int64_t first = 0; first < kTokens; first += kChunkTokens)
    b.when(b.less(b.index(first), count), [&] { writeChunk(first); });
}

void et::launchWarpgroupProduct(GroupedMatmulOp op, KernelBuilder &b,
                                Value processors) {
  WarpgroupProduct(op, b).launch(processors);
}
