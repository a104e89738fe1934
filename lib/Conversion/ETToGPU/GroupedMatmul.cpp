//===- GroupedMatmul.cpp - Kernels for grouped products -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GroupedMatmul.h"
#include "MatrixProduct.h"
#include "Patterns.h"
#include "ProductCandidates.h"
#include "TileProduct.h"
#include "et/Conversion/Epilogue.h"
#include "mlir/Analysis/AliasAnalysis.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// Rows and columns (of all right-hand sides together) of a tile for the matrix
/// units.
static constexpr int64_t kMatrixRows = 128, kMatrixColumns = 128;
static constexpr ThreadTile kProductTile = {/*rows=*/64, /*columns=*/64,
                                            /*depth=*/16, /*threadRows=*/4,
                                            /*threadColumns=*/4};

Value et::countRowTiles(KernelBuilder &b, GroupedMatmulOp op, int64_t rows,
                        Value allRows) {
  if (!op.getOffsets())
    return b.ceilDiv(allRows, rows);
  return b.add(b.div(allRows, rows), b.dim(op.getRhs(), 0));
}

RowTile et::findRowTile(KernelBuilder &b, GroupedMatmulOp op, int64_t rows,
                        Value number, Value firstPair) {
  Value offsets = op.getOffsets(), zero = b.index(0);
  Value allRows = b.dim(op.getOut(), 0);
  if (!offsets)
    return {zero, b.mul(number, rows), allRows};
  Value experts = b.sub(b.dim(offsets, 0), b.index(1));
  auto offset = [&](Value expert) -> Value {
    Value pair = b.toIndex(b.load(offsets, expert));
    if (!firstPair)
      return pair;
    pair = arith::MaxUIOp::create(b, pair, firstPair);
    return b.min(b.sub(pair, firstPair), allRows);
  };
  auto firstNumber = [&](Value expert) {
    return b.add(b.div(offset(expert), rows), expert);
  };
  // The expert lies in [state[0], state[1]).
  Value expert = b.loopWhile(
      {zero, experts},
      [&](ValueRange state) {
        return b.less(b.index(1), b.sub(state[1], state[0]));
      },
      [&](ValueRange state) -> Values {
        Value middle = b.div(b.add(state[0], state[1]), 2);
        Value isAbove = b.less(number, firstNumber(middle));
        return {b.select(isAbove, state[0], middle),
                b.select(isAbove, middle, state[1])};
      })[0];
  Value tile = b.sub(number, firstNumber(expert));
  // Without experts there is no next offset, and no row.
  return {expert, b.add(offset(expert), b.mul(tile, rows)),
          b.min(offset(b.min(b.add(expert, 1), experts)), allRows), firstPair};
}

int64_t et::resultWidth(GroupedMatmulOp op) {
  SmallVector<Value> rowMemrefs = {op.getOut()};
  for (Value bias : {op.getBias(), op.getGateBias()})
    if (bias)
      rowMemrefs.push_back(bias);
  return accessWidth(rowMemrefs);
}

void et::emitEpilogue(KernelBuilder &b, GroupedMatmulOp op, Value thread,
                      int64_t threads, const RowTile &rows, Value count,
                      Value firstColumn, int64_t columnsOfTile, Value sums,
                      int64_t splitAt) {
  int64_t width = resultWidth(op), across = columnsOfTile / width;
  Value inTile = b.mul(b.rem(thread, across), width);
  Value column = b.add(firstColumn, inTile);
  b.when(b.less(column, b.dim(op.getOut(), 1)), [&] {
    auto biasOf = [&](Value bias) {
      return bias ? b.loadElements(bias, {rows.expert, column}, width)
                  : Values(width, Value());
    };
    Values bias = biasOf(op.getBias()), gateBias = biasOf(op.getGateBias());
    Epilogue epilogue(op);
    b.loopBy(threads / across, b.div(thread, across), count, {},
             [&](Value row, ValueRange) -> Values {
               auto sumsOf = [&](int64_t rhs) {
                 if (!splitAt)
                   return b.loadElements(sums, {b.index(rhs), row, inTile},
                                         width);
                 Values all;
                 for (int64_t half : {int64_t(0), splitAt}) {
                   Value place = b.add(b.div(inTile, 2), half);
                   all.append(b.loadElements(sums, {b.index(rhs), row, place},
                                             width / 2));
                 }
                 return all;
               };
               Values results = sumsOf(0), gates;
               if (op.getGate())
                 gates = sumsOf(1);
               for (int64_t i = 0; i < width; ++i) {
                 Epilogue::Term gate;
                 if (!gates.empty())
                   gate = {gates[i], gateBias[i]};
                 results[i] = epilogue.emit(b, {results[i], bias[i]}, gate);
               }
               b.storeElements(results, op.getOut(),
                               {b.add(rows.first, row), column});
               return {};
             });
  });
}

