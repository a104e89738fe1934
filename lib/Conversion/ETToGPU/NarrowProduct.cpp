//===- NarrowProduct.cpp - A product with few rows ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stage in shared memory is a slab [depthOfStage, 64 columns] for every
// right-hand side, then a slab [rows, depthOfStage]. Eight rows of a slab whose
// chunks ldmatrix reads together meet all banks: chunk c of a row lies at place
// c ^ f(row), as in MatrixProduct.
//
//===----------------------------------------------------------------------===//

#include "NarrowProduct.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;
using Units = MatrixInstructions;

MemRefType NarrowProduct::sumsType() const {
  // They take the place of the stages.
  return b.sharedType({numRhs, maxGroups * kGroup, kColumns + kSumsPadding},
                      b.getF32Type());
}

Value NarrowProduct::placeInRhs(Value row, Value chunk) {
  Value turned = b.bitXor(chunk, b.rem(row, 8));
  return b.add(b.mul(row, kRhsRowBytes), b.mul(turned, Units::kChunkBytes));
}

Value NarrowProduct::placeInRows(Value row, Value chunk) {
  // As many rows as fill the banks have the same turn.
  int64_t chunks = rowBytes() / Units::kChunkBytes;
  Value turn = b.rem(b.div(row, 8 / chunks), chunks);
  Value turned = b.bitXor(chunk, turn);
  return b.add(b.mul(row, rowBytes()), b.mul(turned, Units::kChunkBytes));
}

/// What a thread copies into a stage: chunks of one slab, some rows apart.
struct NarrowProduct::Copies {
  struct Chunk {
    /// The address in step 0, an i64; whether it exists, null if it does.
    Value source, isThere;
    /// The depth in step 0, null if every step's exists.
    Value depth;
  };
  SmallVector<Chunk> chunks;
  /// From one step's chunk to the next one's, in bytes: an i64.
  Value stepBytes;
  /// Where the first chunk goes, and how far apart they go.
  Value target;
  int64_t targetStep = 0;
  /// Whether the thread copies anything, null if it does.
  Value copies;
};

static Value toI64(KernelBuilder &b, Value value) {
  return arith::IndexCastOp::create(b, b.getI64Type(), value);
}

NarrowProduct::Copies NarrowProduct::prepareRhs(Value thread,
                                                const Operands &operands) {
  // Neighboring threads copy neighboring chunks of a row. Rows of a thread are
  // a multiple of eight apart, so that they swizzle alike.
  constexpr int64_t chunks = kRhsRowBytes / Units::kChunkBytes;
  constexpr int64_t rows = kThreads / chunks;
  Value row = b.div(thread, chunks), chunk = b.rem(thread, chunks);
  Value column = b.add(operands.firstColumn, b.mul(chunk, Units::kChunk));
  Copies copies;
  copies.target = b.toI32(placeInRhs(row, chunk));
  copies.targetStep = rows * kRhsRowBytes;
  copies.stepBytes = toI64(b, b.mul(operands.width, depthOfStage * 2));
  Value inWidth = operands.isWhole ? Value() : b.less(column, operands.width);
  for (Value matrix : operands.rhs)
    for (int64_t i = 0; i < depthOfStage / rows; ++i) {
      Value k = b.add(row, i * rows);
      Value element = b.add(b.mul(k, operands.width), column);
      copies.chunks.push_back({b.add(matrix, toI64(b, b.mul(element, 2))),
                               inWidth, operands.isWhole ? Value() : k});
    }
  return copies;
}

NarrowProduct::Copies NarrowProduct::prepareRows(Value thread,
                                                 const Operands &operands,
                                                 int64_t groups) {
  int64_t chunks = rowBytes() / Units::kChunkBytes;
  int64_t rows = kThreads / chunks, tileRows = groups * kGroup;
  Value row = b.div(thread, chunks), chunk = b.rem(thread, chunks);
  Value k = b.mul(chunk, Units::kChunk);
  Value lastRow = b.sub(operands.count, b.index(1));
  Copies copies;
  copies.target = b.add(b.toI32(placeInRows(row, chunk)),
                        b.i32(static_cast<int32_t>(numRhs * rhsBytes())));
  copies.targetStep = rows * rowBytes();
  copies.stepBytes = b.i64(rowBytes());
  if (tileRows < rows)
    copies.copies = b.less(row, b.index(tileRows));
  for (int64_t first = 0; first < tileRows; first += rows) {
    Value source = b.add(row, first);
    Value address = operands.rowAddress(b.min(source, lastRow));
    copies.chunks.push_back({b.add(address, toI64(b, b.mul(k, 2))),
                             b.less(source, operands.count),
                             operands.isWhole ? Value() : k});
  }
  return copies;
}

