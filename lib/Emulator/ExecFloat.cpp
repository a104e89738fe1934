//===- ExecFloat.cpp - f32 and f64 arithmetic -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"

#include <cfenv>
#include <cmath>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

// PTX gives one NaN, whatever the operands' payloads.
ET_EMU_INLINE float canonical(float v) {
  return v != v ? bitsToFloat(0x7fff'ffff) : v;
}
ET_EMU_INLINE double canonical(double v) {
  return v != v ? bitsToDouble(0x7fff'ffff'ffff'ffff) : v;
}
template <bool Ftz>
ET_EMU_INLINE float flush(float v) {
  uint32_t bits = floatToBits(v);
  return Ftz && (bits & 0x7f80'0000) == 0 ? bitsToFloat(bits & 0x8000'0000) : v;
}
template <bool Ftz>
ET_EMU_INLINE double flush(double v) {
  return v;
}
template <bool Sat, typename T>
ET_EMU_INLINE T saturate(T v) {
  // NaN saturates to +0.
  return Sat ? (v > T(0) ? (v < T(1) ? v : T(1)) : T(0)) : v;
}

#define ET_FLOAT1(NAME, EXPR)                                                  \
  struct NAME {                                                                \
    template <typename T>                                                      \
    ET_EMU_INLINE T f(T a) {                                                   \
      return EXPR;                                                             \
    }                                                                          \
  };
#define ET_FLOAT2(NAME, EXPR)                                                  \
  struct NAME {                                                                \
    template <typename T>                                                      \
    ET_EMU_INLINE T f(T a, T b) {                                              \
      return EXPR;                                                             \
    }                                                                          \
  };
ET_FLOAT2(Add, a + b)
ET_FLOAT2(Sub, a - b)
ET_FLOAT2(Mul, a *b)
ET_FLOAT2(Div, a / b)
ET_FLOAT1(Rcp, T(1) / a)
struct Fma {
  ET_EMU_INLINE float f(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
  }
  ET_EMU_INLINE double f(double a, double b, double c) {
    return __builtin_fma(a, b, c);
  }
};
struct Sqrt {
  ET_EMU_INLINE float f(float a) { return __builtin_sqrtf(a); }
  ET_EMU_INLINE double f(double a) { return __builtin_sqrt(a); }
};
struct Rsqrt {
  ET_EMU_INLINE float f(float a) {
    return a == 0.0f ? 1.0f / a : float(1.0 / __builtin_sqrt(double(a)));
  }
  ET_EMU_INLINE double f(double a) { return 1.0 / __builtin_sqrt(a); }
};
ET_FLOAT1(Sin, std::sin(a))
ET_FLOAT1(Cos, std::cos(a))
ET_FLOAT1(Lg2, std::log2(a))
ET_FLOAT1(Ex2, std::exp2(a))
ET_FLOAT1(Tanh, std::tanh(a))

template <typename F, typename T, bool Ftz, bool Sat>
void float1(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]);
  setLanes<T>(w, i.op[0], [=](int l) {
    return saturate<Sat>(flush<Ftz>(canonical(F::f(flush<Ftz>(a[l])))));
  });
}
template <typename F, typename T, bool Ftz, bool Sat>
void float2(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  setLanes<T>(w, i.op[0], [=](int l) {
    return saturate<Sat>(
        flush<Ftz>(canonical(F::f(flush<Ftz>(a[l]), flush<Ftz>(b[l])))));
  });
}
template <typename F, typename T, bool Ftz, bool Sat>
void float3(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]), *c = w.at<T>(i.op[3]);
  setLanes<T>(w, i.op[0], [=](int l) {
    return saturate<Sat>(flush<Ftz>(
        canonical(F::f(flush<Ftz>(a[l]), flush<Ftz>(b[l]), flush<Ftz>(c[l])))));
  });
}

/// Rounding other than to nearest: one lane at a time, through memory, so that
/// nothing is computed before the mode is set.
template <typename F, typename T, int Arity>
void floatRounded(Warp &w, const Inst &i) {
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                              FE_UPWARD};
  const T *a = w.at<T>(i.op[1]);
  const T *b = Arity > 1 ? w.at<T>(i.op[2]) : a;
  const T *c = Arity > 2 ? w.at<T>(i.op[3]) : a;
  T *d = w.at<T>(i.op[0]);
  std::fesetround(modes[i.m[0]]);
  eachLane(w.exec, [&](int l) {
    volatile T x = a[l], y = b[l], z = c[l];
    if (i.m[1]) {
      x = flush<true>(T(x));
      y = flush<true>(T(y));
      z = flush<true>(T(z));
    }
    volatile T r;
    if constexpr (Arity == 1)
      r = F::f(T(x));
    else if constexpr (Arity == 2)
      r = F::f(T(x), T(y));
    else
      r = F::f(T(x), T(y), T(z));
    T v = canonical(T(r));
    if (i.m[1])
      v = flush<true>(v);
    d[l] = i.m[2] ? saturate<true>(v) : v;
  });
  std::fesetround(FE_TONEAREST);
}

