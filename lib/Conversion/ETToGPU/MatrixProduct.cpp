//===- MatrixProduct.cpp - A tile by the matrix units ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared memory holds some stages; a stage is a slab of lhs [rows, depth]
// and, for every right-hand side, slabs [depth, 64 columns], row by row.
// Everything moves in chunks of 16 bytes. The eight lanes whose chunks ldmatrix
// reads together have eight successive rows and the same chunk of them; so
// chunk c of a row lies at place c ^ f(row), with f such that those eight meet
// all 32 banks.
//
// ldmatrix transposes 16-bit elements only. A right-hand side of f32 is one
// slab [depth, columns], which lanes read by element: eight columns of four
// rows, whose padding puts them into different banks.
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"
#include "SplitF32.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;
using Units = MatrixInstructions;

static constexpr int64_t kChunkBytes = Units::kChunkBytes;
static constexpr int64_t kSlice = Units::kSlice, kNarrow = Units::kNarrow;
static constexpr int64_t kAccumulators = Units::kAccumulators;

bool MatrixProduct::isWhole(MemRefType type, int64_t unit) {
  int64_t last = type.getShape().back();
  return type.getLayout().isIdentity() && !ShapedType::isDynamic(last) &&
         last % unit == 0 && last != 0;
}

bool MatrixProduct::applies(MemRefType lhs, MemRefType rhs, bool splitsF32) {
  Type element = lhs.getElementType();
  if (!element.isF16() && !element.isBF16() && !(splitsF32 && element.isF32()))
    return false;
  int64_t chunk = kChunkBytes * 8 / element.getIntOrFloatBitWidth();
  int64_t depth = rhs.getShape().drop_back().back();
  return rhs.getElementType() == element && isWhole(lhs, chunk) &&
         isWhole(rhs, chunk) && depth == lhs.getShape().back();
}

MemRefType MatrixProduct::sumsType() {
  return b.sharedType({tile.numRhs, tile.rows, tile.columns + kSumsPadding},
                      b.getF32Type());
}

int64_t MatrixProduct::sharedBytes() {
  // The sums take the place of the stages.
  return std::max(tile.stages * stageBytes(), sumsType().getNumElements() * 4);
}

//===----------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------===//

void MatrixProduct::emitCopies(const Copies &copies, int64_t slices, Value step,
                               Value stage) {
  auto copySlab = [&](const Copies::Slab &slab, size_t count) {
    Value moved = b.mul(step, slab.stepBytes);
    moved = arith::IndexCastOp::create(b, b.getI64Type(), moved);
    for (size_t i = 0; i < count; ++i) {
      Value isThere = slab.isThere[i];
      if (depth % stageDepth() != 0) {
        Value k = b.add(b.mul(step, stageDepth()), slab.depths[i]);
        Value inDepth = b.less(k, b.index(depth));
        isThere = isThere ? b.both(isThere, inDepth) : inDepth;
      }
      units->copy(b.add(slab.sources[i], moved),
                  {b.add(stage, slab.target),
                   static_cast<int64_t>(i) * slab.targetStep},
                  isThere);
    }
  };
  int64_t rowsOfCopy = kThreads / (kLhsRowBytes / kChunkBytes);
  copySlab(copies.lhs, llvm::divideCeil(slices * kSlice, rowsOfCopy));
  for (const Copies::Slab &slab : copies.rhs)
    copySlab(slab, slab.sources.size());
}

SmallVector<Value> MatrixProduct::emitProducts(const Fragments &fragments,
                                               int64_t slices, Value stage,
                                               int64_t depth,
                                               ValueRange accumulators) {
  if (isF32())
    return emitSplitProducts(fragments, slices, stage, accumulators);
  int64_t pairs = warpColumns() / (2 * kNarrow);
  Values sums(accumulators);
  for (int64_t step = 0; step * Units::kStep < depth; ++step) {
    // Registers of both operands that half a step takes are the first.
    bool isHalf = depth - step * Units::kStep < Units::kStep;
    SmallVector<SmallVector<Value>> right;
    for (int64_t product = 0; product < tile.numRhs; ++product)
      for (int64_t pair = 0; pair < pairs; ++pair) {
        Units::Place place = {b.add(stage, fragments.rhs[pair]),
                              product * rhsBytes() +
                                  step * Units::kStep * rhsRowBytes()};
        right.push_back(units->load(place, NVVM::MMALayout::col));
      }
    for (int64_t slice = 0; slice < slices; ++slice) {
      Units::Place place = {b.add(stage, fragments.lhs[step]),
                            slice * kSlice * kLhsRowBytes};
      SmallVector<Value> left = units->load(place, NVVM::MMALayout::row);
      for (auto [pair, matrices] : llvm::enumerate(right))
        for (int64_t half = 0; half < 2; ++half) {
          size_t first =
              ((slice * right.size() + pair) * 2 + half) * kAccumulators;
          MutableArrayRef<Value> target =
              MutableArrayRef(sums).slice(first, kAccumulators);
          llvm::copy(units->multiply(
                         ArrayRef(left).take_front(isHalf ? 2 : 4),
                         ArrayRef(matrices).slice(2 * half, isHalf ? 1 : 2),
                         ValueRange(ArrayRef<Value>(target))),
                     target.begin());
        }
    }
  }
  return sums;
}

