//===- WarpgroupProduct.cpp - A product by Hopper's warpgroups ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WarpgroupProduct.h"
#include "MatrixProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

static constexpr int64_t kChunkBytes = 16, kChunk = 8;
/// A matrix instruction's tokens come in eights and its depth in sixteens; of
/// eight tokens a thread has two in each of two rows.
static constexpr int64_t kNarrow = 8, kPerNarrow = 4, kStep = 16;
/// Tokens whose sums pass through shared memory at a time.
static constexpr int64_t kChunkTokens = 32;
/// Such that the stores of a warp's sums meet no bank twice, split or not.
static constexpr int64_t kSumsPadding = 4, kSplit = 4;

/// Whether stages of weights have one scale a column, in registers.
static bool hasSlabs(WeightFormatAttrInterface format) {
  WeightBlock block = format.getBlock();
  return format.hasRegisterForm() &&
         block.k % WarpgroupStages::kScaledDepth == 0;
}

bool WarpgroupProduct::applies(GroupedMatmulOp op) {
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  WeightFormatAttrInterface format = op.getWeightFormat();
  if (!format)
    return llvm::all_of(rightHandSides(op), [&](Value rhs) {
      return MatrixProduct::applies(lhs, cast<MemRefType>(rhs.getType()),
                                    /*splitsF32=*/false);
    });
  Type element = lhs.getElementType();
  // Rows are copied in chunks of 16 bytes.
  return hasSlabs(format) && (element.isF16() || element.isBF16()) &&
         MatrixProduct::isWhole(lhs, kChunk) &&
         llvm::all_of(rightHandSides(op), [&](Value rhs) {
           auto type = cast<MemRefType>(rhs.getType());
           return MatrixProduct::isWhole(type, kChunkBytes) &&
                  type.getDimSize(1) == lhs.getShape().back();
         });
}

WarpgroupProduct::WarpgroupProduct(GroupedMatmulOp op, KernelBuilder &b)
    : WarpgroupStages(b), op(op), rhs(rightHandSides(op)),
      scales(rightHandScales(op)), format(op.getWeightFormat()) {
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  element = lhs.getElementType();
  depth = lhs.getShape().back();
  for (Value memref : rhs)
    maps.push_back(b.tensorMap(memref));
}

Value WarpgroupProduct::countTiles(Value allRows) {
  return b.mul(countRowTiles(b, op, tileTokens(), allRows),
               b.ceilDiv(b.dim(op.getOut(), 1), columns()));
}

MemRefType WarpgroupProduct::sumsType() {
  return b.sharedType({kConsumers, static_cast<int64_t>(rhs.size()),
                       kChunkTokens, consumerColumns() + kSumsPadding},
                      b.getF32Type());
}

void WarpgroupProduct::enterKernel(const BlockInfo &block,
                                   const Shared &memory) {
  WarpgroupStages::enterKernel(block);
  shared = memory;
  for (Value &map : maps)
    map = b.tensorMapPointer(map);
}

WarpgroupProduct::Position WarpgroupProduct::forEachTile(
    Value &begin, Position position,
    function_ref<Value(const RowTile &, Value, Value)> body) {
  Value allRows = b.dim(op.getOut(), 0);
  if (Value offsets = op.getOffsets())
    allRows =
        b.min(b.toIndex(b.load(offsets, b.sub(b.dim(offsets, 0), b.index(1)))),
              allRows);
  Value end = b.add(begin, countTiles(allRows));
  Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
  auto loop = scf::ForOp::create(b, position.tile, end, blocks,
                                 ValueRange{position.tile, position.turn});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  // Neighbors in the order share rows, then weights.
  Value number = b.sub(loop.getInductionVar(), begin);
  Value columnTiles = b.ceilDiv(b.dim(op.getOut(), 1), columns());
  Value rowTile = b.div(number, columnTiles);
  Value firstColumn =
      b.mul(b.sub(number, b.mul(rowTile, columnTiles)), columns());
  RowTile rows = findRowTile(b, op, tileTokens(), rowTile);
  Value turn = loop.getRegionIterArg(1);
  turn = b.whenElse(
      b.less(rows.first, rows.end),
      [&] { return body(rows, firstColumn, turn); }, turn);
  scf::YieldOp::create(b,
                       ValueRange{b.add(loop.getInductionVar(), blocks), turn});
  begin = end;
  return {loop.getResult(0), loop.getResult(1)};
}

//===----------------------------------------------------------------------===//
// The producer
//===----------------------------------------------------------------------===//