void et::findTokens(KernelBuilder &b, GroupedMatmulOp op, Value thread,
                    int64_t threads, const RowTile &rows, Value count,
                    Value tokens, Value perWarp) {
  Value mask = op.getMask(), words = b.dim(mask, 1), none = b.i32(0);
  Value offset = b.toIndex(b.load(op.getOffsets(), rows.expert));
  // Ranks among the expert's tokens: those of the tile are [first, last).
  Value firstPair = rows.first;
  if (rows.firstPair)
    firstPair = b.add(firstPair, rows.firstPair);
  Value first = b.toI32(b.sub(firstPair, offset));
  Value last = b.add(first, b.toI32(count));
  Value lane = b.rem(thread, kWarpSize);
  b.loopWhile(
      {b.index(0), none},
      [&](ValueRange state) {
        return b.both(b.less(state[0], words), b.less(state[1], last));
      },
      [&](ValueRange state) -> Values {
        Value word = b.add(state[0], thread);
        Value bits = b.whenElse(
            b.less(word, words),
            [&] { return b.load(mask, {rows.expert, word}); }, none);
        Value found = b.popcount(bits), upTo = b.warpScan(found, lane);
        Value ofWarp = b.fromLane(upTo, b.index(kWarpSize - 1));
        KernelBuilder::WarpSums sums =
            b.scanWarps(ofWarp, thread, threads / kWarpSize, perWarp);
        Value firstWord = b.sub(word, lane);
        // Ranks of the warp's tokens, and those of them that are the tile's.
        Value begin = b.add(state[1], sums.before), end = b.add(begin, ofWarp);
        Value from = arith::MaxUIOp::create(b, begin, first);
        Value to = b.min(end, last);
        // A lane finds the token of a rank, rather than the ranks of its word's
        // tokens: neighbors store to neighboring banks, and however full words
        // are, as many ranks take as many steps.
        b.loopBy(
            kWarpSize, b.toIndex(from), b.toIndex(to), {},
            [&](Value step, ValueRange) -> Values {
              Value rank = b.add(b.toI32(step), b.toI32(lane));
              // How many lanes' tokens all come before it, and which of the
              // next lane's it is.
              Value source = none, inWarp = b.sub(rank, begin);
              for (int32_t distance = kWarpSize / 2; distance > 0;
                   distance /= 2) {
                Value next = b.add(source, b.i32(distance));
                Value before =
                    b.fromLane(upTo, b.toIndex(b.sub(next, b.i32(1))));
                Value isPast = b.cmp(CmpIPredicate::ule, before, inWarp);
                source = b.select(isPast, next, source);
              }
              Value sourceLane = b.toIndex(source);
              Value rest = b.fromLane(bits, sourceLane);
              Value inWord =
                  b.sub(inWarp, b.fromLane(b.sub(upTo, found), sourceLane));
              Value token =
                  b.toI32(b.mul(b.add(firstWord, sourceLane), kTokensPerWord));
              for (int32_t width = kTokensPerWord / 2; width > 0; width /= 2) {
                Value low = b.popcount(b.both(rest, b.i32((1 << width) - 1)));
                Value above = arith::ShRUIOp::create(b, rest, b.i32(width));
                Value isAbove = b.cmp(CmpIPredicate::ule, low, inWord);
                rest = b.select(isAbove, above, rest);
                inWord = b.select(isAbove, b.sub(inWord, low), inWord);
                token = b.select(isAbove, b.add(token, b.i32(width)), token);
              }
              b.when(b.less(rank, to), [&] {
                b.store(token, tokens, b.toIndex(b.sub(rank, first)));
              });
              return {};
            });
        // The next step writes perWarp again.
        b.barrier();
        return {b.add(state[0], threads), b.add(state[1], sums.all)};
      });
  b.barrier();
}

