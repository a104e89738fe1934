//===- ExecConvert.cpp - cvt ----------------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

/// m[0] of every conversion.
enum Round : uint8_t { Nearest, Zero, Down, Up, Away };
/// m[1].
enum : uint8_t { Ftz = 1, Sat = 2, Relu = 4, SatFinite = 8, Integral = 16 };

struct F16Tag {};
struct BF16Tag {};

template <typename T>
struct Storage {
  using type = T;
};
template <>
struct Storage<F16Tag> {
  using type = uint16_t;
};
template <>
struct Storage<BF16Tag> {
  using type = uint16_t;
};

template <typename S>
ET_EMU_INLINE auto loadAs(typename Storage<S>::type v) {
  if constexpr (std::is_same_v<S, F16Tag>)
    return halfToFloat(v);
  else if constexpr (std::is_same_v<S, BF16Tag>)
    return bfloatToFloat(v);
  else
    return v;
}

ET_EMU_INLINE double toIntegral(double v, uint8_t round) {
  switch (round) {
  case Zero:
    return std::trunc(v);
  case Down:
    return std::floor(v);
  case Up:
    return std::ceil(v);
  default:
    return std::nearbyint(v);
  }
}

template <typename D>
D floatToInt(double v, uint8_t round, bool wide) {
  // A NaN is 0 where neither type has 64 bits, and else the topmost bit.
  if (v != v)
    return wide ? D(uint64_t(1) << (8 * sizeof(D) - 1)) : D(0);
  v = toIntegral(v, round);
  constexpr double low = static_cast<double>(std::numeric_limits<D>::min());
  // One past the largest, which f64 holds for every width.
  const double high = std::ldexp(1.0, std::numeric_limits<D>::digits);
  if (v < low)
    return std::numeric_limits<D>::min();
  if (v >= high)
    return std::numeric_limits<D>::max();
  return static_cast<D>(v);
}

/// A number rounded to `bits` of significand, its last place never below
/// 2^least; no limit above.
double roundTo(double v, int bits, int least, uint8_t round) {
  if (v == 0 || v != v || std::isinf(v))
    return v;
  int exponent;
  std::frexp(v, &exponent);
  int place = std::max(exponent - bits, least);
  double scaled = std::ldexp(v, -place);
  double r = round == Away ? std::round(scaled) : toIntegral(scaled, round);
  return std::copysign(std::ldexp(r, place), v);
}

struct Format {
  int bits, least;
  double largest;
  uint16_t infinity, nan, largestBits;
};
constexpr Format kHalf = {11, -24, 65504.0, 0x7c00, 0x7fff, 0x7bff};
constexpr Format kBfloat = {8, -133, 0x1.fep127, 0x7f80, 0x7fff, 0x7f7f};

uint16_t toShort(double v, const Format &f, uint8_t round, uint8_t flags) {
  bool half = f.bits == 11;
  if (v != v)
    return (flags & Sat) ? 0 : f.nan;
  if (flags & Sat)
    v = v > 0 ? (v < 1 ? v : 1) : 0;
  if (flags & Relu)
    v = v > 0 ? v : 0;
  uint16_t sign = std::signbit(v) ? 0x8000 : 0;
  double r = std::fabs(roundTo(v, f.bits, f.least, round));
  if (r > f.largest) {
    bool clamp =
        (flags & SatFinite) ||
        (!std::isinf(v) &&
         (round == Zero || (round == Down && !sign) || (round == Up && sign)));
    return sign | (clamp ? f.largestBits : f.infinity);
  }
  // The rounded number is exact in f32 and in the short format.
  return sign | (half ? floatToHalf(float(r)) : floatToBfloat(float(r)));
}