SmallVector<Value> MatrixProduct::emitSplitProducts(const Fragments &fragments,
                                                    int64_t slices, Value stage,
                                                    ValueRange accumulators) {
  // Lanes have two elements of a right-hand side, four rows apart.
  constexpr int64_t elements = 2, rowsApart = 4;
  SplitF32 parts(b, *units);
  Value rhs = b.add(stage, fragments.rhs.front());
  Values sums(accumulators);
  for (int64_t step = 0; step < kLhsRowBytes / kStepBytes; ++step) {
    SmallVector<SplitF32::Operand> right;
    for (int64_t product = 0; product < tile.numRhs; ++product)
      for (int64_t narrow = 0; narrow < warpColumns() / kNarrow; ++narrow) {
        Values loaded;
        for (int64_t i = 0; i < elements; ++i) {
          int64_t row = step * this->step() + i * rowsApart;
          loaded.push_back(units->loadElement(
              {rhs, product * rhsBytes() + row * rhsRowBytes() +
                        narrow * kNarrow * elementBytes()}));
        }
        right.push_back(parts.split(loaded));
      }
    for (int64_t slice = 0; slice < slices; ++slice) {
      Units::Place place = {b.add(stage, fragments.lhs[step]),
                            slice * kSlice * kLhsRowBytes};
      SplitF32::Operand left =
          parts.split(units->load(place, NVVM::MMALayout::row));
      for (auto [narrow, operand] : llvm::enumerate(right)) {
        size_t first = (slice * right.size() + narrow) * kAccumulators;
        MutableArrayRef<Value> target =
            MutableArrayRef(sums).slice(first, kAccumulators);
        llvm::copy(parts.addProduct(left, operand,
                                    ValueRange(ArrayRef<Value>(target))),
                   target.begin());
      }
    }
  }
  return sums;
}

Value MatrixProduct::stageAt(int64_t stage) {
  return b.i32(static_cast<int32_t>(stage * stageBytes()));
}

Value MatrixProduct::stageAfter(Value stage) {
  Value next = b.add(stage, stageBytes());
  Value isLast = b.cmp(arith::CmpIPredicate::eq, next, stageAt(tile.stages));
  return b.select(isLast, stageAt(0), next);
}