Value et::findSourceRow(KernelBuilder &b, GroupedMatmulOp op,
                        const RowTile &rows, Value row, Value tokensOfTile) {
  if (op.getMask())
    return b.toIndex(b.load(tokensOfTile, row));
  Value pair = b.add(rows.first, row);
  return op.getTokens() ? b.toIndex(b.load(op.getTokens(), pair)) : pair;
}

SmallVector<Value> et::rightHandSides(GroupedMatmulOp op) {
  SmallVector<Value> result = {op.getRhs()};
  if (op.getGate())
    result.push_back(op.getGate());
  return result;
}

SmallVector<Value> et::rightHandScales(GroupedMatmulOp op) {
  SmallVector<Value> result = {op.getScales()};
  if (op.getGate())
    result.push_back(op.getGateScales());
  return result;
}

std::array<Value, 2> et::countTiles(KernelBuilder &b,
                                    const ProductKernel &kernel) {
  GroupedMatmulOp op = kernel.op;
  return {countRowTiles(b, op, kernel.rows, b.dim(op.getOut(), 0)),
          b.ceilDiv(b.dim(op.getOut(), 1), kernel.columns)};
}

void et::emitTile(KernelBuilder &b, const ProductKernel &kernel,
                  const BlockInfo &block, Value rowTile, Value columnTile,
                  ArrayRef<Value> forTokens, Value firstPair) {
  GroupedMatmulOp op = kernel.op;
  RowTile rows = findRowTile(b, op, kernel.rows, rowTile, firstPair);
  Value firstColumn = b.mul(columnTile, kernel.columns);
  Value any = b.both(b.less(rows.first, rows.end),
                     b.less(firstColumn, b.dim(op.getOut(), 1)));
  b.when(any, [&] {
    Value count = b.min(b.sub(rows.end, rows.first), b.index(kernel.rows));
    Value lastRow = b.sub(count, b.index(1));
    if (op.getMask())
      findTokens(b, op, block.thread, kernel.threads, rows, count, forTokens[0],
                 forTokens[1]);
    auto sourceRow = [&](Value row) {
      return findSourceRow(b, op, rows, b.min(row, lastRow),
                           op.getMask() ? forTokens[0] : Value());
    };
    Value sums = kernel.emitSums(block, rows, count, sourceRow, firstColumn);
    b.barrier();
    emitEpilogue(b, op, block.thread, kernel.threads, rows, count, firstColumn,
                 kernel.columns, sums, kernel.splitAt);
  });
}