template <bool Brain>
void widen(Warp &w, const Inst &i) {
  const uint16_t *a = w.at<uint16_t>(i.op[1]);
  float *to = w.at<float>(i.op[0]);
  ET_LANES(l) to[l] = Brain ? bfloatToFloat(a[l]) : halfToFloat(a[l]);
}

/// Sources of `type`; all but the last may be narrower.
bool floatOperands(Decoder &d, unsigned sources, Type type, Type narrow) {
  if (narrow == Type::None)
    return simpleOperands(d, sources, type);
  if (narrow != Type::F16 && narrow != Type::BF16)
    return d.unsupported("f16 or bf16 is expected beside f32");
  if (!d.operands(sources + 1))
    return false;
  for (unsigned k = 1; k < sources; ++k) {
    Inst convert;
    convert.fn = narrow == Type::BF16 ? widen<true> : widen<false>;
    convert.op[0] = d.temp(Type::F32);
    convert.op[1] = d.use(d.arg(k), narrow);
    convert.cls = Class::Convert;
    d.emitExtra(convert);
    d.inst.op[k] = convert.op[0];
  }
  d.inst.op[sources] = d.use(d.arg(sources), type);
  d.inst.op[0] = d.def(d.arg(0), type);
  return true;
}

template <typename F, int Arity>
bool finish(Decoder &d, Type type, Class cls, bool rounds,
            Type narrow = Type::None) {
  int mode = 0;
  if (rounds && !d.take("rn"))
    mode = d.take("rz") ? 1 : d.take("rm") ? 2 : d.take("rp") ? 3 : 0;
  bool ftz = type == Type::F32 && d.take("ftz");
  bool sat = type == Type::F32 && d.take("sat");
  if (type != Type::F32 && type != Type::F64)
    return d.unsupported("f32 or f64 is expected");
  if (!floatOperands(d, Arity, type, narrow))
    return false;
  bool wide = type == Type::F64;
  if (mode) {
    d.inst.m[0] = static_cast<uint8_t>(mode);
    d.inst.m[1] = ftz;
    d.inst.m[2] = sat;
    return d.emit(wide ? floatRounded<F, double, Arity>
                       : floatRounded<F, float, Arity>,
                  cls);
  }
#define ET_PICK(N)                                                             \
  (wide  ? N<F, double, false, false>                                          \
   : ftz ? (sat ? N<F, float, true, true> : N<F, float, true, false>)          \
   : sat ? N<F, float, false, true>                                            \
         : N<F, float, false, false>)
  if constexpr (Arity == 1)
    return d.emit(ET_PICK(float1), cls);
  else if constexpr (Arity == 2)
    return d.emit(ET_PICK(float2), cls);
  else
    return d.emit(ET_PICK(float3), cls);
}

template <typename T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using type = uint32_t;
};
template <>
struct BitsOf<double> {
  using type = uint64_t;
};
ET_EMU_INLINE uint32_t toBits(float v) { return floatToBits(v); }
ET_EMU_INLINE uint64_t toBits(double v) { return doubleToBits(v); }
ET_EMU_INLINE float fromBits(uint32_t v) { return bitsToFloat(v); }
ET_EMU_INLINE double fromBits(uint64_t v) { return bitsToDouble(v); }

template <bool Max, bool Nan, bool Xor, bool Abs>
struct MinMax {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b) {
    using U = typename BitsOf<T>::type;
    constexpr U sign = U(1) << (8 * sizeof(T) - 1);
    U signs = (toBits(a) ^ toBits(b)) & sign;
    if (Abs) {
      a = fromBits(U(toBits(a) & ~sign));
      b = fromBits(U(toBits(b) & ~sign));
    }
    // Equal numbers differ at most in the sign of zero.
    U same = Max ? toBits(a) & toBits(b) : toBits(a) | toBits(b);
    T r = (Max ? a > b : a < b)   ? a
          : (Max ? b > a : b < a) ? b
                                  : fromBits(same);
    r = a != a ? b : b != b ? a : r;
    if (Nan)
      r = a != a ? a : b != b ? b : r;
    if (Xor)
      r = fromBits(U((toBits(r) & ~sign) | signs));
    return r;
  }
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return f(f(a, b), c);
  }
};

