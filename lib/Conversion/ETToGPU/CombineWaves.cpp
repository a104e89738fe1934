//===- CombineWaves.cpp - Kernel that combines, and computes what is left -===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the buffers hold all pairs, a block combines its token and is done.
//
// Where they do not, blocks take tickets, ascending. The first are for the
// tokens, which each combine their pairs of the first wave into f32 sums; then,
// for each further wave, for the tiles of its hidden units, for those of its
// outputs, and for the tokens again. The last wave's write the result. All that
// is done for a ticket waits until the steps before its own are finished.
//
//===----------------------------------------------------------------------===//

#include "Combine.h"
#include "DeviceWords.h"
#include "GroupedMatmul.h"
#include "Patterns.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// Small, since every block has its shared memory and registers, and few need
/// them.
static constexpr ProductShape kShape = {/*rows=*/32,
                                        /*columns=*/64,
                                        /*stages=*/2,
                                        /*threadTile=*/
                                        {/*rows=*/32, /*columns=*/32,
                                         /*depth=*/16, /*threadRows=*/4,
                                         /*threadColumns=*/2}};

/// So many threads share a multiprocessor, whatever registers waves would like.
static constexpr int64_t kResidentThreads = 512;

namespace {
/// Emits the kernel of one op.
class WavesKernel {
public:
  WavesKernel(CombineWavesOp op, KernelBuilder &b, bool splitsF32);
  void emit();
  /// They say what waves compute, and are not to stay.
  std::array<GroupedMatmulOp, 2> products() { return {hiddenOp, outputsOp}; }

private:
  /// The products of all pairs, of which the kernel computes a wave at a time.
  struct Product {
    ProductKernel kernel;
    Value rowTiles, columnTiles;
    Value count(KernelBuilder &b) const { return b.mul(rowTiles, columnTiles); }
  };
  Product makeProduct(GroupedMatmulOp op);
  static int64_t sharedBytes(const ProductKernel &kernel);

  void emitWaves(const BlockInfo &block);
  void emitItem(BlockInfo block, Value item);
  void emitProduct(const Product &product, const BlockInfo &block, Value number,
                   Value firstPair);
  Value takeTicket(bool isFirst);

  // Counters: the tickets taken, and the items finished.
  static constexpr int64_t kTicket = 0, kFinished = 1, kCounters = 2;
  DeviceWords meeting() {
    return {b, words, cast<IntegerType>(b.getI64Type())};
  }

  CombineWavesOp op;
  KernelBuilder &b;
  bool splitsF32;
  TokenSum tokenSum;
  GroupedMatmulOp hiddenOp, outputsOp;
  Product hidden, outputs;
  int64_t threads;
  /// On the host: the pairs of a wave, what each step's items are.
  Value rows, tokenBlocks, itemsOfTokens, itemsOfWave;
  Value words, sums;
  // Of a block.
  Value isFirstThread, rowsOfToken, slot, numPairs;
  SmallVector<Value> forTokens;
};
} // namespace

static GroupedMatmulOp createHidden(KernelBuilder &b, CombineWavesOp op) {
  GroupedMatmulOperands operands = {op.getX(), op.getW1()};
  operands.offsets = op.getOffsets();
  operands.mask = op.getMask();
  operands.bias = op.getB1();
  operands.gate = op.getGate();
  operands.gateBias = op.getGateBias();
  return GroupedMatmulOp::create(b, TypeRange(), op.getActivation(), operands,
                                 op.getHidden());
}

static GroupedMatmulOp createOutputs(KernelBuilder &b, CombineWavesOp op) {
  GroupedMatmulOperands operands = {op.getHidden(), op.getW2()};
  operands.offsets = op.getOffsets();
  operands.bias = op.getB2();
  return GroupedMatmulOp::create(b, TypeRange(),
                                 NoneActivationAttr::get(b.getContext()),
                                 operands, op.getPairs());
}

/// Every kernel has as many threads.
static int64_t threadsOfProducts() { return kShape.threadTile.threads(); }

WavesKernel::WavesKernel(CombineWavesOp op, KernelBuilder &b, bool splitsF32)
    : op(op), b(b), splitsF32(splitsF32),
      tokenSum(b,
               {op.getPairs(), op.getGates(), op.getMask(), op.getOffsets(),
                op.getShared(), op.getOut()},
               threadsOfProducts()),
      hiddenOp(createHidden(b, op)), outputsOp(createOutputs(b, op)),
      hidden(makeProduct(hiddenOp)), outputs(makeProduct(outputsOp)),
      threads(tokenSum.threads()) {}