/// One tile a block. Of several products, the tiles are counted one product
/// after another.
static void launchProducts(KernelBuilder &b, ArrayRef<ProductKernel> kernels,
                           const KernelDevices &devices) {
  const ProductKernel &first = kernels.front();
  SmallVector<MemRefType> shared = first.shared;
  SmallVector<std::array<Value, 2>> tiles;
  for (const ProductKernel &kernel : kernels) {
    tiles.push_back(countTiles(b, kernel));
    if (kernel.hasMask()) {
      shared.push_back(b.sharedType({kernel.rows}, b.getI32Type()));
      shared.push_back(
          b.sharedType({kernel.threads / kWarpSize}, b.getI32Type()));
    }
  }
  SmallVector<Value> blocks(tiles[0].begin(), tiles[0].end()), ends;
  if (kernels.size() > 1) {
    for (auto [rowTiles, columnTiles] : tiles) {
      Value count = b.mul(rowTiles, columnTiles);
      ends.push_back(ends.empty() ? count : b.add(ends.back(), count));
    }
    blocks = {ends.back()};
  }
  auto emitBlock = [&](const BlockInfo &block) {
    ArrayRef<Value> forTokens =
        ArrayRef(block.shared).drop_front(first.shared.size());
    if (kernels.size() == 1)
      return emitTile(b, first, block, block.x, block.y, forTokens);
    Value begin = b.index(0);
    for (size_t i = 0; i < kernels.size(); ++i) {
      // Blocks of products before this one wrap around.
      Value number = b.sub(block.x, begin);
      b.when(b.less(number, b.sub(ends[i], begin)), [&] {
        Value column = b.div(number, tiles[i][0]);
        Value row = b.sub(number, b.mul(column, tiles[i][0]));
        emitTile(b, kernels[i], block, row, column, forTokens);
      });
      begin = ends[i];
      if (kernels[i].hasMask())
        forTokens = forTokens.drop_front(2);
    }
  };
  b.launch(
      "grouped_matmul" + Epilogue(first.op).getSuffix(), blocks, first.threads,
      shared,
      [&](const BlockInfo &block) {
        devices.emitBody(b, [&] { emitBlock(block); });
      },
      first.dynamicShared, devices.condition);
}

/// By the matrix units.
static ProductKernel matrixKernel(GroupedMatmulOp op, KernelBuilder &b,
                                  const ProductShape &shape) {
  int64_t numRhs = rightHandSides(op).size();
  MatrixProduct tile(b, cast<MemRefType>(op.getLhs().getType()),
                     cast<MemRefType>(op.getRhs().getType()),
                     {shape.rows, shape.columns, numRhs,
                      /*splitsSums=*/resultWidth(op) == 8, shape.stages});
  auto emitSums = [op, &b, tile](const BlockInfo &block, const RowTile &rows,
                                 Value count,
                                 function_ref<Value(Value)> sourceRow,
                                 Value firstColumn) mutable -> Value {
    Value sums = memref::ViewOp::create(b, tile.sumsType(), block.dynamicShared,
                                        b.index(0), ValueRange());
    SmallVector<MatrixProduct::Matrix> matrices;
    for (Value memref : rightHandSides(op))
      matrices.push_back({memref, rows.expert});
    tile.run(block, op.getLhs(), sourceRow, count, matrices, firstColumn, sums);
    return sums;
  };
  return {op, shape.rows,         shape.columns,  MatrixProduct::kThreads,
          {}, tile.sharedBytes(), tile.splitAt(), emitSums};
}

/// In f32, element by element.
static ProductKernel threadKernel(GroupedMatmulOp op, KernelBuilder &b,
                                  const ThreadTile &shape) {
  TileProduct tile(b, shape);
  int64_t numRhs = rightHandSides(op).size();
  SmallVector<MemRefType> shared = tile.sharedTypes(numRhs);
  size_t sumsNumber = shared.size();
  shared.push_back(
      b.sharedType({numRhs, shape.rows, shape.columns}, b.getF32Type()));
  auto emitSums = [op, &b, tile,
                   sumsNumber](const BlockInfo &block, const RowTile &rows,
                               Value, function_ref<Value(Value)> sourceRow,
                               Value firstColumn) mutable -> Value {
    WeightFormatAttrInterface format = op.getWeightFormat();
    // Elements may have several.
    Value columns =
        format && format.getCount() > 1 ? b.dim(op.getOut(), 1) : Value();
    SmallVector<TileProduct::Matrix> matrices;
    for (auto [memref, scales] :
         llvm::zip_equal(rightHandSides(op), rightHandScales(op)))
      matrices.push_back({memref, {rows.expert}, format, scales, columns});
    TileProduct::Sums sums =
        tile.run(block, op.getLhs(), sourceRow, matrices, firstColumn,
                 /*withSquares=*/false);
    Value shared = block.shared[sumsNumber];
    for (auto [number, product] : llvm::enumerate(sums.products))
      for (auto [i, vector] : llvm::enumerate(product))
        vector::StoreOp::create(
            b, vector, shared,
            {b.index(number), tile.row(block, i), tile.column(block, 0)});
    return shared;
  };
  return {op,
          shape.rows,
          shape.columns,
          shape.threads(),
          shared,
          /*dynamicShared=*/0,
          /*splitAt=*/0,
          emitSums};
}

