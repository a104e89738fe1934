//===- ExecHalf.cpp - f16 and bf16 arithmetic -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"

#include <cmath>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

// Sums and products of two 11-bit (or 8-bit) significands rounded to 24 bits
// and then to the short format are rounded as if once.
struct Half {
  ET_EMU_INLINE float wide(uint16_t v) { return halfToFloat(v); }
  ET_EMU_INLINE uint16_t narrow(float v) { return floatToHalf(v); }
  ET_EMU_INLINE uint16_t flush(uint16_t v) {
    return (v & 0x7c00) ? v : v & 0x8000;
  }
  /// The product is exact in f64. Only where the sum is not exact in f64 does
  /// one operand lie so far below the other that it cannot reach the middle
  /// between two numbers of the short format.
  ET_EMU_INLINE uint16_t fma(uint16_t a, uint16_t b, uint16_t c) {
    return fromDouble(double(wide(a)) * wide(b) + wide(c));
  }
  ET_EMU_INLINE uint16_t fromDouble(double v) {
    // Round to odd in f32 keeps what the second rounding needs to know.
    float f = float(v);
    uint32_t bits = floatToBits(f);
    if (double(f) != v && v == v && !(bits & 1)) {
      bool away = std::fabs(double(f)) < std::fabs(v);
      bits = away ? bits | 1 : bits - 1;
    }
    return narrow(bitsToFloat(bits));
  }
};
struct Bfloat {
  ET_EMU_INLINE float wide(uint16_t v) { return bfloatToFloat(v); }
  ET_EMU_INLINE uint16_t narrow(float v) { return floatToBfloat(v); }
  ET_EMU_INLINE uint16_t flush(uint16_t v) { return v; }
  ET_EMU_INLINE uint16_t fma(uint16_t a, uint16_t b, uint16_t c) {
    // Exact product; the sum rounded to odd in f64, by the error of the sum.
    double p = double(wide(a)) * wide(b), q = wide(c), s = p + q;
    double t = s - p, e = (p - (s - t)) + (q - t);
    uint64_t bits = doubleToBits(s);
    if (e != 0 && e == e && std::fabs(s) < INFINITY && !(bits & 1))
      bits = (e > 0) == (s > 0) ? bits | 1 : bits - 1;
    s = bitsToDouble(bits);
    float f = float(s);
    uint32_t low = floatToBits(f);
    if (double(f) != s && s == s && !(low & 1) && std::fabs(f) < INFINITY)
      low = std::fabs(double(f)) < std::fabs(s) ? low | 1 : low - 1;
    return narrow(bitsToFloat(low));
  }
};

enum Op : uint8_t {
  OpAdd,
  OpSub,
  OpMul,
  OpFma,
  OpMin,
  OpMax,
  OpNeg,
  OpAbs,
  OpTanh,
  OpEx2
};
/// Flags of m[0].
enum : uint8_t {
  FlagFtz = 1,
  FlagSat = 2,
  FlagRelu = 4,
  FlagNan = 8,
  FlagXor = 16
};

template <typename H, int O>
ET_EMU_INLINE uint16_t apply(uint16_t a, uint16_t b, uint16_t c,
                             uint8_t flags) {
  if (flags & FlagFtz) {
    a = H::flush(a);
    b = H::flush(b);
    c = H::flush(c);
  }
  float x = H::wide(a), y = H::wide(b);
  uint16_t r;
  switch (O) {
  case OpAdd:
    r = H::narrow(x + y);
    break;
  case OpSub:
    r = H::narrow(x - y);
    break;
  case OpMul:
    r = H::narrow(x * y);
    break;
  case OpFma:
    r = H::fma(a, b, c);
    break;
  case OpNeg:
    return a ^ 0x8000;
  case OpAbs:
    return a & 0x7fff;
  case OpTanh:
    r = H::narrow(std::tanh(x));
    break;
  case OpEx2:
    r = H::narrow(std::exp2(x));
    break;
  default: {
    uint16_t signs = (a ^ b) & 0x8000;
    if (flags & FlagXor) {
      a &= 0x7fff;
      b &= 0x7fff;
      x = H::wide(a);
      y = H::wide(b);
    }
    bool first = O == OpMax ? x > y : x < y,
         second = O == OpMax ? y > x : y < x;
    uint16_t same = O == OpMax ? a & b : a | b;
    r = first ? a : second ? b : same;
    r = x != x ? b : y != y ? a : r;
    bool nan = (flags & FlagNan) ? (x != x || y != y) : (x != x && y != y);
    r = nan ? 0x7fff : r;
    if ((flags & FlagXor) && !nan)
      r = (r & 0x7fff) | signs;
    return r;
  }
  }
  float v = H::wide(r);
  r = v != v ? 0x7fff : r;
  if (flags & FlagSat)
    r = v > 0 ? (v < 1 ? r : H::narrow(1.0f)) : 0;
  if (flags & FlagRelu)
    r = v > 0 || v != v ? r : 0;
  if (flags & FlagFtz)
    r = H::flush(r);
  return r;
}