void MatrixProduct::runSlices(int64_t slices, const Copies &copies,
                              const Fragments &fragments, Value sums) {
  int64_t steps = llvm::divideCeil(depth, stageDepth());
  // Steps of the loop; a tail comes behind them.
  int64_t wholeSteps = steps - (tailDepth() ? 1 : 0);
  // Every thread closes a group a step, so that the groups can be counted.
  for (int64_t stage = 0; stage < tile.stages - 1; ++stage) {
    if (stage < steps)
      emitCopies(copies, slices, b.index(stage), stageAt(stage));
    NVVM::CpAsyncCommitGroupOp::create(b);
  }
  // Carried: the stage to multiply, the stage to fill, the accumulators.
  Values inits(2 + slices * kAccumulators * tile.numRhs * warpColumns() /
                       kNarrow,
               b.f32(0.0));
  inits[0] = stageAt(0);
  inits[1] = stageAt(tile.stages - 1);
  Values last = b.pipelineLoop(
      b.index(wholeSteps), inits,
      [&](Value step, ValueRange carried) -> Values {
        NVVM::CpAsyncWaitGroupOp::create(b, tile.stages - 2);
        // Past it, everyone's part of this stage is there, and no one
        // reads the stage before it, which is filled next.
        b.barrier();
        Value next = b.add(step, tile.stages - 1);
        b.when(b.less(next, b.index(steps)),
               [&] { emitCopies(copies, slices, next, carried[1]); });
        NVVM::CpAsyncCommitGroupOp::create(b);
        Values result = {stageAfter(carried[0]), stageAfter(carried[1])};
        result.append(emitProducts(fragments, slices, carried[0], stageDepth(),
                                   carried.drop_front(2)));
        return result;
      });
  NVVM::CpAsyncWaitGroupOp::create(b, 0);
  b.barrier();
  if (int64_t tail = tailDepth()) {
    Values sums = emitProducts(fragments, slices, last[0], tail,
                               ArrayRef<Value>(last).drop_front(2));
    llvm::copy(sums, last.begin() + 2);
    // The sums take the place of the stages.
    b.barrier();
  }

  // An instruction leaves two neighbors of a row in a lane, and those of the
  // eighth row after it.
  Value row = b.div(fragments.lane, 4);
  Value pair = b.rem(fragments.lane, 4);
  int64_t narrowWidth = kNarrow;
  Value column = b.add(b.mul(fragments.warp, warpColumns()), b.mul(pair, 2));
  if (tile.splitsSums) {
    narrowWidth /= 2;
    column = b.add(
        b.mul(fragments.warp, warpColumns() / 2),
        b.add(b.mul(b.rem(pair, 2), 2), b.mul(b.div(pair, 2), splitAt())));
  }
  ArrayRef<Value> rest = ArrayRef<Value>(last).drop_front(2);
  for (int64_t slice = 0; slice < slices; ++slice)
    for (int64_t product = 0; product < tile.numRhs; ++product)
      for (int64_t narrow = 0; narrow < warpColumns() / kNarrow; ++narrow)
        for (int64_t half = 0; half < 2; ++half) {
          Value place[] = {b.index(product),
                           b.add(row, slice * kSlice + half * 8),
                           b.add(column, narrow * narrowWidth)};
          b.storeElements(rest.take_front(2), sums, place);
          rest = rest.drop_front(2);
        }
}

Value MatrixProduct::placeInLhs(Value row, Value chunk) {
  // Two rows of 64 bytes are as long as all banks.
  Value turn = b.rem(b.div(row, 2), kLhsRowBytes / kChunkBytes);
  return b.add(b.mul(row, kLhsRowBytes),
               b.mul(b.bitXor(chunk, turn), kChunkBytes));
}

Value MatrixProduct::placeInRhs(Value row, Value chunk) {
  Value ofRow = b.mul(row, rhsRowBytes());
  if (isF32())
    return b.add(ofRow, b.mul(chunk, kChunkBytes));
  int64_t chunks = rhsRowBytes() / kChunkBytes;
  Value place = b.bitXor(b.rem(chunk, chunks), b.rem(row, chunks));
  Value inSlab = b.add(ofRow, b.mul(place, kChunkBytes));
  return b.add(b.mul(b.div(chunk, chunks), stageDepth() * rhsRowBytes()),
               inSlab);
}

