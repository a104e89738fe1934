//===- CheckShapes.cpp - Run-time checks of dynamic sizes -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "et/Dialect/ET/Utils/RoutingUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKSHAPES
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// Emits the checks of one op before it.
class ShapeChecker {
public:
  explicit ShapeChecker(NamedShapesOpInterface op)
      : op(op), builder(op), loc(op.getLoc()) {}

  void emitChecks() {
    SmallVector<NamedShape> shapes = op.getNamedShapes();
    // Derived sizes need their letters, so plain names go first.
    for (bool derived : {false, true})
      for (const NamedShape &shape : shapes)
        visit(shape, derived);
    if (isa<HistogramOp, HistogramQuantileOp>(op))
      checkNotEmpty('B', "bin");
    if (isa<GatherOp>(op))
      checkNotEmpty('O', "offset");
    checkCounts();
  }

private:
  /// Tokens and pairs are numbered and counted in 32 bits.
  void checkCounts() {
    Operation *raw = op;
    if (isa<StatisticOp, HistogramOp>(raw))
      return checkProduct({sizes.lookup('T')}, "tokens");
    if (auto moe = dyn_cast<MoeOp>(raw)) {
      checkPromise(moe);
      return checkPairs(moe.getRouting());
    }
    if (auto gate = dyn_cast<GateOp>(raw))
      return checkPairs(gate.getRouting());
    if (auto route = dyn_cast<RouteOp>(raw))
      return checkPairs(route.getRouting());
    if (isa<OffsetsOp, RoutingStatsOp, TokenListOp>(raw))
      checkMask(raw->getOperand(0));
  }

  /// What the rest of the checks, and of the compiler, may count on.
  void checkPromise(MoeOp moe) {
    OpFoldResult tokens = sizes.lookup('T');
    std::optional<int64_t> most = getMaxTokens(moe);
    if (!most || isa<Attribute>(tokens))
      return;
    emitCompare(arith::CmpIPredicate::ule, tokens, builder.getIndexAttr(*most),
                "has more than the " + Twine(*most) +
                    " tokens that max_tokens of its lowering_config promises; "
                    "use fewer tokens at a time, or raise it");
    sizes['T'] = builder.getIndexAttr(*most);
  }

  /// A mask says no more than how many tokens it has room for; the op that
  /// makes one by a rule is checked for what it can say.
  void checkMask(Value mask) {
    if (!isa_and_nonnull<GateOp, RouteOp>(mask.getDefiningOp()))
      checkProduct({sizes.lookup('E'), sizes.lookup('W'),
                    builder.getIndexAttr(kTokensPerWord)},
                   "tokens times experts");
  }

  void checkPairs(RoutingAttrInterface routing) {
    OpFoldResult each =
        boundExpertsPerToken(builder, loc, routing, sizes.lookup('E'));
    checkProduct({sizes.lookup('T'), each},
                 "tokens times the experts that one can have");
  }

  void checkProduct(ArrayRef<OpFoldResult> factors, StringRef what) {
    constexpr int64_t most = std::numeric_limits<int32_t>::max();
    int64_t known = 1;
    SmallVector<Value> unknown;
    for (OpFoldResult factor : factors) {
      std::optional<int64_t> constant = getConstantIntValue(factor);
      if (!constant)
        unknown.push_back(cast<Value>(factor));
      else if (llvm::MulOverflow(known, *constant, known))
        known = std::numeric_limits<int64_t>::max();
    }
    if (known == 0 || (unknown.empty() && known <= most))
      return;
    // Each factor alone first: what the product of 64 bits would lose then
    // does not matter.
    Value limit = arith::ConstantIndexOp::create(builder, loc, most);
    Value product = arith::ConstantIndexOp::create(builder, loc, known);
    Value fits = builder.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::ule, product, limit);
    auto require = [&](Value value) {
      Value isBelow = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::ule, value, limit);
      fits = builder.createOrFold<arith::AndIOp>(loc, isBelow, fits);
    };
    for (Value factor : unknown) {
      product = builder.createOrFold<arith::MulIOp>(loc, factor, product);
      require(factor);
      if (product != factor)
        require(product);
    }
    assertHolds(fits, what + " must stay below 2147483648; use fewer tokens "
                             "at a time");
  }

  void checkNotEmpty(char letter, StringRef what) {
    if (isa<Attribute>(sizes.lookup(letter)))
      return;
    emitCompare(arith::CmpIPredicate::sge, sizes.lookup(letter),
                builder.getIndexAttr(1), "needs at least one " + what);
  }

  void emitCompare(arith::CmpIPredicate predicate, OpFoldResult left,
                   OpFoldResult right, const Twine &message) {
    Value holds = arith::CmpIOp::create(
        builder, loc, predicate,
        getValueOrCreateConstantIndexOp(builder, loc, left),
        getValueOrCreateConstantIndexOp(builder, loc, right));
    assertHolds(holds, message);
  }

  void assertHolds(Value holds, const Twine &message) {
    cf::AssertOp::create(builder, loc, holds,
                         (op->getName().getStringRef() + ": " + message).str());
  }

  void visit(const NamedShape &shape, bool derived) {
    for (auto [index, name] :
         llvm::enumerate(llvm::to_vector(llvm::split(shape.dims, ' ')))) {
      if (isDerivedSize(name) != derived)
        continue;
      OpFoldResult actual =
          getMixedSize(builder, loc, shape.value, int64_t(index));
      if (!derived && sizes.try_emplace(name.front(), actual).second)
        continue;
      OpFoldResult expected = expectedSize(name);
      // Two static sizes are the verifier's.
      if (expected && !(isa<Attribute>(actual) && isa<Attribute>(expected)))
        emitAssert(shape, index, name, actual, expected);
    }
  }

  /// Null if the name derives from a letter that no operand has.
  OpFoldResult expectedSize(StringRef name) {
    DerivedSize derived = DerivedSize::parse(name);
    if (!derived.letter)
      return builder.getIndexAttr(derived.addend);
    OpFoldResult base = sizes.lookup(derived.letter);
    if (!base || !isDerivedSize(name))
      return base;
    AffineExpr size = builder.getAffineSymbolExpr(0).ceilDiv(derived.divisor);
    return affine::makeComposedFoldedAffineApply(
        builder, loc, size * derived.factor + derived.addend, {base});
  }

  void emitAssert(const NamedShape &shape, unsigned index, StringRef name,
                  OpFoldResult actual, OpFoldResult expected) {
    emitCompare(arith::CmpIPredicate::eq, actual, expected,
                "the size of operand '" + shape.operand + "' in dimension " +
                    Twine(index) + " is not " + name +
                    " of the other operands");
  }

  NamedShapesOpInterface op;
  OpBuilder builder;
  Location loc;
  llvm::SmallDenseMap<char, OpFoldResult> sizes;
};

struct CheckShapes : et::impl::CheckShapesBase<CheckShapes> {
  void runOnOperation() override {
    getOperation()->walk(
        [](NamedShapesOpInterface op) { ShapeChecker(op).emitChecks(); });
  }
};
} // namespace
