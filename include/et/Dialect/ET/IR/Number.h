//===- Number.h - Formulas and their derivatives ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A formula is written once, with the operators and functions below, and makes
// ops for scalars and for vectors, and its derivatives if they are asked for.
//
// All is inline: attributes of other dialects, which have formulas of their
// own, may live in libraries that do not link this one.
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_NUMBER_H
#define ET_DIALECT_ET_IR_NUMBER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::et {

/// An f32 scalar or vector, with its derivatives by the formula's variables:
/// none if they are not asked for. A derivative that is 0 throughout is null.
class Number {
public:
  Number(ImplicitLocOpBuilder &builder, Value value,
         ArrayRef<Value> derivatives = {})
      : builder(&builder), value(value), derivatives(derivatives) {}

  Value getValue() const { return value; }
  ArrayRef<Value> getDerivatives() const { return derivatives; }

  /// The same without derivatives.
  Number plain() const { return {*builder, value}; }
  /// A constant of this type.
  Number like(double constant) const {
    TypedAttr attr = builder->getF32FloatAttr(static_cast<float>(constant));
    if (auto type = dyn_cast<ShapedType>(value.getType()))
      attr = DenseElementsAttr::get(type, attr);
    return {*builder, arith::ConstantOp::create(*builder, attr)};
  }
  template <typename OpTy, typename... Args>
  Number make(Args &&...args) const {
    return {*builder, OpTy::create(*builder, std::forward<Args>(args)...)};
  }
  /// f(this), where f and its derivative `slope` are given without derivatives
  /// of their own.
  Number chain(Number f, function_ref<Number()> slope) const {
    if (llvm::any_of(derivatives, [](Value d) { return bool(d); })) {
      Number factor = slope();
      for (Value d : derivatives)
        f.derivatives.push_back(
            d ? arith::MulFOp::create(*builder, d, factor.value).getResult()
              : Value());
    } else {
      f.derivatives = derivatives;
    }
    return f;
  }
  /// f(a, b), where f and its derivatives by a and by b are given likewise.
  static Number chain(const Number &a, const Number &b, Number f,
                      function_ref<Number()> slopeOfA,
                      function_ref<Number()> slopeOfB) {
    Number byA = a.chain(f, slopeOfA), byB = b.chain(f, slopeOfB);
    size_t count = std::max(a.derivatives.size(), b.derivatives.size());
    byA.derivatives.resize(count);
    byB.derivatives.resize(count);
    for (auto [one, other] :
         llvm::zip_equal(byA.derivatives, byB.derivatives)) {
      if (one && other)
        one = arith::AddFOp::create(*f.builder, one, other);
      else if (other)
        one = other;
    }
    return byA;
  }

private:
  ImplicitLocOpBuilder *builder;
  Value value;
  SmallVector<Value, 2> derivatives;
};

inline Number operator-(const Number &a) {
  return a.chain(a.make<arith::NegFOp>(a.getValue()),
                 [&] { return a.like(-1.0); });
}
inline Number operator+(const Number &a, const Number &b) {
  auto slope = [&] { return a.like(1.0); };
  return Number::chain(a, b, a.make<arith::AddFOp>(a.getValue(), b.getValue()),
                       slope, slope);
}
inline Number operator-(const Number &a, const Number &b) {
  return Number::chain(
      a, b, a.make<arith::SubFOp>(a.getValue(), b.getValue()),
      [&] { return a.like(1.0); }, [&] { return a.like(-1.0); });
}
inline Number operator*(const Number &a, const Number &b) {
  return Number::chain(
      a, b, a.make<arith::MulFOp>(a.getValue(), b.getValue()),
      [&] { return b.plain(); }, [&] { return a.plain(); });
}
inline Number operator/(const Number &a, const Number &b) {
  Number quotient = a.make<arith::DivFOp>(a.getValue(), b.getValue());
  return Number::chain(
      a, b, quotient, [&] { return b.like(1.0) / b.plain(); },
      [&] { return -quotient / b.plain(); });
}

inline Number operator+(const Number &a, double b) { return a + a.like(b); }
inline Number operator+(double a, const Number &b) { return b.like(a) + b; }
inline Number operator-(const Number &a, double b) { return a - a.like(b); }
inline Number operator-(double a, const Number &b) { return b.like(a) - b; }
inline Number operator*(const Number &a, double b) { return a * a.like(b); }
inline Number operator*(double a, const Number &b) { return b.like(a) * b; }
inline Number operator/(const Number &a, double b) { return a / a.like(b); }
inline Number operator/(double a, const Number &b) { return b.like(a) / b; }

inline Number exp(const Number &a) {
  Number power = a.make<math::ExpOp>(a.getValue());
  return a.chain(power, [&] { return power; });
}

inline Number erf(const Number &a) {
  return a.chain(a.make<math::ErfOp>(a.getValue()), [&] {
    // 2 / sqrt(pi)
    return 1.1283791670955126 * exp(-(a.plain() * a.plain()));
  });
}

inline Number tanh(const Number &a) {
  Number result = a.make<math::TanhOp>(a.getValue());
  return a.chain(result, [&] { return 1.0 - result * result; });
}

/// a / (1 + exp(-r)). Its derivatives are finite where exp(-r) is not.
inline Number timesSigmoid(const Number &a, const Number &r) {
  auto onePlusExp = [](const Number &x) { return 1.0 + exp(x); };
  auto sigmoid = [&](const Number &x) { return 1.0 / onePlusExp(-x); };
  Number power = onePlusExp(-r.plain());
  Number product = a.plain() / power;
  return Number::chain(
      a, r, product, [&] { return 1.0 / power; },
      [&] { return product * sigmoid(-r.plain()); });
}

/// 1 where the comparison holds, which is unordered so that NaNs pass, else 0.
inline Number oneWhere(arith::CmpFPredicate predicate, const Number &a,
                       double bound) {
  Number least = a.like(bound);
  Value holds = a.make<arith::CmpFOp>(predicate, a.getValue(), least.getValue())
                    .getValue();
  return a.make<arith::SelectOp>(holds, a.like(1.0).getValue(),
                                 a.like(0.0).getValue());
}

/// max(a, 0), whose derivative at 0 is 0. A NaN stays one, here and below.
inline Number relu(const Number &a) {
  return a.chain(
      a.make<arith::MaximumFOp>(a.getValue(), a.like(0.0).getValue()),
      [&] { return oneWhere(arith::CmpFPredicate::UGT, a, 0.0); });
}
/// min(a, bound) and max(a, bound), whose derivatives at the bound are 1.
inline Number atMost(const Number &a, double bound) {
  return a.chain(
      a.make<arith::MinimumFOp>(a.getValue(), a.like(bound).getValue()),
      [&] { return oneWhere(arith::CmpFPredicate::ULE, a, bound); });
}
inline Number atLeast(const Number &a, double bound) {
  return a.chain(
      a.make<arith::MaximumFOp>(a.getValue(), a.like(bound).getValue()),
      [&] { return oneWhere(arith::CmpFPredicate::UGE, a, bound); });
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_NUMBER_H
