//===- ScoreTile.cpp - Scores of 32 tokens, by a block --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreTile.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

// Layers have few experts, so tiles are narrow, and long in depth.
static constexpr ThreadTile kThreadTile = {/*rows=*/ScoreTile::kRows,
                                           /*columns=*/16,
                                           /*depth=*/32, /*threadRows=*/2,
                                           /*threadColumns=*/2};
static constexpr int64_t kMatrixColumns = 64;

ScoreTile::ScoreTile(KernelBuilder &b, Value x, Value router, ScoreKind kind)
    : b(b), x(x), router(router), isCosine(kind == ScoreKind::Cosine) {
  auto lhs = cast<MemRefType>(x.getType());
  auto rhs = cast<MemRefType>(router.getType());
  // Cosines also need the norms of the operands, which only threads see.
  if (!isCosine && MatrixProduct::applies(lhs, rhs, /*splitsF32=*/false))
    matrix.emplace(b, lhs, rhs,
                   MatrixProduct::Tile{kRows, kMatrixColumns, /*numRhs=*/1,
                                       /*splitsSums=*/false});
  tileColumns = matrix ? kMatrixColumns : kThreadTile.columns;
}

int64_t ScoreTile::threads() const {
  return matrix ? MatrixProduct::kThreads : kThreadTile.threads();
}

SmallVector<MemRefType> ScoreTile::sharedTypes() {
  if (matrix)
    return {};
  SmallVector<MemRefType> types =
      TileProduct(b, kThreadTile).sharedTypes(/*numRhs=*/1);
  types.push_back(b.sharedType({1, kRows, tileColumns}, b.getF32Type()));
  return types;
}

int64_t ScoreTile::dynamicSharedBytes() {
  return matrix ? matrix->sharedBytes() : 0;
}

void ScoreTile::emit(const BlockInfo &block, Value firstToken,
                     Value firstExpert) {
  Value tokens = b.dim(x, 0), lastToken = b.sub(tokens, b.index(1));
  auto token = [&](Value row) {
    return b.min(b.add(firstToken, row), lastToken);
  };
  if (matrix) {
    scores = memref::ViewOp::create(b, matrix->sumsType(), block.dynamicShared,
                                    b.index(0), ValueRange());
    Value count = b.min(b.sub(tokens, firstToken), b.index(kRows));
    matrix->run(block, x, token, count, MatrixProduct::Matrix{router, Value()},
                firstExpert, scores);
  } else {
    scores = block.shared[sharedTypes().size() - 1];
    emitByThreads(block, token, firstExpert);
  }
  b.barrier();
}

Value ScoreTile::load(Value row, Value column) {
  return b.load(scores, {b.index(0), placeOfRow(row), column});
}

Value ScoreTile::placeOfRow(Value row) {
  if (matrix)
    return row;
  // Half a warp reads rows r and r + 1 or writes r and r + 2, each half as long
  // as all banks: one of the two is at an even place, the other at an odd one.
  return b.bitXor(row, b.rem(b.div(row, 2), 2));
}

Value ScoreTile::column(const BlockInfo &block) {
  return b.rem(block.thread, tileColumns);
}
Value ScoreTile::part(const BlockInfo &block) {
  return b.div(block.thread, tileColumns);
}

void ScoreTile::emitByThreads(const BlockInfo &block,
                              function_ref<Value(Value)> token,
                              Value firstExpert) {
  TileProduct tile(b, kThreadTile);
  TileProduct::Sums sums =
      tile.run(block, x, token, TileProduct::Matrix{router, {}}, firstExpert,
               /*withSquares=*/isCosine);
  auto norm = [&](Value squares) -> Value {
    return arith::MaximumFOp::create(b, math::SqrtOp::create(b, squares),
                                     b.f32(1e-12));
  };
  for (int64_t i = 0; i < kThreadTile.threadRows; ++i) {
    Values ofRow;
    for (int64_t j = 0; j < kThreadTile.threadColumns; ++j) {
      ofRow.push_back(b.element(sums.products[0][i], j));
      if (isCosine)
        ofRow.back() =
            b.div(ofRow.back(), b.mul(norm(sums.lhsSquares[i]),
                                      norm(b.element(sums.rhsSquares, j))));
    }
    b.storeElements(
        ofRow, scores,
        {b.index(0), placeOfRow(tile.row(block, i)), tile.column(block, 0)});
  }
}