/// Whether the matrix units can do it.
static bool fitsMatrixUnits(GroupedMatmulOp op, bool splitsF32) {
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  return llvm::all_of(rightHandSides(op), [&](Value rhs) {
    return MatrixProduct::applies(lhs, cast<MemRefType>(rhs.getType()),
                                  splitsF32);
  });
}

ProductKernel et::chooseKernel(GroupedMatmulOp op, KernelBuilder &b,
                               const ProductShape &shape, bool splitsF32) {
  return fitsMatrixUnits(op, splitsF32) ? matrixKernel(op, b, shape)
                                        : threadKernel(op, b, shape.threadTile);
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

static Type elementOf(GroupedMatmulOp op) {
  return cast<MemRefType>(op.getLhs().getType()).getElementType();
}

namespace {
/// One tile a block.
class TiledCandidate : public ProductCandidate {
public:
  bool canJoin(GroupedMatmulOp one, GroupedMatmulOp other,
               KernelBuilder &b) const override {
    return makeKernel(one, b).fitsOneLaunchWith(makeKernel(other, b));
  }
  void launch(ArrayRef<GroupedMatmulOp> ops, KernelBuilder &b,
              const KernelDevices &devices) const override {
    launchProducts(
        b,
        llvm::map_to_vector(
            ops, [&](GroupedMatmulOp op) { return makeKernel(op, b); }),
        devices);
  }

protected:
  virtual ProductKernel makeKernel(GroupedMatmulOp op,
                                   KernelBuilder &b) const = 0;
};

class MatrixCandidate : public TiledCandidate {
public:
  explicit MatrixCandidate(bool splitsF32) : splitsF32(splitsF32) {}

  StringRef getName() const override { return "mma.sync"; }

  std::string whyNot(GroupedMatmulOp op, StringRef chip) const override {
    Type element = elementOf(op);
    if (element.isF32() && !splitsF32)
      return "it takes f32 with f32-products=3xtf32 alone";
    if (WeightFormatAttrInterface format = op.getWeightFormat())
      return llvm::formatv("it takes no weights of {0}", format.getStored());
    const MatrixInstruction *instruction =
        findMatrixInstruction({element, /*isAsynchronous=*/false}, chip);
    if (!instruction)
      return llvm::formatv("{0} has no such instruction for {1}", chip,
                           element);
    if (!fitsMatrixUnits(op, splitsF32))
      return llvm::formatv("rows are not contiguous, or the widths K and N not "
                           "known multiples of {0}",
                           MatrixInstructions::kChunkBytes * 8 /
                               element.getIntOrFloatBitWidth());
    return "";
  }

  double getFlops(GroupedMatmulOp op, StringRef chip) const override {
    Type element = elementOf(op);
    const MatrixInstruction *instruction =
        findMatrixInstruction({element, /*isAsynchronous=*/false}, chip);
    double rate = getChipFigures(chip).matrixFlops * instruction->rate;
    // Three products of the parts.
    return element.isF32() ? rate / 3 : rate;
  }

protected:
  ProductKernel makeKernel(GroupedMatmulOp op,
                           KernelBuilder &b) const override {
    int64_t numRhs = rightHandSides(op).size();
    // The parts of f32 operands take the registers of half the sums.
    return matrixKernel(op, b,
                        {elementOf(op).isF32() ? kMatrixRows / 2 : kMatrixRows,
                         kMatrixColumns / numRhs, MatrixProduct::kStages,
                         kProductTile});
  }

private:
  bool splitsF32;
};

class ThreadCandidate : public TiledCandidate {
public:
  explicit ThreadCandidate(bool splitsF32) : splitsF32(splitsF32) {}

  StringRef getName() const override { return "multiply-adds"; }

  std::string whyNot(GroupedMatmulOp op, StringRef) const override {
    if (elementOf(op).isF32() && fitsMatrixUnits(op, splitsF32))
      return "f32-products=3xtf32 asks for the matrix units";
    return "";
  }

  double getFlops(GroupedMatmulOp, StringRef chip) const override {
    return getChipFigures(chip).vectorFlops;
  }

protected:
  ProductKernel makeKernel(GroupedMatmulOp op,
                           KernelBuilder &b) const override {
    return threadKernel(op, b, kProductTile);
  }

private:
  bool splitsF32;
};
} // namespace

std::unique_ptr<ProductCandidate> et::makeMatrixCandidate(bool splitsF32) {
  return std::make_unique<MatrixCandidate>(splitsF32);
}
std::unique_ptr<ProductCandidate> et::makeThreadCandidate(bool splitsF32) {
  return std::make_unique<ThreadCandidate>(splitsF32);
}

//===----------------------------------------------------------------------===//
// The pattern
//===----------------------------------------------------------------------===//

/// The product that stands behind this one, past ops that touch no memory, if
/// neither writes what the other accesses.
static GroupedMatmulOp findPartner(GroupedMatmulOp op) {
  Operation *next = op->getNextNode();
  while (next && (isMemoryEffectFree(next) || isa<memref::AllocOp>(next)))
    next = next->getNextNode();
  auto partner = dyn_cast_if_present<GroupedMatmulOp>(next);
  if (!partner || partner.getPanels())
    return {};
  AliasAnalysis aliases(op->getParentOp());
  auto isFreeOf = [&](GroupedMatmulOp one, GroupedMatmulOp other) {
    return llvm::all_of(one->getOperands(), [&](Value operand) {
      return aliases.alias(operand, other.getOut()).isNo();
    });
  };
  return isFreeOf(op, partner) && isFreeOf(partner, op) ? partner
                                                        : GroupedMatmulOp();
}

namespace {
struct GroupedMatmulPattern : OpRewritePattern<GroupedMatmulOp> {
  GroupedMatmulPattern(MLIRContext *context, GPUTargetAttr target,
                       bool splitsF32)
      : OpRewritePattern(context, /*benefit=*/2),
        candidates(target, splitsF32) {}

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "works on tensors");
    if (op.getPanels())
      return rewriter.notifyMatchFailure(op, "has weights packed for a CPU");
    KernelBuilder b(op.getLoc(), rewriter);
    SmallVector<GroupedMatmulOp> products = {op};
    if (GroupedMatmulOp partner = findPartner(op)) {
      auto joins = [&](const ProductCandidates::Choice &choice) {
        return choice.candidates[0] == choice.candidates[1] &&
               choice.candidates[0]->canJoin(op, partner, b);
      };
      if (llvm::any_of(candidates.choose({op, partner}), joins)) {
        products.push_back(partner);
        // Its destination may be allocated between the two.
        b.setInsertionPoint(partner);
        // Reports tell by it what a kernel was made of.
        b.setLoc(b.getFusedLoc({op.getLoc(), partner.getLoc()}));
      }
    }
    candidates.launch(products, candidates.choose(products), b);
    for (GroupedMatmulOp product : products)
      rewriter.eraseOp(product);
    return success();
  }

private:
  ProductCandidates candidates;
};
} // namespace

void et::populateProductKernels(RewritePatternSet &patterns,
                                GPUTargetAttr target, F32Products f32Products) {
  patterns.add<GroupedMatmulPattern>(patterns.getContext(), target,
                                     f32Products == F32Products::ThreeTF32);
}

void et::remarkProducts(Operation *root, GPUTargetAttr target,
                        F32Products f32Products) {
  // Costs are worked out for who reads of them alone.
  if (!root->getContext()->getRemarkEngine())
    return;
  ProductCandidates candidates(target, f32Products == F32Products::ThreeTF32);
  root->walk([&](GroupedMatmulOp op) {
    if (op.hasPureBufferSemantics() && !op.getPanels())
      candidates.remark(op);
  });
}
