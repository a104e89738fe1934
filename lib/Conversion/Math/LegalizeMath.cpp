//===- LegalizeMath.cpp - Fewer math ops and types ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Num.h"
#include "et/Conversion/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_LEGALIZEMATH
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static bool isOf16Bits(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return element.isF16() || element.isBF16();
}

static Value widen(OpBuilder &b, Location loc, Value value) {
  if (!isOf16Bits(value))
    return value;
  Type f32 = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    f32 = vector.clone(f32);
  return arith::ExtFOp::create(b, loc, f32, value);
}

namespace {
/// Computes in f32 what is of f16 or bf16, and rounds the results.
struct Widen : RewritePattern {
  explicit Widen(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    // GPUs have minnumf and maxnumf of 16 bits in a device library only.
    if (!(isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
          isa<arith::MinNumFOp, arith::MaxNumFOp>(op)) ||
        llvm::none_of(op->getOperands(), isOf16Bits))
      return failure();
    // Which numbers are normal depends on the type.
    if (isa<math::IsNormalOp>(op))
      return failure();
    Location loc = op->getLoc();
    IRMapping wide;
    for (Value operand : op->getOperands())
      wide.map(operand, widen(rewriter, loc, operand));
    Operation *computed = rewriter.clone(*op, wide);
    SmallVector<Value> results;
    for (auto [narrow, result] :
         llvm::zip_equal(op->getResults(), computed->getResults())) {
      Type type = narrow.getType();
      results.push_back(result);
      if (!isOf16Bits(narrow))
        continue;
      Type f32 = rewriter.getF32Type();
      if (auto vector = dyn_cast<VectorType>(type))
        f32 = vector.clone(f32);
      result.setType(f32);
      results.back() = arith::TruncFOp::create(rewriter, loc, type, result);
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

constexpr double kInfinity = std::numeric_limits<double>::infinity();

static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::RsqrtOp op) {
  return {1.0 / sqrt(Num(b, op.getOperand()))};
}

static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::ClampFOp op) {
  Value raised = arith::MaximumFOp::create(b, op.getValue(), op.getMin());
  return {arith::MinimumFOp::create(b, raised, op.getMax())};
}

static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::SincosOp op) {
  return {math::SinOp::create(b, op.getOperand()),
          math::CosOp::create(b, op.getOperand())};
}

static SmallVector<Value> compose(ImplicitLocOpBuilder &b,
                                  math::IsFiniteOp op) {
  return {abs(Num(b, op.getOperand())) < kInfinity};
}
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::IsInfOp op) {
  return {abs(Num(b, op.getOperand())) == kInfinity};
}
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::IsNaNOp op) {
  return {isNaN(Num(b, op.getOperand()))};
}
static SmallVector<Value> compose(ImplicitLocOpBuilder &b,
                                  math::IsNormalOp op) {
  auto type = cast<FloatType>(getElementTypeOrSelf(op.getOperand().getType()));
  double least = APFloat::getSmallestNormalized(type.getFloatSemantics())
                     .convertToDouble();
  Num x = abs(Num(b, widen(b, b.getLoc(), op.getOperand())));
  return {(x < kInfinity) & !(x < least)};
}

static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::AbsIOp op) {
  Num x(b, op.getOperand());
  return {x.make<arith::MaxSIOp>(x, x.like(0) - x)};
}

/// By the bits of the exponent, from the last.
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::IPowIOp op) {
  Num base(b, op.getLhs()), exponent(b, op.getRhs());
  Type element = getElementTypeOrSelf(op.getType());
  unsigned width = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto loop = scf::ForOp::create(
      b, index(0), index(width), index(1), {base.like(1), base, exponent},
      [](OpBuilder &builder, Location loc, Value, ValueRange state) {
        ImplicitLocOpBuilder b(loc, builder);
        Num power(b, state[0]), factor(b, state[1]), bits(b, state[2]);
        Num isSet = (bits & 1) == 1;
        scf::YieldOp::create(b, ValueRange{select(isSet, power * factor, power),
                                           factor * factor, bits.shru(1)});
      });
  // The inverse of 1 and -1 is whole; of others 0 is left, and of 0 too.
  Num power(b, loop.getResult(0));
  Num hasInverse = (base == 1) | (base == -1);
  return {select((exponent < 0) & !hasInverse, 0, power)};
}

/// Of f64; f32 has a formula.
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::FPowIOp op) {
  if (!getElementTypeOrSelf(op.getType()).isF64())
    return {};
  Num exponent(b, op.getRhs());
  return {math::PowFOp::create(b, op.getLhs(), exponent.toI64Signed().toF64())};
}

/// Of f64; upstream would round the difference away.
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, math::ExpM1Op op) {
  Num x(b, op.getOperand());
  if (!getElementTypeOrSelf(op.getType()).isF64())
    return {};
  Num tangent = x.make<math::TanhOp>(x * 0.5);
  return {tangent * (x.make<math::ExpOp>(x) + 1.0)};
}