template <typename H, int O>
void execHalf(Warp &w, const Inst &i) {
  const uint16_t *a = w.at<uint16_t>(i.op[1]), *b = w.at<uint16_t>(i.op[2]),
                 *c = w.at<uint16_t>(i.op[3]);
  uint8_t flags = i.m[0];
  setLanes<uint16_t>(
      w, i.op[0], [=](int l) { return apply<H, O>(a[l], b[l], c[l], flags); });
}
template <typename H, int O>
void execHalf2(Warp &w, const Inst &i) {
  const uint32_t *a = w.at<uint32_t>(i.op[1]), *b = w.at<uint32_t>(i.op[2]),
                 *c = w.at<uint32_t>(i.op[3]);
  uint8_t flags = i.m[0];
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    uint32_t low =
        apply<H, O>(uint16_t(a[l]), uint16_t(b[l]), uint16_t(c[l]), flags);
    uint32_t high = apply<H, O>(uint16_t(a[l] >> 16), uint16_t(b[l] >> 16),
                                uint16_t(c[l] >> 16), flags);
    return low | high << 16;
  });
}

template <int O>
bool finish(Decoder &d, Type type, unsigned sources) {
  bool pair = type == Type::F16x2 || type == Type::BF16x2;
  bool brain = type == Type::BF16 || type == Type::BF16x2;
  if (O <= OpFma)
    d.take("rn");
  uint8_t flags = 0;
  flags |= d.take("ftz") ? FlagFtz : 0;
  flags |= d.take("sat") ? FlagSat : 0;
  flags |= O == OpFma && d.take("relu") ? FlagRelu : 0;
  if (O == OpMin || O == OpMax) {
    flags |= d.take("NaN") ? FlagNan : 0;
    if (d.take("xorsign"))
      flags |= d.take("abs") ? FlagXor : 0;
  }
  d.inst.m[0] = flags;
  if (!simpleOperands(d, sources, type))
    return false;
  // Operands that an operation lacks are read and not used.
  for (unsigned k = sources + 1; k <= 3; ++k)
    d.inst.op[k] = d.inst.op[1];
  return d.emit(pair ? (brain ? execHalf2<Bfloat, O> : execHalf2<Half, O>)
                     : (brain ? execHalf<Bfloat, O> : execHalf<Half, O>),
                O >= OpTanh ? Class::Special : Class::Half);
}

} // namespace

bool decodeHalf(Decoder &d, Type type) {
  std::string_view op = d.opcode();
  if (op == "add")
    return finish<OpAdd>(d, type, 2);
  if (op == "sub")
    return finish<OpSub>(d, type, 2);
  if (op == "mul")
    return finish<OpMul>(d, type, 2);
  if (op == "fma")
    return finish<OpFma>(d, type, 3);
  if (op == "min")
    return finish<OpMin>(d, type, 2);
  if (op == "max")
    return finish<OpMax>(d, type, 2);
  if (op == "neg")
    return finish<OpNeg>(d, type, 1);
  if (op == "abs")
    return finish<OpAbs>(d, type, 1);
  if (op == "tanh")
    return finish<OpTanh>(d, type, 1);
  if (op == "ex2")
    return finish<OpEx2>(d, type, 1);
  return d.unsupported("no f16 or bf16 form of this opcode is known");
}

} // namespace et::emu::ET_EMU_ISA