WavesKernel::Product WavesKernel::makeProduct(GroupedMatmulOp op) {
  ProductKernel kernel = chooseKernel(op, b, kShape, splitsF32);
  assert(kernel.threads == threadsOfProducts() && "the block has as many");
  auto [rowTiles, columnTiles] = countTiles(b, kernel);
  return {kernel, rowTiles, columnTiles};
}

/// A kernel's typed shared memory lies behind its other.
static int64_t bytesOf(MemRefType type) {
  return llvm::alignTo(
      type.getNumElements() * type.getElementTypeBitWidth() / 8, 16);
}

int64_t WavesKernel::sharedBytes(const ProductKernel &kernel) {
  int64_t bytes = kernel.dynamicShared;
  for (MemRefType type : kernel.shared)
    bytes += bytesOf(type);
  return bytes;
}

//===----------------------------------------------------------------------===//
// The waves
//===----------------------------------------------------------------------===//

void WavesKernel::emitProduct(const Product &product, const BlockInfo &block,
                              Value number, Value firstPair) {
  auto emit = [&] {
    // The products take turns at the block's memory.
    BlockInfo info = block;
    info.shared.clear();
    int64_t offset = product.kernel.dynamicShared;
    for (MemRefType type : product.kernel.shared) {
      info.shared.push_back(memref::ViewOp::create(
          b, type, block.dynamicShared, b.index(offset), ValueRange()));
      offset += bytesOf(type);
    }
    Value column = b.div(number, product.rowTiles);
    Value row = b.sub(number, b.mul(column, product.rowTiles));
    emitTile(b, product.kernel, info, row, column, forTokens, firstPair);
  };
  int64_t needed = product.kernel.threads;
  if (needed == threads)
    return emit();
  b.when(b.less(block.thread, b.index(needed)),
         [&] { b.forGroup(b.i32(1), needed, emit); });
}

/// The same index, of which nothing is known before. What the items' loop makes
/// of it would otherwise be made before the loop, and kept in registers.
static Value hide(KernelBuilder &b, Value index) {
  auto op = NVVM::InlinePtxOp::create(
      b, TypeRange(b.getI32Type()), /*readOnlyArgs=*/b.toI32(index),
      /*readWriteArgs=*/ValueRange(), "mov.b32 $0, $1;", /*predicate=*/Value());
  return b.toIndex(op.getResult(0));
}

void WavesKernel::emitItem(BlockInfo block, Value item) {
  block.thread = hide(b, block.thread);
  // In a wave, counted from its first item; the first wave has its tokens only.
  Value isFirst = b.less(item, itemsOfTokens), zero = b.index(0);
  Value hiddenItems = hidden.count(b);
  Value beforeTokens = b.add(hiddenItems, outputs.count(b));
  Value later = b.sub(item, itemsOfTokens),
        waveBefore = b.div(later, itemsOfWave);
  Value wave = b.select(isFirst, zero, b.add(waveBefore, 1));
  Value ofWave = b.mul(waveBefore, itemsOfWave);
  Value inWave =
      b.select(isFirst, b.add(beforeTokens, item), b.sub(later, ofWave));
  Value isHidden = b.less(inWave, hiddenItems);
  Value isProduct = b.less(inWave, beforeTokens);
  Value step =
      b.select(isHidden, zero, b.select(isProduct, hiddenItems, beforeTokens));
  Value before =
      b.select(isFirst, zero, b.add(b.add(itemsOfTokens, ofWave), step));
  b.when(isFirstThread, [&] {
    Value target = arith::IndexCastOp::create(b, b.getI64Type(), before);
    meeting().await(b.index(kFinished), target);
  });
  b.barrier();

  Value firstPair = b.mul(wave, rows);
  b.when(isHidden, [&] { emitProduct(hidden, block, inWave, firstPair); });
  b.when(b.both(isProduct, b.bitXor(isHidden, b.boolean(true))), [&] {
    emitProduct(outputs, block, b.sub(inWave, hiddenItems), firstPair);
  });
  b.when(b.bitXor(isProduct, b.boolean(true)), [&] {
    Value number = b.sub(inWave, beforeTokens);
    Value token = b.div(number, tokenBlocks);
    Value isLast = b.cmp(CmpIPredicate::uge, b.add(firstPair, rows), numPairs);
    TokenSum::Wave state = {firstPair, sums, isFirst, isLast};
    tokenSum.emit(block.thread, rowsOfToken, token,
                  b.sub(number, b.mul(token, tokenBlocks)), &state);
  });
}