void NarrowProduct::emitCopies(MatrixInstructions &units, const Copies &copies,
                               const Operands &operands, Value step,
                               Value stage) {
  auto emit = [&] {
    Value moved = b.mul(toI64(b, step), copies.stepBytes);
    Value firstDepth = b.mul(step, depthOfStage);
    for (auto [i, chunk] : llvm::enumerate(copies.chunks)) {
      Value isThere = chunk.isThere;
      if (chunk.depth) {
        Value inDepth = b.less(b.add(firstDepth, chunk.depth), operands.depth);
        isThere = isThere ? b.both(isThere, inDepth) : inDepth;
      }
      units.copy(b.add(chunk.source, moved),
                 {b.add(stage, copies.target),
                  static_cast<int64_t>(i) * copies.targetStep},
                 isThere);
    }
  };
  if (copies.copies)
    b.when(copies.copies, emit);
  else
    emit();
}

Values NarrowProduct::multiplyStage(MatrixInstructions &units,
                                    const Fragments &fragments, int64_t groups,
                                    Value stage, ValueRange accumulators) {
  constexpr int64_t perLoad = 2;
  int64_t groupBytes = kGroup * rowBytes();
  Values sums(accumulators);
  for (auto [half, place] : llvm::enumerate(fragments.rows)) {
    // Of each group of rows, two steps of depth.
    SmallVector<SmallVector<Value>> narrow;
    for (int64_t group = 0; group < groups; ++group)
      narrow.push_back(units.load({b.add(stage, place), group * groupBytes},
                                  NVVM::MMALayout::row));
    for (int64_t i = 0; i < perLoad; ++i) {
      int64_t step = half * perLoad + i;
      for (int64_t product = 0; product < numRhs; ++product) {
        Units::Place wide = {b.add(stage, fragments.rhs),
                             product * rhsBytes() +
                                 step * Units::kStep * kRhsRowBytes};
        SmallVector<Value> left = units.load(wide, NVVM::MMALayout::col);
        for (int64_t group = 0; group < groups; ++group) {
          size_t first = (product * groups + group) * Units::kAccumulators;
          MutableArrayRef<Value> target =
              MutableArrayRef(sums).slice(first, Units::kAccumulators);
          llvm::copy(units.multiply(left,
                                    ArrayRef(narrow[group]).slice(2 * i, 2),
                                    ValueRange(ArrayRef<Value>(target))),
                     target.begin());
        }
      }
    }
  }
  return sums;
}