template <bool Max>
bool decodeMinMax(Decoder &d, Type type) {
  bool nan = d.take("NaN");
  bool xorSign = d.take("xorsign");
  bool abs = d.take("abs");
  if (d.count() == 4 && !xorSign && !abs)
    return nan ? finish<MinMax<Max, true, false, false>, 3>(d, type,
                                                            Class::Float, false)
               : finish<MinMax<Max, false, false, false>, 3>(
                     d, type, Class::Float, false);
  if (xorSign || abs)
    return nan ? finish<MinMax<Max, true, true, true>, 2>(d, type, Class::Float,
                                                          false)
               : finish<MinMax<Max, false, true, true>, 2>(d, type,
                                                           Class::Float, false);
  return nan ? finish<MinMax<Max, true, false, false>, 2>(d, type, Class::Float,
                                                          false)
             : finish<MinMax<Max, false, false, false>, 2>(d, type,
                                                           Class::Float, false);
}

/// Sign operations keep a NaN's payload.
template <typename T, bool Neg, bool Ftz>
void execSign(Warp &w, const Inst &i) {
  using U = typename BitsOf<T>::type;
  constexpr U sign = U(1) << (8 * sizeof(T) - 1);
  const U *a = w.at<U>(i.op[1]);
  setLanes<U>(w, i.op[0], [=](int l) {
    U v = toBits(flush<Ftz>(fromBits(a[l])));
    return U(Neg ? v ^ sign : v & ~sign);
  });
}

template <typename T>
void execCopysign(Warp &w, const Inst &i) {
  constexpr T sign = T(1) << (8 * sizeof(T) - 1);
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  setLanes<T>(w, i.op[0],
              [=](int l) { return T((a[l] & sign) | (b[l] & T(~sign))); });
}

template <typename T>
void execTestp(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]);
  uint8_t what = i.m[0];
  setPred(w, i.op[0], [=](int l) {
    int c = std::fpclassify(a[l]);
    switch (what) {
    case 0:
      return c != FP_INFINITE && c != FP_NAN;
    case 1:
      return c == FP_INFINITE;
    case 2:
      return c != FP_NAN;
    case 3:
      return c == FP_NAN;
    case 4:
      return c == FP_NORMAL;
    default:
      return c == FP_SUBNORMAL;
    }
  });
}

/// Two f32 in a register of 64 bits: an instruction of sm_100 and later.
template <typename F, bool Ftz>
void floatPair(Warp &w, const Inst &i) {
  const uint64_t *a = w.at<uint64_t>(i.op[1]), *b = w.at<uint64_t>(i.op[2]),
                 *c = w.at<uint64_t>(i.op[3]);
  setLanes<uint64_t>(w, i.op[0], [=](int l) {
    auto half = [=](int shift) {
      auto part = [=](uint64_t v) {
        return flush<Ftz>(bitsToFloat(uint32_t(v >> shift)));
      };
      float v;
      if constexpr (std::is_same_v<F, Fma>)
        v = F::f(part(a[l]), part(b[l]), part(c[l]));
      else
        v = F::f(part(a[l]), part(b[l]));
      return uint64_t(floatToBits(flush<Ftz>(canonical(v)))) << shift;
    };
    return half(0) | half(32);
  });
}

template <typename F>
bool finishPair(Decoder &d, unsigned sources) {
  d.take("rn");
  bool ftz = d.take("ftz");
  if (!simpleOperands(d, sources, Type::F32x2))
    return false;
  // The operand that a sum or product lacks is read and not used.
  for (unsigned k = sources + 1; k <= 3; ++k)
    d.inst.op[k] = d.inst.op[1];
  return d.emit(ftz ? floatPair<F, true> : floatPair<F, false>, Class::Float);
}

bool decodeFloatPair(Decoder &d) {
  std::string_view op = d.opcode();
  if (op == "add")
    return finishPair<Add>(d, 2);
  if (op == "sub")
    return finishPair<Sub>(d, 2);
  if (op == "mul")
    return finishPair<Mul>(d, 2);
  if (op == "fma")
    return finishPair<Fma>(d, 3);
  return d.unsupported("no f32x2 form of this opcode is known");
}