Value WavesKernel::takeTicket(bool isFirst) {
  Value zero = b.index(0);
  // The block is done before its first thread says so for all.
  if (!isFirst)
    b.barrier();
  b.when(isFirstThread, [&] {
    b.store(meeting().increment(b.index(kTicket)), slot, zero);
    if (!isFirst) {
      meeting().fence();
      meeting().increment(b.index(kFinished));
    }
  });
  b.barrier();
  return arith::IndexCastOp::create(b, b.getIndexType(), b.load(slot, zero));
}

void WavesKernel::emitWaves(const BlockInfo &block) {
  Value waves = b.div(b.sub(b.add(numPairs, rows), b.index(1)), rows);
  Value numItems =
      b.add(itemsOfTokens, b.mul(b.sub(waves, b.index(1)), itemsOfWave));
  b.loopWhile(
      takeTicket(/*isFirst=*/true),
      [&](ValueRange item) { return b.less(item[0], numItems); },
      [&](ValueRange item) -> Values {
        emitItem(block, item[0]);
        return {takeTicket(/*isFirst=*/false)};
      });
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

void WavesKernel::emit() {
  auto outType = cast<MemRefType>(op.getOut().getType());
  Value tokens = b.dim(op.getOut(), 0);
  rows = b.dim(op.getPairs(), 0);
  tokenBlocks = tokenSum.blocksOfToken();
  itemsOfTokens = b.mul(tokens, tokenBlocks);
  itemsOfWave = b.add(itemsOfTokens, b.add(hidden.count(b), outputs.count(b)));
  words = memref::AllocOp::create(
      b, MemRefType::get({kCounters * 2}, b.getI32Type()));
  gpu::MemsetOp::create(b, /*asyncToken=*/Type(), /*asyncDependencies=*/
                        ValueRange(), words, b.i32(0));
  sums = op.getOut();
  if (!outType.getElementType().isF32()) {
    Values sizes;
    for (int64_t i = 0; i < outType.getRank(); ++i)
      if (outType.isDynamicDim(i))
        sizes.push_back(b.dim(op.getOut(), i));
    sums = memref::AllocOp::create(
        b, MemRefType::get(outType.getShape(), b.getF32Type()), sizes);
  }

  int64_t warps = threadsOfProducts() / kWarpSize;
  SmallVector<MemRefType> shared = {tokenSum.rowsType(),
                                    b.sharedType({1}, b.getI64Type()),
                                    b.sharedType({kShape.rows}, b.getI32Type()),
                                    b.sharedType({warps}, b.getI32Type())};
  Value experts = b.dim(op.getMask(), 0);
  gpu::LaunchOp launch = b.launch(
      "combine_waves", {tokens, tokenBlocks}, threads, shared,
      [&](const BlockInfo &block) {
        rowsOfToken = block.shared[0];
        slot = block.shared[1];
        forTokens = {block.shared[2], block.shared[3]};
        isFirstThread = b.cmp(CmpIPredicate::eq, block.thread, b.index(0));
        b.when(b.less(block.x, tokens), [&] {
          numPairs = b.toIndex(b.load(op.getOffsets(), experts));
          Value hasRoom = b.cmp(CmpIPredicate::ule, numPairs, rows);
          auto branch = scf::IfOp::create(b, hasRoom, /*withElseRegion=*/true);
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(branch.thenYield());
          tokenSum.emit(block.thread, rowsOfToken, block.x, block.y);
          b.setInsertionPoint(branch.elseYield());
          emitWaves(block);
        });
      },
      std::max(sharedBytes(hidden.kernel), sharedBytes(outputs.kernel)));
  // Left alone, ptxas aims at more and spills.
  launch->setAttr(
      NVVM::NVVMDialect::getMinctasmAttrName(),
      b.getI32IntegerAttr(static_cast<int32_t>(kResidentThreads / threads)));
  memref::DeallocOp::create(b, words);
  if (sums != op.getOut())
    memref::DeallocOp::create(b, sums);
}

namespace {
struct CombineWavesPattern : OpRewritePattern<CombineWavesOp> {
  /// Preferred to plain loops.
  CombineWavesPattern(MLIRContext *context, bool splitsF32)
      : OpRewritePattern(context, /*benefit=*/2), splitsF32(splitsF32) {}

  LogicalResult matchAndRewrite(CombineWavesOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "works on tensors");
    KernelBuilder b(op.getLoc(), rewriter);
    WavesKernel kernel(op, b, splitsF32);
    kernel.emit();
    for (GroupedMatmulOp product : kernel.products())
      rewriter.eraseOp(product);
    rewriter.eraseOp(op);
    return success();
  }

private:
  bool splitsF32;
};
} // namespace

void et::populateCombineWavesKernels(RewritePatternSet &patterns,
                                     F32Products f32Products) {
  patterns.add<CombineWavesPattern>(patterns.getContext(),
                                    f32Products == F32Products::ThreeTF32);
}