void WarpgroupProduct::copyWeights(Value expert, Value firstColumn, Value step,
                                   Value turn) {
  Value full = barrier(turn, Full);
  NVVM::MBarrierArriveExpectTxOp::create(
      b, TypeRange(), full, b.i32(kWeightBytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, Value());
  Value stage = offset(turn);
  auto cluster = LLVM::LLVMPointerType::get(
      b.getContext(),
      static_cast<unsigned>(NVVM::NVVMMemorySpace::SharedCluster));
  for (int64_t consumer = 0; consumer < kConsumers; ++consumer)
    for (int64_t slab = 0; slab < kSlabs; ++slab) {
      int64_t number = consumer * kSlabs + slab;
      Value column =
          b.add(firstColumn, (isGated() ? consumer : number) * kSlabColumns);
      Value place[] = {b.toI32(column), b.toI32(b.mul(step, stageDepth())),
                       b.toI32(expert)};
      Value target = LLVM::AddrSpaceCastOp::create(
          b, cluster, pointerAt(stage, number * kSlabBytes));
      NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
          b, target, maps[isGated() ? slab : 0], place, full,
          /*im2colOffsets=*/ValueRange(), /*multicastMask=*/Value(),
          /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE,
          /*isCTAOnly=*/false, /*group=*/nullptr, /*predicate=*/Value());
    }
}

Value WarpgroupProduct::fetch(Value thread, const RowTile &rows,
                              Value firstColumn, Value turn) {
  Value count = countOf(rows);
  if (op.getMask())
    findTokens(b, op, thread, kGroup, rows, count, shared.tokens,
               shared.perWarp);
  // Neighboring threads copy neighboring chunks of a row. Rows of a thread are
  // a multiple of eight apart, so that they swizzle alike.
  constexpr int64_t inRow = kRowBytes / kChunkBytes;
  const int64_t chunks = stageDepth() / kChunk, apart = kGroup / chunks;
  Value row = b.div(thread, chunks), chunk = b.rem(thread, chunks);
  Value k = b.mul(chunk, kChunk), lastRow = b.sub(count, b.index(1));
  Value place = b.bitXor(b.rem(chunk, inRow), b.rem(row, inRow));
  Value target =
      b.toI32(b.add(b.mul(row, kRowBytes), b.mul(place, kChunkBytes)));
  if (chunks > inRow)
    target = b.add(
        target, b.toI32(b.mul(b.div(chunk, inRow), tileTokens() * kRowBytes)));
  Value base = b.addressOf(op.getLhs()),
        end = b.mul(b.ceilDiv(count, kNarrow), kNarrow);
  Values sources, isToken, isRead;
  for (int64_t i = 0; i < tileTokens() / apart; ++i) {
    Value mine = b.add(row, i * apart);
    Value source =
        findSourceRow(b, op, rows, b.min(mine, lastRow), shared.tokens);
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
                                                 b.mul(step, stageDepth() * 2));
        Value stage = b.add(offset(turn), target);
        Value inDepth;
        if (depth % stageDepth() != 0)
          inDepth = b.less(b.add(b.mul(step, stageDepth()), k), b.index(depth));
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
        NVVM::CpAsyncMBarrierArriveOp::create(b, barrier(turn, Full),
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
  Value stage = address(turn);
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

Values WarpgroupProduct::zeroAccumulators() {
  SmallVector<Type> types(kSlabs * perSlab(), b.getF32Type());
  std::string code;
  for (size_t i = 0; i < types.size(); ++i)
    code += "mov.b32 $" + std::to_string(i) + ", 0;\n";
  auto op = NVVM::InlinePtxOp::create(b, types, /*readOnlyArgs=*/ValueRange(),
                                      /*readWriteArgs=*/ValueRange(), code,
                                      /*predicate=*/Value());
  return op.getResults();
}

void WarpgroupProduct::skipTile(const Work &work) {
  b.loopBy(1, b.index(0), b.index(steps()), work.turn,
           [&](Value, ValueRange carried) -> Values {
             waitFor(carried[0], Full);
             release(work.thread, barrier(carried[0], Empty));
             return {b.add(carried[0], 1)};
           });
}

Values WarpgroupProduct::runTokens(int64_t tokens, const Work &work,
                                   ValueRange zeros) {
  int64_t perThread = tokens / kNarrow * kPerNarrow;
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(perThread, b.getF32Type()));
  // At first, no stage is to give back.
  Values inits = {work.turn, noBarrier()};
  for (int64_t slab = 0; slab < kSlabs; ++slab) {
    Value sums = LLVM::PoisonOp::create(b, type);
    for (int64_t i = 0; i < perThread; ++i)
      sums =
          LLVM::InsertValueOp::create(b, sums, zeros[slab * perSlab() + i], i);
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
                 Values next = {b.add(turn, 1), barrier(turn, Empty)};
                 next.append(issueProducts(tokens, work.consumer, turn,
                                           carried.drop_front(2)));
                 NVVM::WgmmaGroupSyncAlignedOp::create(b);
                 // One group stays in flight.
                 NVVM::WgmmaWaitGroupSyncOp::create(b, 1);
                 release(work.thread, carried[1]);
                 return next;
               });
  NVVM::WgmmaWaitGroupSyncOp::create(b, 0);
  release(work.thread, last[1]);
  // The caller joins tiles of all sizes.
  Values accumulators(zeros);
  for (int64_t slab = 0; slab < kSlabs; ++slab)
    for (int64_t i = 0; i < perThread; ++i)
      accumulators[slab * perSlab() + i] =
          LLVM::ExtractValueOp::create(b, last[2 + slab], i);
  return accumulators;
}

