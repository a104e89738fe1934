//===- Dispatch.cpp - Plans, gather and combine as plain loops ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::et;

static void lowerOffsets(OffsetsOp op, LoopBuilder &b) {
  Value mask = op.getMask(), offsets = op.getOffsets();
  b.once([&] {
    b.store(b.i32(0), offsets, b.index(0));
    b.loop(b.index(0), b.dim(mask, 0), b.i32(0),
           [&](Value expert, ValueRange total) -> LoopBuilder::Values {
             Value sum = b.loop(
                 b.index(0), b.dim(mask, 1), total,
                 [&](Value word, ValueRange acc) -> LoopBuilder::Values {
                   Value bits = b.load(mask, {expert, word});
                   return {b.add(acc[0], math::CtPopOp::create(b, bits))};
                 })[0];
             b.store(sum, offsets, b.add(expert, b.index(1)));
             return {sum};
           });
  });
}

static void lowerTokenList(TokenListOp op, LoopBuilder &b) {
  Value mask = op.getMask();
  Value tokensOfMask = b.mul(b.dim(mask, 1), b.index(kTokensPerWord));
  b.parallel(b.dim(mask, 0), [&](ValueRange iv) {
    Value expert = iv[0];
    Value first = b.toIndex(b.load(op.getOffsets(), expert));
    b.loop(b.index(0), tokensOfMask, first,
           [&](Value token, ValueRange position) -> LoopBuilder::Values {
             Value taken = emitTestBit(b, mask, expert, token);
             b.when(taken,
                    [&] { b.store(b.toI32(token), op.getTokens(), position); });
             Value step = b.select(taken, b.index(1), b.index(0));
             return {b.add(position[0], step)};
           });
  });
}

static void lowerGather(GatherOp op, LoopBuilder &b) {
  Value out = op.getOut(), offsets = op.getOffsets();
  Value lastOffset = b.sub(b.dim(offsets, 0), b.index(1));
  b.parallel({b.dim(out, 0), b.dim(out, 1)}, [&](ValueRange iv) {
    Value pairs = b.toIndex(b.load(offsets, lastOffset));
    b.when(b.cmp(arith::CmpIPredicate::ult, iv[0], pairs), [&] {
      Value token = b.toIndex(b.load(op.getTokens(), iv[0]));
      b.store(b.load(op.getX(), {token, iv[1]}), out, iv);
    });
  });
}

static void lowerCombine(CombineOp op, LoopBuilder &b) {
  Value gates = op.getGates(), out = op.getOut(), shared = op.getShared();
  Value tokens = b.dim(out, 0), experts = b.dim(gates, 1);

  // rows[t, e] is the row of the pair, or -1 where e did not take t.
  Value rows = memref::AllocOp::create(
      b,
      MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                      b.getI32Type()),
      ValueRange{tokens, experts});
  b.parallel(experts, [&](ValueRange iv) {
    Value expert = iv[0];
    b.loop(b.index(0), tokens, b.load(op.getOffsets(), expert),
           [&](Value token, ValueRange row) -> LoopBuilder::Values {
             Value taken = emitTestBit(b, op.getMask(), expert, token);
             b.store(b.select(taken, row[0], b.i32(-1)), rows, {token, expert});
             return {b.add(row[0], b.select(taken, b.i32(1), b.i32(0)))};
           });
  });
  b.parallel({tokens, b.dim(out, 1)}, [&](ValueRange iv) {
    Value token = iv[0], column = iv[1];
    Value init = shared ? b.load(shared, iv) : b.f32(0.0);
    Value sum =
        b.loop(b.index(0), experts, init,
               [&](Value expert, ValueRange acc) -> LoopBuilder::Values {
                 Value row = b.load(rows, {token, expert});
                 auto branch = scf::IfOp::create(
                     b, b.getF32Type(),
                     b.cmp(arith::CmpIPredicate::sge, row, b.i32(0)),
                     /*withElseRegion=*/true);
                 OpBuilder::InsertionGuard guard(b);
                 b.setInsertionPointToEnd(branch.thenBlock());
                 Value pair = b.load(op.getPairs(), {b.toIndex(row), column});
                 Value weighted = b.mul(b.load(gates, {token, expert}), pair);
                 scf::YieldOp::create(b, b.add(acc[0], weighted));
                 b.setInsertionPointToEnd(branch.elseBlock());
                 scf::YieldOp::create(b, acc[0]);
                 return {branch.getResult(0)};
               })[0];
    b.store(sum, out, iv);
  });
  memref::DeallocOp::create(b, rows);
}

void et::populateDispatchPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoopPattern<OffsetsOp>>(context, lowerOffsets);
  patterns.add<LoopPattern<TokenListOp>>(context, lowerTokenList);
  patterns.add<LoopPattern<GatherOp>>(context, lowerGather);
  patterns.add<LoopPattern<CombineOp>>(context, lowerCombine);
}
