//===- WarpgroupKernel.cpp - The kernel of Hopper's products --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixInstructions.h"
#include "ProductCandidates.h"
#include "WarpgroupProduct.h"
#include "et/Conversion/Epilogue.h"

using namespace mlir;
using namespace mlir::et;

static constexpr int64_t kGroup = WarpgroupStages::kGroup;
static constexpr int64_t kThreads = (1 + WarpgroupStages::kConsumers) * kGroup;
/// Registers a thread of either kind.
static constexpr uint32_t kProducerRegisters = 56, kConsumerRegisters = 224;
/// A block starts with those of an equal share, in eights; a warpgroup that
/// wanted more than what others gave back would wait for ever.
static constexpr int64_t kRegisters = 65536;
static_assert((kProducerRegisters +
               WarpgroupStages::kConsumers * kConsumerRegisters) *
                      kGroup <=
                  kRegisters / kThreads / 8 * 8 * kThreads,
              "setmaxnreg has no more registers to give");

static void emitBlock(MutableArrayRef<WarpgroupProduct> products,
                      KernelBuilder &b, const BlockInfo &block) {
  WarpgroupStages stages(b);
  stages.enterKernel(block);
  b.when(b.cmp(arith::CmpIPredicate::eq, block.thread, b.index(0)),
         [&] { stages.initializeBarriers(); });
  b.barrier();
  WarpgroupProduct::Shared shared = {block.shared[0], Value(), Value()};
  if (block.shared.size() > 1) {
    shared.tokens = block.shared[1];
    shared.perWarp = block.shared[2];
  }
  for (WarpgroupProduct &product : products)
    product.enterKernel(block, shared);

  using Part = function_ref<Value(WarpgroupProduct &, const RowTile &,
                                  Value firstColumn, Value turn)>;
  auto forEachTile = [&](Part part) {
    Value begin = b.index(0);
    WarpgroupProduct::Position position = {block.x, b.i32(0)};
    for (WarpgroupProduct &product : products)
      position = product.forEachTile(
          begin, position,
          [&](const RowTile &rows, Value firstColumn, Value turn) {
            return part(product, rows, firstColumn, turn);
          });
  };
  // The same for a warp, which only a shuffle tells the back end.
  Value group =
      b.toIndex(b.fromLane(b.toI32(b.div(block.thread, kGroup)), b.index(0)));
  Value thread = b.rem(block.thread, kGroup);
  auto branch =
      scf::IfOp::create(b, b.cmp(arith::CmpIPredicate::eq, group, b.index(0)),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  NVVM::SetMaxRegisterOp::create(b, kProducerRegisters,
                                 NVVM::SetMaxRegisterAction::decrease);
  b.forGroup(b.i32(1), kGroup, [&] {
    forEachTile([&](WarpgroupProduct &product, const RowTile &rows,
                    Value firstColumn, Value turn) {
      return product.fetch(thread, rows, firstColumn, turn);
    });
  });
  b.setInsertionPoint(branch.elseYield());
  NVVM::SetMaxRegisterOp::create(b, kConsumerRegisters,
                                 NVVM::SetMaxRegisterAction::increase);
  Value consumer = b.sub(group, b.index(1));
  b.forGroup(b.add(b.toI32(group), 1), kGroup, [&] {
    forEachTile([&](WarpgroupProduct &product, const RowTile &rows,
                    Value firstColumn, Value turn) {
      return product.multiply(thread, consumer, rows, firstColumn, turn);
    });
  });
}

namespace {
/// A block a multiprocessor, which takes tiles in turn.
class WarpgroupCandidate : public ProductCandidate {
public:
  StringRef getName() const override { return "wgmma"; }
  bool isOfOneChip() const override { return true; }

  std::string whyNot(GroupedMatmulOp op, StringRef chip) const override {
    if (!findInstruction(op, chip))
      return "it is for rows of f16 and bf16 on sm_90a alone";
    if (WarpgroupProduct::applies(op))
      return "";
    return op.getScales()
               ? "rows are not contiguous, or K is no known multiple of 8, or "
                 "N of 16"
               : "rows are not contiguous, or the widths K and N not known "
                 "multiples of 8";
  }

  double getFlops(GroupedMatmulOp op, StringRef chip) const override {
    return getChipFigures(chip).matrixFlops * findInstruction(op, chip)->rate;
  }

  bool canJoin(GroupedMatmulOp one, GroupedMatmulOp other,
               KernelBuilder &) const override {
    return !one.getGate() == !other.getGate();
  }

  void launch(ArrayRef<GroupedMatmulOp> ops, KernelBuilder &b,
              const KernelDevices &devices) const override;

private:
  static const MatrixInstruction *findInstruction(GroupedMatmulOp op,
                                                  StringRef chip) {
    Type element = cast<MemRefType>(op.getLhs().getType()).getElementType();
    MatrixInstructionQuery query = {element, /*isAsynchronous=*/true};
    // Those of bytes are widened on their way through registers.
    if (op.getScales())
      query.lhs = MatrixInstruction::Registers;
    return findMatrixInstruction(query, chip);
  }
};
} // namespace

void WarpgroupCandidate::launch(ArrayRef<GroupedMatmulOp> ops, KernelBuilder &b,
                                const KernelDevices &devices) const {
  Value processors = devices.processors;
  SmallVector<WarpgroupProduct, 2> products;
  Value tiles = b.index(0);
  for (GroupedMatmulOp op : ops) {
    products.emplace_back(op, b);
    tiles = b.add(tiles, products.back().countTiles(b.dim(op.getOut(), 0)));
  }
  SmallVector<MemRefType> shared = {products.front().sumsType()};
  if (llvm::any_of(ops, [](GroupedMatmulOp op) { return op.getMask(); })) {
    shared.push_back(b.sharedType({WarpgroupStages::kTokens}, b.getI32Type()));
    shared.push_back(b.sharedType({kGroup / kWarpSize}, b.getI32Type()));
  }
  Value isHopper = b.cmp(arith::CmpIPredicate::ne, processors, b.index(0));
  gpu::LaunchOp launch = b.launch(
      "grouped_matmul_sm90" + Epilogue(ops.front()).getSuffix(),
      b.min(tiles, processors), kThreads, shared,
      [&](const BlockInfo &block) {
        devices.emitBody(b, [&] { emitBlock(products, b, block); });
      },
      WarpgroupStages::kSharedBytes, isHopper);
  // Left alone, ptxas may not tell with how many registers a block starts, and
  // then moves none.
  launch->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  b.getI32IntegerAttr(1));
}

std::unique_ptr<ProductCandidate> et::makeWarpgroupCandidate() {
  return std::make_unique<WarpgroupCandidate>();
}