Value WarpgroupProduct::multiply(Value thread, Value consumer,
                                 const RowTile &rows, Value firstColumn,
                                 Value turn) {
  Value count = countOf(rows);
  Values zeros = zeroAccumulators();
  // A loop of its own for every number of instruction columns; for none where
  // the width ends before the consumer's columns.
  int64_t width = cast<MemRefType>(op.getRhs().getType()).getShape().back();
  bool hasIdle =
      width % columns() != 0 && width % columns() <= consumerColumns();
  Value size = b.ceilDiv(count, kNarrow);
  if (hasIdle) {
    Value first = b.add(firstColumn, b.mul(consumer, consumerColumns()));
    size = b.select(b.less(first, b.index(width)), size, b.index(0));
  }
  auto sizes = llvm::to_vector(
      llvm::seq_inclusive<int64_t>(hasIdle ? 0 : 1, tileTokens() / kNarrow));
  auto branch = scf::IndexSwitchOp::create(
      b, SmallVector<Type>(kSlabs * perSlab(), b.getF32Type()), size,
      ArrayRef(sizes).drop_back(), static_cast<unsigned>(sizes.size() - 1));
  for (auto [size, region] : llvm::zip_equal(
           sizes,
           llvm::concat<Region>(branch.getCaseRegions(),
                                MutableArrayRef(branch.getDefaultRegion())))) {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&region);
    Work work = {thread, consumer, rows.expert, firstColumn, turn};
    Values sums = zeros;
    if (size == 0)
      skipTile(work);
    else
      sums = isScaled() ? runScaledTokens(size * kNarrow, work, zeros)
                        : runTokens(size * kNarrow, work, zeros);
    scf::YieldOp::create(b, sums);
  }
  writeTile(thread, consumer, rows, count, firstColumn, branch.getResults());
  return b.add(turn, steps());
}

void WarpgroupProduct::writeTile(Value thread, Value consumer,
                                 const RowTile &rows, Value count,
                                 Value firstColumn, ValueRange accumulators) {
  // Of a slab's 64 columns, a warp has 16 and a lane one in the first eight and
  // one in the others, of two tokens in eight. With scales the two are
  // neighbors.
  Value warp = b.div(thread, kWarpSize), lane = b.rem(thread, kWarpSize);
  Value inWarp = b.mul(b.div(lane, 4), isScaled() ? 2 : 1);
  Value myColumn = b.add(b.mul(warp, 16), inWarp);
  bool isSplit = resultWidth(op) == 2 * kSplit;
  int64_t splitAt = isSplit ? consumerColumns() / 2 + kSumsPadding : 0;
  if (isSplit) {
    Value half = b.rem(b.div(inWarp, kSplit), 2);
    myColumn = b.add(b.add(b.mul(warp, 8), b.rem(inWarp, kSplit)),
                     b.mul(half, splitAt));
    if (isScaled())
      myColumn = b.add(myColumn, b.mul(b.div(inWarp, 2 * kSplit), kSplit));
  }
  Value myToken = b.mul(b.rem(lane, 4), 2);
  constexpr int64_t perChunk = kChunkTokens / kNarrow * kPerNarrow;
  auto type = cast<MemRefType>(shared.sums.getType());
  auto zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets = {consumer, zero, zero, zero};
  SmallVector<OpFoldResult> sizes = {one}, strides(4, one);
  for (int64_t size : type.getShape().drop_front())
    sizes.push_back(b.getIndexAttr(size));
  auto mineType = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  Value mine = memref::SubViewOp::create(b, mineType, shared.sums, offsets,
                                         sizes, strides);
  Value column = b.add(firstColumn, b.mul(consumer, consumerColumns()));
  auto writeSlab = [&](ValueRange sums, int64_t slab) {
    for (int64_t i = 0; i < perChunk; ++i) {
      bool isUpper = i % kPerNarrow >= kPerNarrow / 2;
      if (isUpper && isScaled())
        continue;
      int64_t token = i / kPerNarrow * kNarrow + i % 2;
      int64_t across =
          (isUpper ? 8 : 0) + (isGated() ? 0 : slab * kSlabColumns);
      if (isSplit)
        across /= 2;
      Values stored = {sums[i]};
      if (isScaled())
        stored.push_back(sums[i + kPerNarrow / 2]);
      b.storeElements(stored, mine,
                      {b.index(isGated() ? slab : 0), b.add(myToken, token),
                       b.add(myColumn, across)});
    }
  };
  auto writeChunk = [&](int64_t first) {
    for (int64_t slab = 0; slab < kSlabs; ++slab)
      writeSlab(accumulators.slice(
                    slab * perSlab() + first / kNarrow * kPerNarrow, perChunk),
                slab);
    b.barrier();
    RowTile chunk = {rows.expert, b.add(rows.first, first), rows.end};
    Value inChunk = b.min(b.sub(count, b.index(first)), b.index(kChunkTokens));
    emitEpilogue(b, op, thread, kGroup, chunk, inChunk, column,
                 consumerColumns(), mine, splitAt);
    // The next chunk takes the same place.
    b.barrier();
  };
  for (int64_t first = 0; first < tileTokens(); first += kChunkTokens)
    b.when(b.less(b.index(first), count), [&] { writeChunk(first); });
}
