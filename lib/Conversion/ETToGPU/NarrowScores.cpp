//===- NarrowScores.cpp - Scores of few tokens, by a block ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stage in shared memory is a slab of x [tokens, kDepth] and one of the
// router [kDepth, kExperts]. By the matrix units, a warp takes 16 tokens and 8
// experts; cosines, which need the operands' norms as well, are summed up by
// threads that have an expert and every eighth token each.
//
//===----------------------------------------------------------------------===//

#include "NarrowScores.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;
using Units = MatrixInstructions;

/// Tokens of a thread are as many apart.
static constexpr int64_t kThreadTokens =
    NarrowScores::kThreads / NarrowScores::kExperts;

MemRefType NarrowScores::scoresType() const {
  // Sums are stored of eight tokens and every other expert by the matrix units,
  // of two tokens and every expert by threads. The padding lets them meet all
  // banks.
  return b.sharedType({kExperts, tokens() + (isCosine ? 2 : 4)},
                      b.getF32Type());
}

Value NarrowScores::placeInX(Value row, Value chunk) {
  Value turned = b.bitXor(chunk, b.rem(row, 8));
  return b.add(b.mul(row, kRowBytes), b.mul(turned, Units::kChunkBytes));
}

Value NarrowScores::placeInRouter(Value row, Value chunk) {
  // Four rows are as long as all banks.
  Value turned = b.bitXor(chunk, b.rem(b.div(row, 4), 2));
  return b.add(b.mul(row, kRouterBytes), b.mul(turned, Units::kChunkBytes));
}

void NarrowScores::emitCopies(MatrixInstructions &units, Value thread,
                              Value firstExpert, Value step, Value stage) {
  Value count = b.dim(x, 0), depth = b.dim(x, 1), experts = b.dim(router, 1);
  Value firstDepth = b.mul(step, kDepth);
  auto addressOf = [&](Value memref, Value row, Value width, Value column) {
    Value element = b.add(b.mul(row, width), column);
    Value bytes =
        arith::IndexCastOp::create(b, b.getI64Type(), b.mul(element, 2));
    return b.add(b.addressOf(memref), bytes);
  };
  constexpr int64_t chunks = kRowBytes / Units::kChunkBytes;
  constexpr int64_t rows = kThreads / chunks;
  Value token = b.div(thread, chunks), chunk = b.rem(thread, chunks);
  Value k = b.add(firstDepth, b.mul(chunk, Units::kChunk));
  Value target = b.add(stage, b.toI32(placeInX(token, chunk)));
  for (int64_t first = 0; first < tokens(); first += rows) {
    Value row = b.add(token, first);
    units.copy(addressOf(x, row, depth, k), {target, first * kRowBytes},
               b.both(b.less(row, count), b.less(k, depth)));
  }
  constexpr int64_t routerChunks = kRouterBytes / Units::kChunkBytes;
  static_assert(kThreads == kDepth * routerChunks, "a chunk a thread");
  Value row = b.div(thread, routerChunks), part = b.rem(thread, routerChunks);
  Value inDepth = b.add(firstDepth, row);
  Value expert = b.add(firstExpert, b.mul(part, Units::kChunk));
  units.copy(addressOf(router, inDepth, experts, expert),
             {b.add(stage, b.toI32(placeInRouter(row, part))), xBytes()},
             b.both(b.less(expert, experts), b.less(inDepth, depth)));
}

Values NarrowScores::multiplyByUnits(MatrixInstructions &units, Value thread,
                                     Value stage, ValueRange sums) {
  Value lane = b.rem(thread, kWarpSize), warp = b.div(thread, kWarpSize);
  Value slice = b.rem(b.div(warp, 2), slices), narrow = b.rem(warp, 2);
  Value row = b.add(b.rem(lane, 16), b.mul(slice, Units::kSlice));
  Value routerPlace = b.add(stage, b.toI32(placeInRouter(lane, narrow)));
  Values result(sums);
  SmallVector<Value> right;
  for (int64_t step = 0; step < kDepth / Units::kStep; ++step) {
    if (step % 2 == 0)
      right = units.load({routerPlace, xBytes() + step / 2 * 32 * kRouterBytes},
                         NVVM::MMALayout::col);
    Value chunk = b.add(b.div(lane, 16), 2 * step);
    SmallVector<Value> left = units.load(
        {b.add(stage, b.toI32(placeInX(row, chunk))), 0}, NVVM::MMALayout::row);
    result = units.multiply(left, ArrayRef(right).slice(step % 2 * 2, 2),
                            ValueRange(ArrayRef<Value>(result)));
  }
  return result;
}

