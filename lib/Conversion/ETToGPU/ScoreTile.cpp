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
  if (!isCosine && MatrixProduct::applies(lhs, rhs))
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
  // The padding spreads a walk along the tokens over the banks.
  types.push_back(b.sharedType({1, kRows, tileColumns + 1}, b.getF32Type()));
  return types;
}

int64_t ScoreTile::dynamicSharedBytes() {
  return matrix ? matrix->sharedBytes() : 0;
}

Value ScoreTile::emit(const BlockInfo &block, Value firstToken,
                      Value firstExpert) {
  Value tokens = b.dim(x, 0), lastToken = b.sub(tokens, b.index(1));
  auto token = [&](Value row) {
    return b.min(b.add(firstToken, row), lastToken);
  };
  Value scores;
  if (matrix) {
    scores = memref::ViewOp::create(b, matrix->sumsType(), block.dynamicShared,
                                    b.index(0), ValueRange());
    Value count = b.min(b.sub(tokens, firstToken), b.index(kRows));
    matrix->run(block, x, token, count, MatrixProduct::Matrix{router, Value()},
                firstExpert, scores);
  } else {
    emitByThreads(block, token, firstExpert);
    scores = block.shared[sharedTypes().size() - 1];
  }
  b.barrier();
  return scores;
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
  Value scores = block.shared[sharedTypes().size() - 1];
  for (int64_t i = 0; i < kThreadTile.threadRows; ++i)
    for (int64_t j = 0; j < kThreadTile.threadColumns; ++j) {
      Value score = b.element(sums.products[0][i], j);
      if (isCosine)
        score = b.div(score, b.mul(norm(sums.lhsSquares[i]),
                                   norm(b.element(sums.rhsSquares, j))));
      b.store(score, scores,
              {b.index(0), tile.row(block, i), tile.column(block, j)});
    }
}

void ScoreTile::forEach(const BlockInfo &block,
                        function_ref<void(Value, Value)> body) {
  Value end = b.index(kRows * tileColumns);
  b.loopBy(threads(), block.thread, end, {},
           [&](Value place, ValueRange) -> LoopBuilder::Values {
             body(b.div(place, tileColumns), b.rem(place, tileColumns));
             return {};
           });
}