void NarrowProduct::runGroups(Value thread, Value shared,
                              const Operands &operands, int64_t groups,
                              Value sums) {
  MatrixInstructions units(b, element, shared);
  Copies rhs = prepareRhs(thread, operands);
  Value steps = b.ceilDiv(operands.depth, depthOfStage);
  int64_t stages = kSharedBytes / stageBytes(groups);
  b.notePipeline(stages);
  auto stageAt = [&](int64_t stage) {
    return b.i32(static_cast<int32_t>(stage * stageBytes(groups)));
  };
  auto stageAfter = [&](Value stage) {
    Value next = b.add(stage, stageBytes(groups));
    Value isLast = b.cmp(arith::CmpIPredicate::eq, next, stageAt(stages));
    return b.select(isLast, stageAt(0), next);
  };
  auto isStep = [&](int64_t step) { return b.less(b.index(step), steps); };
  // The right-hand sides are under way while the rows are waited for.
  for (int64_t stage = 0; stage < stages - 1; ++stage)
    b.when(isStep(stage), [&] {
      emitCopies(units, rhs, operands, b.index(stage), stageAt(stage));
    });
  if (operands.beforeRows)
    operands.beforeRows();
  Copies rows = prepareRows(thread, operands, groups);
  // Every thread closes a group a step, so that the groups can be counted.
  for (int64_t stage = 0; stage < stages - 1; ++stage) {
    b.when(isStep(stage), [&] {
      emitCopies(units, rows, operands, b.index(stage), stageAt(stage));
    });
    NVVM::CpAsyncCommitGroupOp::create(b);
  }

  // The right-hand side's columns are the rows of the instruction's left
  // operand, so its matrices are loaded transposed.
  Value lane = b.rem(thread, kWarpSize), warp = b.div(thread, kWarpSize);
  Fragments fragments;
  Value depth = b.add(b.mul(b.div(lane, 16), 8), b.rem(lane, 8));
  Value chunk = b.add(b.mul(warp, 2), b.rem(b.div(lane, 8), 2));
  fragments.rhs = b.toI32(placeInRhs(depth, chunk));
  for (int64_t half = 0; half < depthOfStage / (2 * Units::kStep); ++half) {
    Value place = placeInRows(b.rem(lane, 8), b.add(b.div(lane, 8), half * 4));
    fragments.rows.push_back(b.add(
        b.toI32(place), b.i32(static_cast<int32_t>(numRhs * rhsBytes()))));
  }

  // Carried: the stage to multiply, the stage to fill, the accumulators.
  Values inits(2 + numRhs * groups * Units::kAccumulators, b.f32(0.0));
  inits[0] = stageAt(0);
  inits[1] = stageAt(stages - 1);
  Values last = b.pipelineLoop(
      steps, inits, [&](Value step, ValueRange carried) -> Values {
        NVVM::CpAsyncWaitGroupOp::create(b, stages - 2);
        // Past it, everyone's part of this stage is there, and no one
        // reads the stage before it, which is filled next.
        b.barrier();
        Value next = b.add(step, stages - 1);
        b.when(b.less(next, steps), [&] {
          emitCopies(units, rhs, operands, next, carried[1]);
          emitCopies(units, rows, operands, next, carried[1]);
        });
        NVVM::CpAsyncCommitGroupOp::create(b);
        Values result = {stageAfter(carried[0]), stageAfter(carried[1])};
        result.append(multiplyStage(units, fragments, groups, carried[0],
                                    carried.drop_front(2)));
        return result;
      });
  NVVM::CpAsyncWaitGroupOp::create(b, 0);
  b.barrier();

  // An instruction leaves a column's sums of two neighboring rows in a lane,
  // and those of the eighth column after it.
  Value row = b.mul(b.rem(lane, 4), 2);
  Value column = b.div(lane, 4);
  Value place =
      b.add(b.mul(warp, Units::kSlice / 2),
            b.add(b.rem(column, 4), b.mul(b.div(column, 4), kSplitAt)));
  ArrayRef<Value> rest = ArrayRef<Value>(last).drop_front(2);
  for (int64_t product = 0; product < numRhs; ++product)
    for (int64_t group = 0; group < groups; ++group)
      for (int64_t i = 0; i < Units::kAccumulators; ++i) {
        b.store(rest.front(), sums,
                {b.index(product), b.add(row, group * kGroup + i % 2),
                 b.add(place, i / 2 * 4)});
        rest = rest.drop_front();
      }
}

Value NarrowProduct::run(Value thread, Value shared, const Operands &operands) {
  Value sums =
      memref::ViewOp::create(b, sumsType(), shared, b.index(0), ValueRange());
  // A loop of its own for every number of groups, halving.
  std::function<void(int64_t)> dispatch = [&](int64_t groups) {
    if (groups == 1)
      return runGroups(thread, shared, operands, groups, sums);
    Value isLess = b.cmp(arith::CmpIPredicate::ule, operands.count,
                         b.index(groups / 2 * kGroup));
    auto branch = scf::IfOp::create(b, isLess, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    dispatch(groups / 2);
    b.setInsertionPoint(branch.elseYield());
    runGroups(thread, shared, operands, groups, sums);
  };
  dispatch(maxGroups);
  b.barrier();
  return sums;
}
