//===- KernelLaunches.cpp - What a module's launches run ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/KernelLaunches.h"

#include "et/Conversion/ETToGPU/OneLaunch.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::et;

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

namespace {
/// Sums an op's work. One unknown size makes all of it unknown.
class WorkCounter {
public:
  explicit WorkCounter(LayerSize size) : size(size) {}

  /// An array whose first size is `rows` if it is not static.
  void move(Value array, double rows) {
    if (!array)
      return;
    auto type = cast<ShapedType>(array.getType());
    if (type.getRank() && !type.isDynamicDim(0))
      rows = static_cast<double>(type.getDimSize(0));
    moveRows(array, type.getRank() ? rows : 1);
  }
  /// So many rows of an array.
  void moveRows(Value array, double rows) {
    if (!array)
      return;
    auto type = cast<ShapedType>(array.getType());
    double elements = rows;
    for (int64_t i = 1; i < type.getRank(); ++i)
      elements *= known(type.getDimSize(i));
    work.bytes += elements * type.getElementTypeBitWidth() / 8;
  }
  /// A mask, of which a bit is a pair of a token and an expert.
  void moveMask(Value mask) {
    if (mask)
      work.bytes += known(cast<ShapedType>(mask.getType()).getDimSize(0)) *
                    std::ceil(size.tokens / 32) * 4;
  }
  /// The part of the experts that `rows` rows reach.
  void moveReached(Value array, double rows) {
    if (!array)
      return;
    double experts = known(cast<ShapedType>(array.getType()).getDimSize(0));
    moveRows(array, experts * (1 - std::pow(1 - 1 / experts, rows)));
  }
  /// Hidden units of `rows` rows, written and read, in the type of the weights
  /// that make them.
  void moveHidden(Value weights, double rows) {
    auto type = cast<ShapedType>(weights.getType());
    work.bytes += 2 * rows * known(type.getShape().back()) *
                  type.getElementTypeBitWidth() / 8;
  }
  /// `rows` rows of an [E, K, N] of weights, in the experts that they reach.
  void multiply(Value weights, double rows) {
    if (!weights)
      return;
    auto type = cast<ShapedType>(weights.getType());
    if (type.getRank() == 3)
      moveReached(weights, rows);
    else
      moveRows(weights, known(type.getDimSize(0)));
    work.flops += 2 * rows * known(type.getDimSize(type.getRank() - 2)) *
                  known(type.getDimSize(type.getRank() - 1));
  }

  std::optional<KernelWork> get() const {
    return isKnown ? std::optional(work) : std::nullopt;
  }

  const LayerSize size;

private:
  double known(int64_t extent) {
    isKnown &= !ShapedType::isDynamic(extent);
    return static_cast<double>(extent);
  }

  KernelWork work;
  bool isKnown = true;
};
} // namespace

static void countProduct(GroupedMatmulOp op, WorkCounter &counter) {
  bool isRouted = op.getOffsets() != nullptr;
  double rows = isRouted ? counter.size.pairs : counter.size.tokens;
  bool isGathered = op.getTokens() || op.getMask();
  counter.moveRows(op.getLhs(),
                   isGathered ? std::min(rows, counter.size.tokens) : rows);
  counter.multiply(op.getRhs(), rows);
  counter.multiply(op.getGate(), rows);
  for (Value scales : {op.getScales(), op.getGateScales()})
    counter.moveReached(scales, rows);
  counter.moveMask(op.getMask());
  counter.moveRows(op.getOut(), rows);
}

/// What a layer in one launch moves: its arguments, and hidden units, which are
/// written and read.
static void countLayer(MoeOp op, WorkCounter &counter) {
  auto [tokens, pairs] = counter.size;
  counter.move(op.getX(), tokens);
  counter.move(op.getTheta(), 0);
  for (Value bias : {op.getB1(), op.getGateBias(), op.getB2()})
    counter.moveReached(bias, pairs);
  counter.moveHidden(op.getW1(), pairs);
  if (op.getSharedW1())
    counter.moveHidden(op.getSharedW1(), tokens);
  counter.multiply(op.getRouter(), tokens);
  counter.multiply(op.getW1(), pairs);
  counter.multiply(op.getGate(), pairs);
  counter.multiply(op.getW2(), pairs);
  counter.multiply(op.getSharedW1(), tokens);
  counter.multiply(op.getSharedGate(), tokens);
  counter.multiply(op.getSharedW2(), tokens);
  counter.move(op.getOut(), tokens);
}