Values NarrowScores::multiplyByThreads(Value thread, Value shared, Value stage,
                                       ValueRange sums) {
  auto type = b.sharedType({kSharedBytes / 2}, element);
  Value memory =
      memref::ViewOp::create(b, type, shared, b.index(0), ValueRange());
  Value expert = b.rem(thread, kExperts), token = b.div(thread, kExperts);
  Value start = b.toIndex(stage);
  auto elementAt = [&](Value place) { return b.div(b.add(start, place), 2); };
  int64_t tokensOfThread = tokens() / kThreadTokens;
  return b.loopBy(
      1, b.index(0), b.index(kDepth / Units::kChunk), sums,
      [&](Value chunk, ValueRange carried) -> Values {
        Values result(carried);
        SmallVector<Values> left;
        for (int64_t i = 0; i < tokensOfThread; ++i) {
          Value row = b.add(token, i * kThreadTokens);
          left.push_back(b.loadElements(memory, elementAt(placeInX(row, chunk)),
                                        Units::kChunk));
        }
        for (int64_t i = 0; i < Units::kChunk; ++i) {
          Value row = b.add(b.mul(chunk, Units::kChunk), i);
          Value place =
              b.add(placeInRouter(row, b.div(expert, Units::kChunk)), xBytes());
          Value right = b.load(
              memory, b.add(elementAt(place), b.rem(expert, Units::kChunk)));
          result.front() = b.fma(right, right, result.front());
          for (int64_t j = 0; j < tokensOfThread; ++j) {
            Value &product = result[1 + 2 * j], &square = result[2 + 2 * j];
            product = b.fma(left[j][i], right, product);
            square = b.fma(left[j][i], left[j][i], square);
          }
        }
        return result;
      });
}

void NarrowScores::storeSums(Value thread, ValueRange sums, Value scores) {
  if (isCosine) {
    auto norm = [&](Value squares) -> Value {
      return arith::MaximumFOp::create(b, math::SqrtOp::create(b, squares),
                                       b.f32(1e-12));
    };
    Value expert = b.rem(thread, kExperts), token = b.div(thread, kExperts);
    for (int64_t i = 0; i < tokens() / kThreadTokens; ++i) {
      Value norms = b.mul(norm(sums[2 + 2 * i]), norm(sums[0]));
      b.store(b.div(sums[1 + 2 * i], norms), scores,
              {expert, b.add(token, i * kThreadTokens)});
    }
    return;
  }
  Value lane = b.rem(thread, kWarpSize), warp = b.div(thread, kWarpSize);
  Value slice = b.div(warp, 2), narrow = b.rem(warp, 2);
  b.when(b.less(slice, b.index(slices)), [&] {
    Value token = b.add(b.mul(slice, Units::kSlice), b.div(lane, 4));
    Value expert =
        b.add(b.mul(narrow, Units::kNarrow), b.mul(b.rem(lane, 4), 2));
    for (int64_t i = 0; i < Units::kAccumulators; ++i)
      b.store(sums[i], scores, {b.add(expert, i % 2), b.add(token, i / 2 * 8)});
  });
}

Value NarrowScores::run(Value thread, Value shared, Value firstExpert) {
  b.notePipeline(stages());
  MatrixInstructions units(b, element, shared);
  Value steps = b.ceilDiv(b.dim(x, 1), kDepth);
  auto stageAt = [&](int64_t stage) {
    return b.i32(static_cast<int32_t>(stage * stageBytes()));
  };
  auto stageAfter = [&](Value stage) {
    Value next = b.add(stage, stageBytes());
    Value isLast = b.cmp(arith::CmpIPredicate::eq, next, stageAt(stages()));
    return b.select(isLast, stageAt(0), next);
  };
  auto copyStep = [&](Value step, Value stage) {
    b.when(b.less(step, steps),
           [&] { emitCopies(units, thread, firstExpert, step, stage); });
    // Every thread closes a group a step, so that the groups can be counted.
    NVVM::CpAsyncCommitGroupOp::create(b);
  };
  for (int64_t stage = 0; stage < stages() - 1; ++stage)
    copyStep(b.index(stage), stageAt(stage));
  int64_t numSums =
      isCosine ? 1 + 2 * tokens() / kThreadTokens : Units::kAccumulators;
  // Carried: the stage to multiply, the stage to fill, the sums.
  Values inits(2 + numSums, b.f32(0.0));
  inits[0] = stageAt(0);
  inits[1] = stageAt(stages() - 1);
  Values last = b.pipelineLoop(
      steps, inits, [&](Value step, ValueRange carried) -> Values {
        NVVM::CpAsyncWaitGroupOp::create(b, stages() - 2);
        b.barrier();
        copyStep(b.add(step, stages() - 1), carried[1]);
        Values result = {stageAfter(carried[0]), stageAfter(carried[1])};
        ValueRange sums = carried.drop_front(2);
        result.append(isCosine
                          ? multiplyByThreads(thread, shared, carried[0], sums)
                          : multiplyByUnits(units, thread, carried[0], sums));
        return result;
      });
  NVVM::CpAsyncWaitGroupOp::create(b, 0);
  b.barrier();
  Value scores =
      memref::ViewOp::create(b, scoresType(), shared, b.index(0), ValueRange());
  storeSums(thread, ArrayRef<Value>(last).drop_front(2), scores);
  b.barrier();
  return scores;
}
