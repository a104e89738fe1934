//===- Route.cpp - From token states to the plan in one kernel ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block scores 32 tokens, compares, and writes their gates and mask words. It
// adds what it selected to the experts' loads; the last block to do so has them
// all, and makes offsets of them. Sums of integers do not depend on the order.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "ScoreTile.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

namespace {
/// Where the blocks of a launch meet: memory of E + 1 words, zero at first.
struct Meeting {
  Value memory, experts;

  Value load(KernelBuilder &b, Value expert) const {
    return b.load(memory, expert);
  }
  /// Adds to an expert's load.
  void add(KernelBuilder &b, Value expert, Value count) const {
    atomicAdd(b, expert, count);
  }
  /// How many blocks arrived before. If all others did, what they did before is
  /// seen from here on.
  Value arrive(KernelBuilder &b) const {
    // The back end gives an atomic no ordering of its own.
    auto fence = [&] {
      LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, kDevice);
    };
    fence();
    Value before = atomicAdd(b, experts, b.i32(1));
    fence();
    return before;
  }

private:
  static constexpr StringLiteral kDevice = "device";

  Value atomicAdd(KernelBuilder &b, Value word, Value count) const {
    Value bytes = arith::IndexCastOp::create(b, b.getI64Type(), b.mul(word, 4));
    Value address = b.add(b.addressOf(memory), bytes);
    return LLVM::AtomicRMWOp::create(
        b, LLVM::AtomicBinOp::add,
        b.pointerTo(address, NVVM::NVVMMemorySpace::Global), count,
        LLVM::AtomicOrdering::monotonic, kDevice);
  }
};
} // namespace

/// Gates and mask words, by threads that have an expert each and some of the
/// tokens. `parts` is shared memory, a word a thread.
static void selectPairs(RouteOp op, KernelBuilder &b, ScoreTile &tile,
                        const BlockInfo &block, Value firstExpert, Value parts,
                        const Meeting &meeting) {
  auto routing = cast<PairRoutingAttrInterface>(op.getRouting());
  Value firstToken = b.mul(block.x, kTokensPerWord);
  Value end = b.min(b.sub(b.dim(op.getGates(), 0), firstToken),
                    b.index(ScoreTile::kRows));
  Value column = tile.column(block), expert = b.add(firstExpert, column);
  Value isExpert = b.less(expert, meeting.experts), none = b.i32(0);
  Value word = b.whenElse(
      isExpert,
      [&]() -> Value {
        auto perExpert = [&](Value operand) {
          return operand ? b.load(operand, expert) : Value();
        };
        Value theta = perExpert(op.getTheta()), bias = perExpert(op.getBias());
        return b.loopBy(
            tile.parts(), tile.part(block), end, none,
            [&](Value row, ValueRange word) -> Values {
              Value score = tile.load(row, column);
              Value isTaken = routing.emitSelected(b, score, theta, bias);
              Value gate = routing.emitGate(b, score);
              b.store(b.select(isTaken, gate, b.f32(0.0)), op.getGates(),
                      {b.add(firstToken, row), expert});
              Value bit = arith::ShLIOp::create(b, b.i32(1), b.toI32(row));
              return {b.add(word[0], b.select(isTaken, bit, none))};
            })[0];
      },
      none);
  b.store(word, parts, block.thread);
  b.barrier();
  b.when(b.both(isExpert, b.less(block.thread, b.index(tile.columns()))), [&] {
    Value all = none;
    for (int64_t i = 0; i < tile.parts(); ++i) {
      Value place = b.add(block.thread, i * tile.columns());
      all = b.add(all, b.load(parts, place));
    }
    b.store(all, op.getMask(), {expert, block.x});
    meeting.add(b, expert, b.popcount(all));
  });
}

/// Offsets of the loads, by one block.
static void sumUpLoads(RouteOp op, KernelBuilder &b, Value thread,
                       int64_t threads, const Meeting &meeting, Value perWarp) {
  Value zero = b.index(0), none = b.i32(0), lane = b.rem(thread, kWarpSize);
  b.when(b.cmp(CmpIPredicate::eq, thread, zero),
         [&] { b.store(none, op.getOffsets(), zero); });
  b.loopBy(threads, zero, meeting.experts, none,
           [&](Value first, ValueRange sum) -> Values {
             Value expert = b.add(first, thread);
             Value isExpert = b.less(expert, meeting.experts);
             Value load = b.whenElse(
                 isExpert, [&] { return meeting.load(b, expert); }, none);
             Value upTo = b.warpScan(load, lane);
             Value ofWarp = b.fromLane(upTo, b.index(kWarpSize - 1));
             KernelBuilder::WarpSums sums =
                 b.scanWarps(ofWarp, thread, threads / kWarpSize, perWarp);
             b.when(isExpert, [&] {
               b.store(b.add(b.add(sum[0], sums.before), upTo), op.getOffsets(),
                       b.add(expert, 1));
             });
             b.barrier();
             return {b.add(sum[0], sums.all)};
           });
}

static void lowerRoute(RouteOp op, KernelBuilder &b) {
  Value words = b.dim(op.getMask(), 1), experts = b.dim(op.getGates(), 1);
  ScoreTile tile(b, op.getX(), op.getRouter(), op.getScore());
  Value across = b.ceilDiv(experts, tile.columns());
  // As many as are launched: without tokens or experts one is.
  auto atLeastOne = [&](Value count) -> Value {
    return arith::MaxUIOp::create(b, count, b.index(1));
  };
  Value blocks = b.mul(atLeastOne(words), atLeastOne(across));
  Value lastBlock = b.toI32(b.sub(blocks, b.index(1)));
  auto memoryType = MemRefType::get(ShapedType::kDynamic, b.getI32Type());
  Meeting meeting{memref::AllocOp::create(b, memoryType, b.add(experts, 1)),
                  experts};
  gpu::MemsetOp::create(b, /*asyncToken=*/Type(), /*asyncDependencies=*/
                        ValueRange(), meeting.memory, b.i32(0));

  SmallVector<MemRefType> shared = tile.sharedTypes();
  shared.push_back(b.sharedType({tile.threads()}, b.getI32Type()));
  b.launch(
      "route", {words, across}, tile.threads(), shared,
      [&](const BlockInfo &block) {
        Value firstExpert = b.mul(block.y, tile.columns());
        Value perThread = block.shared.back(), zero = b.index(0);
        b.when(
            b.both(b.less(block.x, words), b.less(firstExpert, experts)), [&] {
              tile.emit(block, b.mul(block.x, kTokensPerWord), firstExpert);
              selectPairs(op, b, tile, block, firstExpert, perThread, meeting);
            });
        // The block is done before its first thread says so for all.
        b.barrier();
        b.when(b.cmp(CmpIPredicate::eq, block.thread, zero),
               [&] { b.store(meeting.arrive(b), perThread, zero); });
        b.barrier();
        Value arrived = b.load(perThread, zero);
        b.barrier();
        b.when(b.cmp(CmpIPredicate::eq, arrived, lastBlock), [&] {
          sumUpLoads(op, b, block.thread, tile.threads(), meeting, perThread);
        });
      },
      tile.dynamicSharedBytes());
  memref::DeallocOp::create(b, meeting.memory);
}

static bool decidesByPair(RouteOp op) {
  return isa<PairRoutingAttrInterface>(op.getRouting());
}

void et::populateRouteKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<RouteOp>>(patterns.getContext(), lowerRoute,
                                       decidesByPair);
}