MatrixProduct::Copies
MatrixProduct::prepareCopies(const BlockInfo &block, Value lhs,
                             function_ref<Value(Value)> sourceRow, Value count,
                             ArrayRef<Matrix> rhs, Value firstColumn) {
  Copies copies;
  auto toI64 = [&](Value value) -> Value {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  };
  // Neighboring threads copy neighboring chunks of a row. Rows of a thread are
  // a multiple of eight apart, so that they swizzle alike.
  int64_t lhsChunks = kLhsRowBytes / kChunkBytes;
  int64_t lhsRows = kThreads / lhsChunks;
  Value lhsRow = b.div(block.thread, lhsChunks);
  Value lhsChunk = b.rem(block.thread, lhsChunks);
  Value base = b.addressOf(lhs), k = b.mul(lhsChunk, chunk());
  Copies::Slab &slab = copies.lhs;
  slab.stepBytes = kLhsRowBytes;
  slab.target = b.toI32(placeInLhs(lhsRow, lhsChunk));
  slab.targetStep = lhsRows * kLhsRowBytes;
  for (int64_t i = 0; i < tile.rows / lhsRows; ++i) {
    Value row = b.add(lhsRow, i * lhsRows);
    Value element = b.add(b.mul(sourceRow(row), depth), k);
    slab.sources.push_back(b.add(base, toI64(b.mul(element, elementBytes()))));
    slab.isThere.push_back(b.less(row, count));
    slab.depths.push_back(k);
  }

  int64_t chunks = tile.columns / chunk();
  Value row = b.div(block.thread, chunks);
  Value place = b.rem(block.thread, chunks);
  int64_t rows = kThreads / chunks;
  Value target = b.toI32(placeInRhs(row, place));
  Value column = b.add(firstColumn, b.mul(place, chunk()));
  Value inWidth;
  if (width % tile.columns != 0)
    inWidth = b.less(column, b.index(width));
  for (auto [number, matrix] : llvm::enumerate(rhs)) {
    Copies::Slab slab;
    slab.stepBytes = stageDepth() * width * elementBytes();
    slab.target = b.add(target, lhsBytes() + number * rhsBytes());
    slab.targetStep = rows * rhsRowBytes();
    Value base = b.addressOf(matrix.memref);
    for (int64_t i = 0; i < stageDepth() / rows; ++i) {
      Value k = b.add(row, i * rows);
      Value inMatrix = matrix.outer ? b.add(b.mul(matrix.outer, depth), k) : k;
      Value element = b.add(b.mul(inMatrix, width), column);
      slab.sources.push_back(
          b.add(base, toI64(b.mul(element, elementBytes()))));
      slab.isThere.push_back(inWidth);
      slab.depths.push_back(k);
    }
    copies.rhs.push_back(std::move(slab));
  }
  return copies;
}

MatrixProduct::Fragments
MatrixProduct::prepareFragments(const BlockInfo &block) {
  // Lanes 0 to 15 name the rows of the two upper matrices of a group of four,
  // the others those of the matrices beside them.
  Fragments fragments;
  fragments.lane = b.rem(block.thread, kWarpSize);
  fragments.warp = b.div(block.thread, kWarpSize);
  Value row = b.rem(fragments.lane, kSlice),
        beside = b.div(fragments.lane, kSlice);
  for (int64_t step = 0; step < kLhsRowBytes / kStepBytes; ++step) {
    Value chunk = b.add(beside, step * kStepBytes / kChunkBytes);
    fragments.lhs.push_back(b.toI32(placeInLhs(row, chunk)));
  }
  if (isF32()) {
    Value column =
        b.add(b.mul(fragments.warp, warpColumns()), b.div(fragments.lane, 4));
    Value place = b.add(b.mul(b.rem(fragments.lane, 4), rhsRowBytes()),
                        b.mul(column, elementBytes()));
    fragments.rhs.push_back(b.toI32(b.add(place, lhsBytes())));
    return fragments;
  }
  for (int64_t pair = 0; pair < warpColumns() / (2 * kNarrow); ++pair) {
    Value first = b.mul(fragments.warp, warpColumns() / chunk());
    Value chunk = b.add(b.add(first, 2 * pair), beside);
    fragments.rhs.push_back(b.toI32(b.add(placeInRhs(row, chunk), lhsBytes())));
  }
  return fragments;
}

void MatrixProduct::run(const BlockInfo &block, Value lhs,
                        function_ref<Value(Value)> sourceRow, Value count,
                        ArrayRef<Matrix> rhs, Value firstColumn, Value sums) {
  b.notePipeline(tile.stages);
  units.emplace(b, element, block.dynamicShared);
  Copies copies = prepareCopies(block, lhs, sourceRow, count, rhs, firstColumn);
  Fragments fragments = prepareFragments(block);
  // A loop of its own for every number of slices: the only rows that a tile
  // lacks and multiplies are those of its last slice.
  SmallVector<int64_t> numbers =
      llvm::to_vector(llvm::seq<int64_t>(1, tile.rows / kSlice));
  auto branch = scf::IndexSwitchOp::create(
      b, TypeRange(), b.ceilDiv(count, kSlice), numbers, numbers.size());
  numbers.push_back(tile.rows / kSlice);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Region *> regions;
  for (Region &region : branch.getCaseRegions())
    regions.push_back(&region);
  regions.push_back(&branch.getDefaultRegion());
  for (auto [number, region] : llvm::zip_equal(numbers, regions)) {
    b.setInsertionPointToStart(&region->emplaceBlock());
    runSlices(number, copies, fragments, sums);
    scf::YieldOp::create(b);
  }
}