float toSingle(double v, uint8_t round, uint8_t flags) {
  float r;
  if (v != v) {
    r = bitsToFloat(0x7fff'ffff);
  } else {
    r = float(v);
    if (round != Nearest && double(r) != v) {
      double exact = v;
      if (round == Zero   ? std::fabs(double(r)) > std::fabs(exact)
          : round == Down ? double(r) > exact
                          : false)
        r = std::nextafterf(r, round == Zero ? 0.0f : -INFINITY);
      else if (round == Up && double(r) < exact)
        r = std::nextafterf(r, INFINITY);
    }
  }
  if ((flags & Ftz) && (floatToBits(r) & 0x7f80'0000) == 0)
    r = bitsToFloat(floatToBits(r) & 0x8000'0000);
  if (flags & Sat)
    r = r > 0 ? (r < 1 ? r : 1.0f) : 0.0f;
  return r;
}

/// 64-bit integers to f32 or f64 in the mode asked for, rounded once. Zero is
/// its own case: without an instruction for unsigned numbers (before AVX-512) a
/// compiler subtracts two equal halves, which is -0 when rounding down.
template <typename D, typename S>
D intToFloat(S v, uint8_t round) {
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                              FE_UPWARD, FE_TONEAREST};
  if (round == Nearest || v == 0)
    return static_cast<D>(v);
  volatile S source = v;
  std::fesetround(modes[round]);
  volatile D r = static_cast<D>(source);
  std::fesetround(FE_TONEAREST);
  return r;
}

template <typename D, typename S>
ET_EMU_INLINE typename Storage<D>::type convert(typename Storage<S>::type in,
                                                uint8_t round, uint8_t flags) {
  using V = decltype(loadAs<S>(in));
  V v = loadAs<S>(in);
  constexpr bool fromInt = std::is_integral_v<V>;
  constexpr bool toInt = std::is_integral_v<D>;
  if constexpr (fromInt && toInt) {
    if (flags & Sat) {
      __int128 x = v;
      __int128 low = std::numeric_limits<D>::min(),
               high = std::numeric_limits<D>::max();
      return static_cast<D>(x < low ? low : x > high ? high : x);
    }
    return static_cast<D>(v);
  } else if constexpr (toInt) {
    if ((flags & Ftz) && sizeof(V) == 4 && std::fabs(v) < 0x1p-126f)
      v = 0;
    return floatToInt<D>(v, round, sizeof(V) == 8 || sizeof(D) == 8);
  } else {
    double x;
    if constexpr (fromInt) {
      if constexpr (std::is_same_v<D, float>) {
        float r = intToFloat<float>(v, round);
        return flags & Sat ? (r > 0 ? (r < 1 ? r : 1.0f) : 0.0f) : r;
      } else if constexpr (std::is_same_v<D, double>) {
        return intToFloat<double>(v, round);
      } else {
        // A 64-bit integer that f64 cannot hold is beyond f16, and far from
        // a middle of bf16 unless its low bits say so: keep them as one.
        x = intToFloat<double>(v, Zero);
        if constexpr (sizeof(V) == 8)
          if (static_cast<__int128>(x) != static_cast<__int128>(v))
            x = bitsToDouble(doubleToBits(x) | 1);
      }
    } else {
      if ((flags & Ftz) && std::is_same_v<S, float> && std::fabs(v) < 0x1p-126f)
        v = std::copysign(V(0), v);
      if ((flags & Integral) && v == v)
        v = V(toIntegral(v, round));
      x = v;
    }
    if constexpr (std::is_same_v<D, double>)
      return flags & Sat ? (x > 0 ? (x < 1 ? x : 1.0) : 0.0)
             : x != x    ? bitsToDouble(0x7fff'ffff'ffff'ffff)
                         : x;
    else if constexpr (std::is_same_v<D, float>)
      return toSingle(x, round, flags);
    else if constexpr (std::is_same_v<D, F16Tag>)
      return toShort(x, kHalf, round, flags);
    else
      return toShort(x, kBfloat, round, flags);
  }
}

template <typename D, typename S>
void execCvt(Warp &w, const Inst &i) {
  using DS = typename Storage<D>::type;
  using SS = typename Storage<S>::type;
  // Registers may be wider than the types (m[2], m[3] are their bytes): the
  // low bytes are read; the result is extended as its type says.
  const uint8_t *a = w.at<uint8_t>(i.op[1]);
  uint8_t *d = w.at<uint8_t>(i.op[0]);
  unsigned to = i.m[2], from = i.m[3];
  if (from == sizeof(SS) && to == sizeof(DS)) {
    const SS *in = w.at<SS>(i.op[1]);
    uint8_t round = i.m[0], flags = i.m[1];
    setLanes<DS>(w, i.op[0],
                 [=](int l) { return convert<D, S>(in[l], round, flags); });
    return;
  }
  eachLane(w.exec, [&](int l) {
    SS in;
    std::memcpy(&in, a + l * from, sizeof(SS));
    DS out = convert<D, S>(in, i.m[0], i.m[1]);
    uint64_t wide = 0;
    std::memcpy(&wide, &out, sizeof(DS));
    if constexpr (std::is_integral_v<D> && std::is_signed_v<D>)
      wide = static_cast<uint64_t>(static_cast<int64_t>(out));
    std::memcpy(d + l * to, &wide, to);
  });
}

/// The conversions that kernels spend their time in, without branches.
template <bool Brain, bool Relu>
void execFloatToShort(Warp &w, const Inst &i) {
  const float *a = w.at<float>(i.op[1]);
  setLanes<uint16_t>(w, i.op[0], [=](int l) {
    float v = Relu ? (a[l] > 0 || a[l] != a[l] ? a[l] : 0.0f) : a[l];
    return Brain ? floatToBfloat(v) : floatToHalf(v);
  });
}
template <bool Brain>
void execShortToFloat(Warp &w, const Inst &i) {
  const uint16_t *a = w.at<uint16_t>(i.op[1]);
  setLanes<float>(w, i.op[0], [=](int l) {
    float v = Brain ? bfloatToFloat(a[l]) : halfToFloat(a[l]);
    return v != v ? bitsToFloat(0x7fff'ffff) : v;
  });
}
template <bool Brain, bool Relu>
void execPairNearest(Warp &w, const Inst &i) {
  const float *a = w.at<float>(i.op[1]), *b = w.at<float>(i.op[2]);
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    float x = a[l], y = b[l];
    if (Relu) {
      x = x > 0 || x != x ? x : 0.0f;
      y = y > 0 || y != y ? y : 0.0f;
    }
    uint32_t high = Brain ? floatToBfloat(x) : floatToHalf(x);
    uint32_t low = Brain ? floatToBfloat(y) : floatToHalf(y);
    return high << 16 | low;
  });
}
template <bool Brain>
void execPair(Warp &w, const Inst &i) {
  const float *a = w.at<float>(i.op[1]), *b = w.at<float>(i.op[2]);
  uint8_t round = i.m[0], flags = i.m[1];
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    const Format &f = Brain ? kBfloat : kHalf;
    return uint32_t(toShort(a[l], f, round, flags)) << 16 |
           toShort(b[l], f, round, flags);
  });
}

void execTf32(Warp &w, const Inst &i) {
  const float *a = w.at<float>(i.op[1]);
  uint8_t round = i.m[0], flags = i.m[1];
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    float v = a[l];
    uint32_t bits = floatToBits(v), magnitude = bits & 0x7fff'ffff;
    if (magnitude > 0x7f80'0000)
      return 0x7fff'ffffu;
    if ((flags & Relu) && !(v > 0))
      return 0u;
    if (magnitude == 0x7f80'0000)
      return flags & SatFinite ? (bits & 0x8000'0000) | 0x7f7f'e000 : bits;
    uint32_t half = round == Zero   ? 0
                    : round == Away ? 0x1000
                                    : 0xfff + (bits >> 13 & 1);
    uint32_t r = (bits + half) & 0xffff'e000;
    if ((flags & SatFinite) && (r & 0x7fff'ffff) == 0x7f80'0000)
      r = (r & 0x8000'0000) | 0x7f7f'e000;
    return r;
  });
}

/// 8-bit formats. e4m3 has no infinity and one NaN; both saturate.
uint8_t toByte(double v, bool e4m3, uint8_t flags) {
  if (v != v)
    return 0x7f;
  if ((flags & Relu) && !(v > 0))
    return 0;
  uint8_t sign = std::signbit(v) ? 0x80 : 0;
  int bits = e4m3 ? 4 : 3, bias = e4m3 ? 7 : 15;
  double largest = e4m3 ? 448.0 : 57344.0;
  double r = std::fabs(roundTo(v, bits, 1 - bias - (bits - 1), Nearest));
  if (r > largest)
    r = largest;
  if (r == 0)
    return sign;
  int exponent;
  double fraction = std::frexp(r, &exponent); // r = fraction * 2^exponent
  int biased = exponent - 1 + bias;
  if (biased <= 0)
    return sign | uint8_t(std::ldexp(r, bias - 1 + bits - 1));
  return sign | uint8_t(biased << (bits - 1)) |
         uint8_t(std::ldexp(fraction * 2 - 1, bits - 1));
}
float fromByte(uint8_t v, bool e4m3) {
  int bits = e4m3 ? 3 : 2, bias = e4m3 ? 7 : 15;
  int exponent = (v & 0x7f) >> bits, fraction = v & ((1 << bits) - 1);
  float r;
  if (e4m3 && (v & 0x7f) == 0x7f)
    return NAN;
  if (!e4m3 && exponent == 31)
    r = fraction ? NAN : INFINITY;
  else if (exponent == 0)
    r = std::ldexp(float(fraction), 1 - bias - bits);
  else
    r = std::ldexp(float(fraction + (1 << bits)), exponent - bias - bits);
  return v & 0x80 ? -r : r;
}

/// m[2]: e4m3. Two f32 to two bytes, the first operand high.
void execFloatsToBytes(Warp &w, const Inst &i) {
  const float *a = w.at<float>(i.op[1]), *b = w.at<float>(i.op[2]);
  setLanes<uint16_t>(w, i.op[0], [&](int l) {
    return uint16_t(toByte(a[l], i.m[2], i.m[1]) << 8 |
                    toByte(b[l], i.m[2], i.m[1]));
  });
}
void execHalvesToBytes(Warp &w, const Inst &i) {
  const uint32_t *a = w.at<uint32_t>(i.op[1]);
  setLanes<uint16_t>(w, i.op[0], [&](int l) {
    return uint16_t(toByte(halfToFloat(uint16_t(a[l] >> 16)), i.m[2], i.m[1])
                        << 8 |
                    toByte(halfToFloat(uint16_t(a[l])), i.m[2], i.m[1]));
  });
}
void execBytesToHalves(Warp &w, const Inst &i) {
  const uint16_t *a = w.at<uint16_t>(i.op[1]);
  setLanes<uint32_t>(w, i.op[0], [&](int l) {
    uint32_t high = floatToHalf(fromByte(a[l] >> 8, i.m[2]));
    uint32_t low = floatToHalf(fromByte(a[l] & 255, i.m[2]));
    if (i.m[1] & Relu) {
      high = high & 0x8000 ? 0 : high;
      low = low & 0x8000 ? 0 : low;
    }
    return high << 16 | low;
  });
}

template <typename D>
ExecFn pickFrom(Type from) {
  switch (from) {
  case Type::U8:
  case Type::B8:
    return execCvt<D, uint8_t>;
  case Type::S8:
    return execCvt<D, int8_t>;
  case Type::U16:
  case Type::B16:
    return execCvt<D, uint16_t>;
  case Type::S16:
    return execCvt<D, int16_t>;
  case Type::U32:
  case Type::B32:
    return execCvt<D, uint32_t>;
  case Type::S32:
    return execCvt<D, int32_t>;
  case Type::U64:
  case Type::B64:
    return execCvt<D, uint64_t>;
  case Type::S64:
    return execCvt<D, int64_t>;
  case Type::F16:
    return execCvt<D, F16Tag>;
  case Type::BF16:
    return execCvt<D, BF16Tag>;
  case Type::F32:
    return execCvt<D, float>;
  case Type::F64:
    return execCvt<D, double>;
  default:
    return nullptr;
  }
}
ExecFn pick(Type to, Type from) {
  switch (to) {
  case Type::U8:
    return pickFrom<uint8_t>(from);
  case Type::S8:
    return pickFrom<int8_t>(from);
  case Type::U16:
    return pickFrom<uint16_t>(from);
  case Type::S16:
    return pickFrom<int16_t>(from);
  case Type::U32:
    return pickFrom<uint32_t>(from);
  case Type::S32:
    return pickFrom<int32_t>(from);
  case Type::U64:
    return pickFrom<uint64_t>(from);
  case Type::S64:
    return pickFrom<int64_t>(from);
  case Type::F16:
    return pickFrom<F16Tag>(from);
  case Type::BF16:
    return pickFrom<BF16Tag>(from);
  case Type::F32:
    return pickFrom<float>(from);
  case Type::F64:
    return pickFrom<double>(from);
  default:
    return nullptr;
  }
}

/// m[0] bits of a part, m[1] signed. Two numbers are clamped and go below what
/// is in op[3], which moves up.
void execCvtPack(Warp &w, const Inst &i) {
  const int32_t *a = w.at<int32_t>(i.op[1]), *b = w.at<int32_t>(i.op[2]);
  const uint32_t *c = w.at<uint32_t>(i.op[3]);
  unsigned bits = i.m[0];
  int32_t low = i.m[1] ? -(1 << (bits - 1)) : 0,
          high = (1 << (bits - i.m[1])) - 1;
  uint32_t mask = (1u << bits) - 1;
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    auto part = [=](int32_t v) {
      return uint32_t(v < low ? low : v > high ? high : v) & mask;
    };
    uint32_t above = bits == 16 ? 0 : c[l] << (2 * bits & 31);
    return above | part(a[l]) << bits | part(b[l]);
  });
}

bool decodeCvtPack(Decoder &d) {
  std::string_view part =
      d.take("sat")
          ? d.takeAny({"u2", "s2", "u4", "s4", "u8", "s8", "u16", "s16"})
          : std::string_view();
  if (part.empty() || !d.take("s32"))
    return d.unsupported("cvt.pack.sat to u2, s2 ... s16 from s32 is expected");
  d.inst.m[0] = part.size() == 3 ? 16 : static_cast<uint8_t>(part[1] - '0');
  d.inst.m[1] = part[0] == 's';
  bool isAbove = d.inst.m[0] != 16;
  if (isAbove && !d.take("b32"))
    return d.unsupported("the type of what lies above is b32");
  if (!d.operands(isAbove ? 4 : 3))
    return false;
  d.inst.op[1] = d.use(d.arg(1), Type::B32);
  d.inst.op[2] = d.use(d.arg(2), Type::B32);
  d.inst.op[3] = isAbove ? d.use(d.arg(3), Type::B32) : d.constant(0, 4);
  d.inst.op[0] = d.def(d.arg(0), Type::B32);
  return d.emit(execCvtPack, Class::Convert);
}

bool decodeCvt(Decoder &d) {
  if (d.take("pack"))
    return decodeCvtPack(d);
  std::string_view round =
      d.takeAny({"rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi"});
  uint8_t flags = 0;
  flags |= d.take("ftz") ? Ftz : 0;
  flags |= d.take("sat") ? Sat : 0;
  flags |= d.take("satfinite") ? SatFinite : 0;
  flags |= d.take("relu") ? Relu : 0;
  Type to = d.takeType(), from = d.takeType();
  if (to == Type::None || from == Type::None)
    return d.unsupported("two types that are known are expected");
  char mode = round.size() > 1 ? round[1] : 'n';
  uint8_t r = mode == 'z'      ? Zero
              : mode == 'm'    ? Down
              : mode == 'p'    ? Up
              : round == "rna" ? Away
                               : Nearest;
  if (round.size() == 3 && round != "rna" && isFloat(to))
    flags |= Integral;
  d.inst.m[0] = r;
  d.inst.m[1] = flags;
  bool pairTo = to == Type::F16x2 || to == Type::BF16x2;
  if (pairTo && from == Type::F32) {
    if (!d.operands(3))
      return false;
    d.inst.track = Track::Join;
    d.inst.op[1] = d.use(d.arg(1), Type::F32);
    d.inst.op[2] = d.use(d.arg(2), Type::F32);
    d.inst.op[0] = d.def(d.arg(0), Type::B32);
    bool brain = to == Type::BF16x2;
    if (r != Nearest || (flags & ~Relu))
      return d.emit(brain ? execPair<true> : execPair<false>, Class::Convert);
    return d.emit(flags & Relu ? (brain ? execPairNearest<true, true>
                                        : execPairNearest<false, true>)
                               : (brain ? execPairNearest<true, false>
                                        : execPairNearest<false, false>),
                  Class::Convert);
  }
  if (to == Type::E4M3x2 || to == Type::E5M2x2) {
    d.inst.m[2] = to == Type::E4M3x2;
    bool floats = from == Type::F32;
    if (!d.operands(floats ? 3 : 2))
      return false;
    d.inst.op[1] = d.use(d.arg(1), floats ? Type::F32 : Type::B32);
    if (floats) {
      d.inst.op[2] = d.use(d.arg(2), Type::F32);
      d.inst.track = Track::Join;
    }
    d.inst.op[0] = d.def(d.arg(0), Type::B16);
    return d.emit(floats                ? execFloatsToBytes
                  : from == Type::F16x2 ? execHalvesToBytes
                                        : nullptr,
                  Class::Convert);
  }
  if (from == Type::E4M3x2 || from == Type::E5M2x2) {
    d.inst.m[2] = from == Type::E4M3x2;
    if (to != Type::F16x2 || !d.operands(2))
      return d.unsupported("only f16x2 is made from 8-bit floats");
    d.inst.op[1] = d.use(d.arg(1), Type::B16);
    d.inst.op[0] = d.def(d.arg(0), Type::B32);
    return d.emit(execBytesToHalves, Class::Convert);
  }
  if (!d.operands(2))
    return false;
  if (to == Type::TF32) {
    d.inst.op[1] = d.use(d.arg(1), Type::F32);
    d.inst.op[0] = d.def(d.arg(0), Type::B32);
    return d.emit(from == Type::F32 ? execTf32 : nullptr, Class::Convert);
  }
  if (!isFloat(to) && !isFloat(from) && !(flags & Sat)) {
    d.inst.track = Track::Wire;
    d.inst.slots = 1 << 1;
  }
  d.inst.op[1] = d.useWide(d.arg(1), from, d.inst.m[3]);
  d.inst.op[0] = d.defWide(d.arg(0), to, d.inst.m[2]);
  bool exact = d.inst.m[2] == std::max(2u, typeBytes(to)) &&
               d.inst.m[3] == std::max(2u, typeBytes(from));
  bool brain = to == Type::BF16 || from == Type::BF16;
  if (exact && from == Type::F32 && (to == Type::F16 || to == Type::BF16) &&
      r == Nearest && !(flags & ~Relu))
    return d.emit(flags & Relu ? (brain ? execFloatToShort<true, true>
                                        : execFloatToShort<false, true>)
                               : (brain ? execFloatToShort<true, false>
                                        : execFloatToShort<false, false>),
                  Class::Convert);
  if (exact && to == Type::F32 && (from == Type::F16 || from == Type::BF16) &&
      !(flags & (Sat | Integral)))
    return d.emit(brain ? execShortToFloat<true> : execShortToFloat<false>,
                  Class::Convert);
  return d.emit(pick(to, from), Class::Convert);
}

} // namespace

void registerConvert(OpTable &ops) { ops["cvt"] = decodeCvt; }

} // namespace et::emu::ET_EMU_ISA