/// An f64 as a float of 16 bits. Of the two neighbours in f32 the odd one is
/// taken, which is no tie of 16 bits and on the right side of all of them.
static Value roundOnce(ImplicitLocOpBuilder &b, Num x, Type type) {
  Num rounded = x.toF32(), back = rounded.toF64();
  Num bits = rounded.bits();
  Num isInexact = (back < x) | (back > x), isEven = (bits & 1) == 0;
  Num odd = select(abs(back) > abs(x), bits - 1, bits + 1).fromBits();
  Num toOdd = select(isInexact & isEven, odd, rounded);
  return arith::TruncFOp::create(b, type, toOdd);
}

static SmallVector<Value> compose(ImplicitLocOpBuilder &b, arith::TruncFOp op) {
  if (!getElementTypeOrSelf(op.getIn()).isF64() || !isOf16Bits(op.getOut()))
    return {};
  return {roundOnce(b, Num(b, op.getIn()), op.getType())};
}

/// Of an integer that f32 would round first.
template <typename OpTy>
static SmallVector<Value> composeFloat(ImplicitLocOpBuilder &b, OpTy op) {
  unsigned width = getElementTypeOrSelf(op.getIn()).getIntOrFloatBitWidth();
  if (!isOf16Bits(op.getOut()) || width <= 24 || width > 64)
    return {};
  constexpr bool isSigned = std::is_same_v<OpTy, arith::SIToFPOp>;
  Num x(b, op.getIn());
  if (width > 32) {
    if (width < 64)
      x = isSigned ? x.toI64Signed() : x.toI64();
    // What f64 does not hold gets an odd multiple of 2^11 beside it.
    Num cut = (x & ~int64_t(2047)) | select((x & 2047) == 0, 0, x.like(2048));
    Num top = isSigned ? x.shrs(52) : x.shru(52);
    x = select((top == 0) | (top == (isSigned ? -1 : 0)), x, cut);
  }
  return {
      roundOnce(b, x.make<OpTy>(x.typeOf(b.getF64Type()), x), op.getType())};
}
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, arith::SIToFPOp op) {
  return composeFloat(b, op);
}
static SmallVector<Value> compose(ImplicitLocOpBuilder &b, arith::UIToFPOp op) {
  return composeFloat(b, op);
}

namespace {
/// Replaces an op by others of its operands.
template <typename OpTy>
struct Compose : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> results = compose(b, op);
    if (results.empty())
      return rewriter.notifyMatchFailure(op, "left as it is");
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

/// Whether processors compute in the type.
static bool isComputed(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIntOrIndex() ||
         isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element);
}

static LogicalResult verifyTypes(Operation *op) {
  if (!isa_and_nonnull<math::MathDialect, arith::ArithDialect>(
          op->getDialect()) ||
      // Moves and casts of f8 know no arithmetic.
      isa<arith::ConstantOp, arith::SelectOp, arith::BitcastOp, arith::ExtFOp>(
          op))
    return success();
  for (Type type : op->getOperandTypes())
    if (!isComputed(type))
      return op->emitOpError("is not computed in ")
             << getElementTypeOrSelf(type) << "; convert its operands to f32";
  for (Type type : op->getResultTypes())
    if (!isComputed(type))
      return op->emitOpError("does not round to ")
             << getElementTypeOrSelf(type)
             << ", which only weights have; leave the result in f32, f16 or "
                "bf16";
  return success();
}

namespace {
struct LegalizeMath : et::impl::LegalizeMathBase<LegalizeMath> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet wideners(context), composers(context);
    wideners.add<Widen>(context);
    composers.add<Compose<math::AbsIOp>, Compose<math::ClampFOp>,
                  Compose<math::ExpM1Op>, Compose<math::FPowIOp>,
                  Compose<arith::SIToFPOp>, Compose<arith::TruncFOp>,
                  Compose<arith::UIToFPOp>, Compose<math::IPowIOp>,
                  Compose<math::IsFiniteOp>, Compose<math::IsInfOp>,
                  Compose<math::IsNaNOp>, Compose<math::IsNormalOp>,
                  Compose<math::RsqrtOp>, Compose<math::SincosOp>>(context);
    widening = std::move(wideners);
    composition = std::move(composers);
    return success();
  }

  void runOnOperation() override {
    WalkResult known = getOperation()->walk(
        [](Operation *op) { return WalkResult(verifyTypes(op)); });
    if (known.wasInterrupted())
      return signalPassFailure();
    walkAndApplyPatterns(getOperation(), widening);
    walkAndApplyPatterns(getOperation(), composition);
  }

private:
  FrozenRewritePatternSet widening, composition;
};
} // namespace