bool decodeTestp(Decoder &d) {
  static const char *const names[] = {"finite",     "infinite", "number",
                                      "notanumber", "normal",   "subnormal"};
  uint8_t what = 0;
  while (what < 6 && !d.take(names[what]))
    ++what;
  Type type = d.takeType();
  if (what == 6 || !d.operands(2))
    return d.unsupported("no test that is known");
  d.inst.m[0] = what;
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[0] = d.defPred(d.arg(0));
  return d.emit(type == Type::F64 ? execTestp<double> : execTestp<float>,
                Class::Float);
}

/// The f64 forms with ftz take and give the upper 32 bits alone.
template <typename F>
void upperHalf(Warp &w, const Inst &i) {
  const uint64_t *a = w.at<uint64_t>(i.op[1]);
  auto cut = [](uint64_t v) {
    bool normal = v & 0x7ff0'0000'0000'0000;
    return v & (normal ? 0xffff'ffff'0000'0000 : uint64_t(1) << 63);
  };
  setLanes<uint64_t>(w, i.op[0], [=](int l) {
    return cut(doubleToBits(canonical(F::f(bitsToDouble(cut(a[l]))))));
  });
}

bool decodeApprox(Decoder &d) {
  std::string_view op = d.opcode();
  Type type = d.takeType();
  bool approx = d.take("approx");
  if (type == Type::F16 || type == Type::BF16 || type == Type::F16x2 ||
      type == Type::BF16x2)
    return decodeHalf(d, type);
  if (type == Type::F64 && approx && (op == "rcp" || op == "rsqrt") &&
      d.take("ftz"))
    return simpleOperands(d, 1, type) &&
           d.emit(op == "rcp" ? upperHalf<Rcp> : upperHalf<Rsqrt>,
                  Class::Special);
  bool rounds = !approx && (op == "rcp" || op == "sqrt");
  if (op == "rcp")
    return finish<Rcp, 1>(d, type, Class::Special, rounds);
  if (op == "sqrt")
    return finish<Sqrt, 1>(d, type, Class::Special, rounds);
  if (op == "rsqrt")
    return finish<Rsqrt, 1>(d, type, Class::Special, false);
  if (op == "sin")
    return finish<Sin, 1>(d, type, Class::Special, false);
  if (op == "cos")
    return finish<Cos, 1>(d, type, Class::Special, false);
  if (op == "lg2")
    return finish<Lg2, 1>(d, type, Class::Special, false);
  if (op == "ex2")
    return finish<Ex2, 1>(d, type, Class::Special, false);
  return finish<Tanh, 1>(d, type, Class::Special, false);
}

} // namespace

bool decodeFloat(Decoder &d, Type type) {
  if (type == Type::F32x2)
    return decodeFloatPair(d);
  std::string_view op = d.opcode();
  Class cls = type == Type::F64 ? Class::Double : Class::Float;
  bool mixes = type == Type::F32 && (op == "add" || op == "sub" || op == "fma");
  Type narrow = mixes ? d.takeType() : Type::None;
  if (op == "add")
    return finish<Add, 2>(d, type, cls, true, narrow);
  if (op == "sub")
    return finish<Sub, 2>(d, type, cls, true, narrow);
  if (op == "mul")
    return finish<Mul, 2>(d, type, cls, true);
  if (op == "fma" || op == "mad")
    return finish<Fma, 3>(d, type, cls, true, narrow);
  if (op == "div") {
    bool approx = d.take("approx") || d.take("full");
    return finish<Div, 2>(d, type, Class::Special, !approx);
  }
  if (op == "min")
    return decodeMinMax<false>(d, type);
  if (op == "max")
    return decodeMinMax<true>(d, type);
  if (op == "abs" || op == "neg") {
    bool neg = op == "neg", ftz = d.take("ftz");
    if (!simpleOperands(d, 1, type))
      return false;
    if (type == Type::F64)
      return d.emit(neg ? execSign<double, true, false>
                        : execSign<double, false, false>,
                    cls);
    return d.emit(
        neg ? (ftz ? execSign<float, true, true> : execSign<float, true, false>)
            : (ftz ? execSign<float, false, true>
                   : execSign<float, false, false>),
        cls);
  }
  return d.unsupported("no f32 or f64 form of this opcode is known");
}

void registerFloat(OpTable &ops) {
  for (const char *op :
       {"rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh"})
    ops[op] = decodeApprox;
  ops["testp"] = decodeTestp;
  ops["copysign"] = [](Decoder &d) {
    Type type = d.takeType();
    return simpleOperands(d, 2, type) &&
           d.emit(type == Type::F64 ? execCopysign<uint64_t>
                                    : execCopysign<uint32_t>,
                  Class::Float);
  };
}

} // namespace et::emu::ET_EMU_ISA