std::optional<KernelWork> et::estimateWork(Operation *op, LayerSize size) {
  WorkCounter counter(size);
  auto [tokens, pairs] = size;
  if (auto product = dyn_cast<GroupedMatmulOp>(op)) {
    if (product.getPanels())
      return std::nullopt;
    countProduct(product, counter);
  } else if (auto layer = dyn_cast<MoeOp>(op)) {
    countLayer(layer, counter);
  } else if (auto route = dyn_cast<RouteOp>(op)) {
    counter.move(route.getX(), tokens);
    counter.multiply(route.getRouter(), tokens);
    counter.move(route.getTheta(), 0);
    counter.moveMask(route.getMask());
    counter.move(route.getGates(), tokens);
    counter.move(route.getOffsets(), 0);
  } else if (auto scores = dyn_cast<ScoresOp>(op)) {
    counter.move(scores.getX(), tokens);
    counter.multiply(scores.getRouter(), tokens);
    counter.move(scores.getOut(), tokens);
  } else if (auto combine = dyn_cast<CombineOp>(op)) {
    counter.moveRows(combine.getPairs(), pairs);
    counter.move(combine.getGates(), tokens);
    counter.moveMask(combine.getMask());
    counter.move(combine.getOut(), tokens);
  } else {
    return std::nullopt;
  }
  return counter.get();
}

//===----------------------------------------------------------------------===//
// Recording
//===----------------------------------------------------------------------===//

/// The numbers that locations of ops carry, of all that `location` is made of.
static void collectNumbers(Location location, SmallVectorImpl<int64_t> &all) {
  location->walk([&](Location part) {
    if (auto fused = dyn_cast<FusedLocWith<IntegerAttr>>(part))
      if (!llvm::is_contained(all, fused.getMetadata().getInt()))
        all.push_back(fused.getMetadata().getInt());
    return WalkResult::advance();
  });
}

/// Whether the op runs for so many tokens: a layer's branch for few tokens may
/// decide on that.
static bool runsFor(Operation *op, double tokens) {
  for (auto branch = op->getParentOfType<scf::IfOp>(); branch;
       branch = branch->getParentOfType<scf::IfOp>()) {
    bool isInThen = branch.getThenRegion().isAncestor(op->getParentRegion());
    for (MoeOp layer : branch.thenBlock()->getOps<MoeOp>())
      if (std::optional<int64_t> limit = limitOfBranch(layer))
        if (isInThen != (tokens <= static_cast<double>(*limit)))
          return false;
  }
  return true;
}

void LaunchRecorder::runBeforePass(Pass *pass, Operation *op) {
  if (pass->getArgument() != "convert-et-to-gpu")
    return;
  std::lock_guard<std::mutex> lock(mutex);
  op->walk([&](Operation *inner) {
    if (!isa_and_present<ETDialect>(inner->getDialect()))
      return;
    Builder b(inner->getContext());
    inner->setLoc(
        b.getFusedLoc(inner->getLoc(),
                      b.getI64IntegerAttr(static_cast<int64_t>(works.size()))));
    works.push_back(runsFor(inner, size.tokens) ? estimateWork(inner, size)
                                                : std::nullopt);
  });
}

void LaunchRecorder::runAfterPass(Pass *pass, Operation *op) {
  if (pass->getArgument() != "gpu-kernel-outlining")
    return;
  std::lock_guard<std::mutex> lock(mutex);
  SymbolTableCollection symbols;
  op->walk([&](gpu::LaunchFuncOp launch) {
    KernelLaunch facts;
    facts.kernel = launch.getKernelName().str();
    facts.threads = 1;
    for (Value size : {launch.getBlockSizeX(), launch.getBlockSizeY(),
                       launch.getBlockSizeZ()}) {
      APInt threads;
      facts.threads *= matchPattern(size, m_ConstantInt(&threads))
                           ? threads.getSExtValue()
                           : 0;
    }
    APInt bytes;
    if (Value shared = launch.getDynamicSharedMemorySize())
      if (matchPattern(shared, m_ConstantInt(&bytes)))
        facts.dynamicSharedBytes = bytes.getSExtValue();
    SmallVector<int64_t> numbers;
    if (auto *kernel =
            symbols.lookupNearestSymbolFrom(op, launch.getKernelAttr()))
      collectNumbers(kernel->getLoc(), numbers);
    for (int64_t number : numbers) {
      const std::optional<KernelWork> &work = works[number];
      if (!work) {
        facts.work = std::nullopt;
        break;
      }
      if (!facts.work)
        facts.work = KernelWork();
      facts.work->flops += work->flops;
      facts.work->bytes += work->bytes;
    }
    launches.push_back(std::move(facts));
  });
}
