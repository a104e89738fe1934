//===- WarpgroupScaled.cpp - Warpgroups and weights of 8 bits -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights go through registers, where wgmma takes its first operand from, so
// they can be widened on the way. They lie with neighboring columns next to
// each other, and an operand wants neighbors in depth: ldmatrix transposes
// pairs of columns, a byte permutation does the rest. It leaves columns 2 i and
// 2 i + 1 of 16 in rows i and i + 8 of the instruction.
//
//===----------------------------------------------------------------------===//

#include "WarpgroupProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

static constexpr int64_t kStep = 16, kChunkBytes = 16;
/// Sums of a thread for eight tokens: of two of them, for each of two columns.
static constexpr size_t kPerNarrow = 4;
/// Bytes of a row of a slab, and rows that a load of four matrices reads.
static constexpr int64_t kSlabRow = WarpgroupStages::kSlabColumns;
static constexpr int64_t kLoadRows = 32;
/// Registers of a product's first operand.
static constexpr int64_t kOperand = 4;

static LLVM::LLVMStructType structOf(KernelBuilder &b, Type type, size_t size) {
  return LLVM::LLVMStructType::getLiteral(b.getContext(),
                                          SmallVector<Type>(size, type));
}

static Values elementsOf(KernelBuilder &b, Value aggregate, size_t size) {
  Values result;
  for (size_t i = 0; i < size; ++i)
    result.push_back(LLVM::ExtractValueOp::create(b, aggregate, i));
  return result;
}

/// Inline PTX whose results are f32.
static Values emitPtx(KernelBuilder &b, size_t results, ValueRange operands,
                      const std::string &code, const std::string &constraints) {
  auto op = LLVM::InlineAsmOp::create(
      b, structOf(b, b.getF32Type(), results), operands, code, constraints,
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  return elementsOf(b, op.getRes(), results);
}

/// "{$first, $(first + 1), ...}"
static std::string listOf(int64_t first, int64_t count) {
  std::string result = "{";
  for (int64_t i = first; i < first + count; ++i)
    result += (i == first ? "$" : ", $") + std::to_string(i);
  return result + "}";
}

SmallVector<WarpgroupProduct::SlabScales>
WarpgroupProduct::loadScales(const Work &work, Value step) {
  WeightBlock block = format.getBlock();
  Value column =
      b.add(work.firstColumn, b.mul(work.consumer, consumerColumns()));
  Value row = b.blockOf(step, block.k / stageDepth());
  auto load = [&](int64_t slab, Value column) {
    return b.load(scales[isGated() ? slab : 0],
                  {work.expert, row, b.blockOf(column, block.n)});
  };
  SmallVector<SlabScales> result;
  for (int64_t slab = 0; slab < kSlabs; ++slab) {
    if (block.sharesColumns(consumerColumns())) {
      // Columns of a consumer start a block, or are part of one.
      if (slab > 0 && !isGated()) {
        result.push_back(result.front());
        continue;
      }
      Value one = load(slab, column);
      result.push_back({one, one});
      continue;
    }
    // The columns of a thread's sums, as writeTile has them.
    Value warp = b.div(work.thread, kWarpSize);
    Value lane = b.rem(work.thread, kWarpSize);
    Value mine =
        b.add(column, b.add(b.mul(warp, 16), b.mul(b.div(lane, 4), 2)));
    if (!isGated())
      mine = b.add(mine, slab * kSlabColumns);
    // Columns past the last one have any.
    Value last = b.sub(b.dim(op.getOut(), 1), b.index(1));
    result.push_back({load(slab, b.min(mine, last)),
                      load(slab, b.min(b.add(mine, 1), last))});
  }
  return result;
}

Values WarpgroupProduct::widenWeights(int64_t slab, const Work &work,
                                      Value turn) {
  // Of the rows of a load, lane l names row l.
  Value warp = b.div(work.thread, kWarpSize);
  Value lane = b.rem(work.thread, kWarpSize);
  Value chunk = b.bitXor(warp, b.rem(b.div(lane, 2), 4));
  Value inSlab =
      b.toI32(b.add(b.mul(lane, kSlabRow), b.mul(chunk, kChunkBytes)));
  Value first = b.add(b.add(offset(turn), inSlab),
                      b.mul(b.toI32(work.consumer), kSlabs * kSlabBytes));
  Values result;
  for (int64_t row = 0; row < stageDepth(); row += kLoadRows) {
    Value matrices = NVVM::LdMatrixOp::create(
        b, structOf(b, b.getI32Type(), 4),
        pointerAt(first, slab * kSlabBytes + row * kSlabRow), uint32_t(4),
        NVVM::MMALayout::col,
        NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
        NVVM::LdStMatrixEltType::B16);
    for (Value loaded : elementsOf(b, matrices, 4)) {
      // Bytes are [depth][column]; an operand has [column][depth].
      Value pairs =
          NVVM::PermuteOp::create(b, b.getI32Type(), loaded, loaded,
                                  b.i32(0x3120), NVVM::PermuteMode::DEFAULT);
      result.append(format.widenRegister(b, pairs, element));
    }
  }
  return result;
}

/// Products of all steps of a stage are one piece of code, so that nothing
/// comes between the fence and them.
Values WarpgroupProduct::issueScaledProducts(int64_t tokens, ValueRange weights,
                                             Value turn) {
  int64_t sums = tokens / 2, operands = static_cast<int64_t>(weights.size());
  std::string type = element.isF16() ? "f16" : "bf16";
  std::string instruction = "wgmma.mma_async.sync.aligned.m64n" +
                            std::to_string(tokens) + "k16.f32." + type + "." +
                            type + " " + listOf(0, sums) + ", ";
  // The first product of a block starts its sums.
  std::string code = "{\n.reg .pred first, later;\n.reg .b64 tokens;\n"
                     "setp.ne.b32 first, 0, 0;\nsetp.eq.b32 later, 0, 0;\n"
                     "wgmma.fence.sync.aligned;\n";
  int64_t perRow = kRowBytes / 2 / kStep;
  for (int64_t step = 0; step < stageDepth() / kStep; ++step) {
    int64_t bytes =
        step / perRow * tileTokens() * kRowBytes + step % perRow * kStep * 2;
    code += "add.s64 tokens, $" + std::to_string(sums + operands) + ", " +
            std::to_string(bytes / 16) + ";\n" + instruction +
            listOf(sums + step * kOperand, kOperand) + ", tokens, " +
            (step == 0 ? "first" : "later") + ", 1, 1, 0;\n";
  }
  code += "wgmma.commit_group.sync.aligned;\n}";
  std::string constraints;
  for (int64_t i = 0; i < sums; ++i)
    constraints += "=&f,";
  for (int64_t i = 0; i < operands; ++i)
    constraints += "r,";
  constraints += "l,~{memory}";
  Values inputs(weights);
  Value place = b.div(b.add(address(turn), kWeightBytes), 16);
  inputs.push_back(b.add(
      Value(arith::ExtUIOp::create(b, b.getI64Type(), place)), kDescription));
  return emitPtx(b, sums, inputs, code, constraints);
}

Values WarpgroupProduct::waitForProducts(int64_t inFlight, ValueRange sums) {
  std::string constraints;
  for (size_t i = 0; i < sums.size(); ++i)
    constraints += "=f,";
  for (size_t i = 0; i < sums.size(); ++i)
    constraints += std::to_string(i) + ",";
  return emitPtx(b, sums.size(), sums,
                 "wgmma.wait_group.sync.aligned " + std::to_string(inFlight) +
                     ";",
                 constraints + "~{memory}");
}

Values WarpgroupProduct::runScaledTokens(int64_t tokens, const Work &work,
                                         ValueRange zeros) {
  int64_t perThread = tokens / 2;
  Values inits = {work.turn};
  for (int64_t slab = 0; slab < kSlabs; ++slab)
    llvm::append_range(inits, zeros.slice(slab * perSlab(), perThread));
  Values last =
      b.loopBy(1, b.index(0), b.index(steps()), inits,
               [&](Value step, ValueRange carried) -> Values {
                 Value turn = carried[0];
                 // They arrive while the weights do.
                 SmallVector<SlabScales> ofBlock = loadScales(work, step);
                 waitFor(turn, Full);
                 // Products read by another proxy than cp.async writes.
                 NVVM::FenceProxyOp::create(
                     b, NVVM::ProxyKind::async_shared,
                     NVVM::SharedSpaceAttr::get(b.getContext(),
                                                NVVM::SharedSpace::shared_cta));
                 SmallVector<Values> sums;
                 for (int64_t slab = 0; slab < kSlabs; ++slab)
                   sums.push_back(issueScaledProducts(
                       tokens, widenWeights(slab, work, turn), turn));
                 Values next = {b.add(turn, 1)};
                 for (int64_t slab = 0; slab < kSlabs; ++slab) {
                   // The other slab's products go on meanwhile.
                   Values done = waitForProducts(kSlabs - 1 - slab, sums[slab]);
                   if (slab + 1 == kSlabs)
                     release(work.thread, barrier(turn, Empty));
                   ValueRange totals =
                       carried.slice(1 + slab * perThread, perThread);
                   for (auto [i, sum] : llvm::enumerate(done)) {
                     // Of four sums, the last two are of the second column.
                     Value scale = i % kPerNarrow < kPerNarrow / 2
                                       ? ofBlock[slab].first
                                       : ofBlock[slab].second;
                     next.push_back(b.fma(sum, scale, totals[i]));
                   }
                 }
                 return next;
               });
  // The caller joins tiles of all sizes.
  Values totals(zeros);
  for (int64_t slab = 0; slab < kSlabs; ++slab)
    for (int64_t i = 0; i < perThread; ++i)
      totals[slab * perSlab() + i] = last[1 + slab * perThread + i];
  return totals;
}
