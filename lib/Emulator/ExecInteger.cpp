//===- ExecInteger.cpp - Integer and bit instructions ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"

#include <type_traits>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

template <typename T>
using Unsigned = std::make_unsigned_t<T>;
template <typename T>
struct WideOf;
template <>
struct WideOf<uint16_t> {
  using type = uint32_t;
};
template <>
struct WideOf<int16_t> {
  using type = int32_t;
};
template <>
struct WideOf<uint32_t> {
  using type = uint64_t;
};
template <>
struct WideOf<int32_t> {
  using type = int64_t;
};
template <>
struct WideOf<uint64_t> {
  using type = unsigned __int128;
};
template <>
struct WideOf<int64_t> {
  using type = __int128;
};
template <typename T>
using Wide = typename WideOf<T>::type;

template <typename T>
ET_EMU_INLINE T wrapMul(T a, T b) {
  // 16-bit operands would be promoted to int, whose overflow is undefined.
  return T(uint64_t(Unsigned<T>(a)) * uint64_t(Unsigned<T>(b)));
}

#define ET_INT1(NAME, EXPR)                                                    \
  struct NAME {                                                                \
    template <typename T>                                                      \
    ET_EMU_INLINE T f(T a) {                                                   \
      return T(EXPR);                                                          \
    }                                                                          \
  };
#define ET_INT2(NAME, EXPR)                                                    \
  struct NAME {                                                                \
    template <typename T>                                                      \
    ET_EMU_INLINE T f(T a, T b) {                                              \
      return T(EXPR);                                                          \
    }                                                                          \
  };

ET_INT2(Add, Unsigned<T>(a) + Unsigned<T>(b))
ET_INT2(Sub, Unsigned<T>(a) - Unsigned<T>(b))
ET_INT2(MulLo, wrapMul(a, b))
ET_INT2(MulHi, (Wide<T>(a) * Wide<T>(b)) >> (8 * sizeof(T)))
// The hardware gives all ones for a division by zero, and the dividend as
// remainder; the lowest number over -1 wraps.
ET_INT2(Div, b == 0                                ? T(~Unsigned<T>(0))
             : (std::is_signed_v<T> && b == T(-1)) ? T(0 - Unsigned<T>(a))
                                                   : T(a / b))
ET_INT2(Rem, b == 0 ? a : (std::is_signed_v<T> && b == T(-1)) ? T(0) : T(a % b))
ET_INT2(Min, a < b ? a : b)
ET_INT2(Max, a > b ? a : b)
ET_INT1(Abs, a < 0 ? 0 - Unsigned<T>(a) : Unsigned<T>(a))
ET_INT1(Neg, 0 - Unsigned<T>(a))
ET_INT2(And, a &b)
ET_INT2(Or, a | b)
ET_INT2(Xor, a ^ b)
ET_INT1(Not, ~a)
ET_INT1(CNot, a == 0 ? 1 : 0)
ET_INT1(Brev, sizeof(T) == 4 ? T(__builtin_bitreverse32(uint32_t(a)))
                             : T(__builtin_bitreverse64(a)))

struct AddSat {
  ET_EMU_INLINE int32_t f(int32_t a, int32_t b) {
    int64_t s = int64_t(a) + b;
    return int32_t(s > INT32_MAX ? INT32_MAX : s < INT32_MIN ? INT32_MIN : s);
  }
};
struct SubSat {
  ET_EMU_INLINE int32_t f(int32_t a, int32_t b) {
    int64_t s = int64_t(a) - b;
    return int32_t(s > INT32_MAX ? INT32_MAX : s < INT32_MIN ? INT32_MIN : s);
  }
};
struct MulWide {
  template <typename T>
  ET_EMU_INLINE Wide<T> f(T a, T b) {
    return Wide<T>(a) * Wide<T>(b);
  }
};
struct MadLo {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return T(Unsigned<T>(wrapMul(a, b)) + Unsigned<T>(c));
  }
};
struct MadHi {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return T(Unsigned<T>(MulHi::f(a, b)) + Unsigned<T>(c));
  }
};
struct MadWide {
  template <typename T, typename W>
  ET_EMU_INLINE W f(T a, T b, W c) {
    return W(Unsigned<W>(Wide<T>(a) * Wide<T>(b)) + Unsigned<W>(c));
  }
};
struct Mul24Lo {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b) {
    return T(uint32_t(extend(a) * extend(b)));
  }
  ET_EMU_INLINE int64_t extend(int32_t a) {
    return int32_t(uint32_t(a) << 8) >> 8;
  }
  ET_EMU_INLINE int64_t extend(uint32_t a) { return a & 0xffffff; }
};
struct Mad24Lo {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return T(uint32_t(Mul24Lo::f(a, b)) + uint32_t(c));
  }
};
struct Sad {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return T(Unsigned<T>(c) + (a < b ? Unsigned<T>(b) - Unsigned<T>(a)
                                     : Unsigned<T>(a) - Unsigned<T>(b)));
  }
};
struct Popc {
  ET_EMU_INLINE uint32_t f(uint32_t a) { return __builtin_popcount(a); }
  ET_EMU_INLINE uint32_t f(uint64_t a) { return __builtin_popcountll(a); }
};
struct Clz {
  ET_EMU_INLINE uint32_t f(uint32_t a) { return a ? __builtin_clz(a) : 32; }
  ET_EMU_INLINE uint32_t f(uint64_t a) { return a ? __builtin_clzll(a) : 64; }
};
template <bool Shift>
struct Bfind {
  template <typename T>
  ET_EMU_INLINE uint32_t f(T a) {
    Unsigned<T> u = Unsigned<T>(a < 0 ? ~a : a);
    if (u == 0)
      return ~0u;
    unsigned at = 63 - __builtin_clzll(u);
    return Shift ? 8 * sizeof(T) - 1 - at : at;
  }
};
struct Shl {
  template <typename T>
  ET_EMU_INLINE T f(T a, uint32_t b) {
    return b >= 8 * sizeof(T) ? T(0) : T(Unsigned<T>(a) << b);
  }
};
struct Shr {
  template <typename T>
  ET_EMU_INLINE T f(T a, uint32_t b) {
    unsigned last = 8 * sizeof(T) - 1;
    return std::is_signed_v<T> ? T(a >> (b > last ? last : b))
                               : (b > last ? T(0) : T(a >> b));
  }
};
template <bool Left, bool Wrap>
struct Shf {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t n = Wrap ? c & 31 : (c > 32 ? 32 : c);
    uint64_t both = uint64_t(b) << 32 | a;
    return Left ? uint32_t((both << n) >> 32) : uint32_t(both >> n);
  }
};
struct Bfe {
  template <typename T>
  ET_EMU_INLINE T f(T a, uint32_t b, uint32_t c) {
    constexpr unsigned bits = 8 * sizeof(T);
    unsigned pos = b & 255, len = c & 255;
    if (len == 0)
      return 0;
    Unsigned<T> sign =
        std::is_signed_v<T>
            ? Unsigned<T>(a) >>
                      (pos + len - 1 < bits ? pos + len - 1 : bits - 1) &
                  1
            : 0;
    Unsigned<T> field = pos < bits ? Unsigned<T>(a) >> pos : 0;
    // Bits of `a` that the field holds; the rest are copies of the sign.
    unsigned have = pos >= bits ? 0 : bits - pos < len ? bits - pos : len;
    if (have >= bits)
      return T(field);
    Unsigned<T> low = (Unsigned<T>(1) << have) - 1;
    return T((field & low) | (sign ? ~low : 0));
  }
};
struct Bfi {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, uint32_t c, uint32_t d) {
    constexpr unsigned bits = 8 * sizeof(T);
    unsigned pos = c & 255, len = d & 255;
    if (len == 0 || pos >= bits)
      return b;
    T ones = len >= bits ? T(~T(0)) : T((T(1) << len) - 1);
    T field = T(ones << pos);
    return T((b & ~field) | ((a << pos) & field));
  }
};
template <bool Wrap>
struct Bmsk {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b) {
    uint32_t pos = Wrap ? a & 31 : a, len = Wrap ? b & 31 : b;
    if (pos >= 32)
      return 0;
    uint32_t ones = len >= 32 ? ~0u : (1u << len) - 1;
    return ones << pos;
  }
};
template <bool Wrap>
struct Szext {
  template <typename T>
  ET_EMU_INLINE T f(T a, uint32_t b) {
    uint32_t n = Wrap ? b & 31 : b;
    if (n >= 32)
      return a;
    if (n == 0)
      return 0;
    return T(T(uint32_t(a) << (32 - n)) >> (32 - n));
  }
};
struct Fns {
  ET_EMU_INLINE uint32_t f(uint32_t mask, uint32_t base, int32_t offset) {
    if (offset == 0)
      return base < 32 && (mask >> base & 1) ? base : ~0u;
    int step = offset > 0 ? 1 : -1, left = offset > 0 ? offset : -offset;
    for (int at = int(base); at >= 0 && at < 32; at += step)
      if ((mask >> at & 1) && --left == 0)
        return at;
    return ~0u;
  }
};
template <typename A, typename B>
struct Dp4a {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b, uint32_t c) {
    for (int k = 0; k < 4; ++k)
      c += uint32_t(int32_t(A(a >> 8 * k)) * int32_t(B(b >> 8 * k)));
    return c;
  }
};
template <typename A, typename B, bool Hi>
struct Dp2a {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b, uint32_t c) {
    using A16 = std::conditional_t<std::is_signed_v<A>, int16_t, uint16_t>;
    for (int k = 0; k < 2; ++k)
      c += uint32_t(int32_t(A16(a >> 16 * k)) *
                    int32_t(B(b >> (8 * k + (Hi ? 16 : 0)))));
    return c;
  }
};
template <typename F>
struct Pair16 {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b) {
    return uint32_t(uint16_t(F::f(uint16_t(a), uint16_t(b)))) |
           uint32_t(uint16_t(F::f(uint16_t(a >> 16), uint16_t(b >> 16)))) << 16;
  }
};
template <typename F>
struct Pair16s {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b) {
    return uint32_t(uint16_t(F::f(int16_t(a), int16_t(b)))) |
           uint32_t(uint16_t(F::f(int16_t(a >> 16), int16_t(b >> 16)))) << 16;
  }
};

template <typename F>
ExecFn pickBinary(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return execBinary<F, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return execBinary<F, int16_t, int16_t, int16_t>;
  case Type::U32:
  case Type::B32:
    return execBinary<F, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return execBinary<F, int32_t, int32_t, int32_t>;
  case Type::U64:
  case Type::B64:
    return execBinary<F, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return execBinary<F, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}
template <typename F>
ExecFn pickTernary(Type type) {
  switch (type) {
  case Type::U16:
    return execTernary<F, uint16_t, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return execTernary<F, int16_t, int16_t, int16_t, int16_t>;
  case Type::U32:
    return execTernary<F, uint32_t, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return execTernary<F, int32_t, int32_t, int32_t, int32_t>;
  case Type::U64:
    return execTernary<F, uint64_t, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return execTernary<F, int64_t, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

/// 0: and, 1: or, 2: xor on predicates, which are words of bits.
template <int Op>
void execPredLogic(Warp &w, const Inst &i) {
  uint32_t a = w.pred(i.op[1]), b = w.pred(i.op[2]);
  uint32_t r = Op == 0 ? a & b : Op == 1 ? a | b : a ^ b;
  uint32_t &d = w.pred(i.op[0]);
  d = (d & ~w.exec) | (r & w.exec);
}

template <typename F>
bool decodeLogic(Decoder &d, ExecFn onPredicates) {
  Type type = d.takeType();
  if (type == Type::Pred) {
    if (!d.operands(3))
      return false;
    d.inst.op[1] = d.usePred(d.arg(1));
    d.inst.op[2] = d.usePred(d.arg(2));
    d.inst.op[0] = d.defPred(d.arg(0));
    return d.emit(onPredicates, Class::Predicate);
  }
  return simpleOperands(d, 2, type) &&
         d.emit(pickBinary<F>(type), Class::Integer);
}

template <typename F>
ExecFn pickUnary(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return execUnary<F, uint16_t, uint16_t>;
  case Type::S16:
    return execUnary<F, int16_t, int16_t>;
  case Type::U32:
  case Type::B32:
    return execUnary<F, uint32_t, uint32_t>;
  case Type::S32:
    return execUnary<F, int32_t, int32_t>;
  case Type::U64:
  case Type::B64:
    return execUnary<F, uint64_t, uint64_t>;
  case Type::S64:
    return execUnary<F, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

bool decodeNot(Decoder &d) {
  Type type = d.takeType();
  if (type == Type::Pred) {
    if (!d.operands(2))
      return false;
    d.inst.op[1] = d.usePred(d.arg(1));
    d.inst.op[0] = d.defPred(d.arg(0));
    return d.emit(execNotPred, Class::Predicate);
  }
  return simpleOperands(d, 1, type) &&
         d.emit(pickUnary<Not>(type), Class::Integer);
}

void execLop3(Warp &w, const Inst &i) {
  const uint32_t *a = w.at<uint32_t>(i.op[1]), *b = w.at<uint32_t>(i.op[2]),
                 *c = w.at<uint32_t>(i.op[3]);
  // The table's bit for (a, b, c) is bit 4a + 2b + c.
  uint32_t t[8];
  for (int k = 0; k < 8; ++k)
    t[k] = i.imm >> k & 1 ? ~0u : 0;
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    uint32_t x = a[l], y = b[l], z = c[l];
    return (t[0] & ~x & ~y & ~z) | (t[1] & ~x & ~y & z) | (t[2] & ~x & y & ~z) |
           (t[3] & ~x & y & z) | (t[4] & x & ~y & ~z) | (t[5] & x & ~y & z) |
           (t[6] & x & y & ~z) | (t[7] & x & y & z);
  });
}

bool decodeLop3(Decoder &d) {
  if (!d.take("b32") || !d.operands(5))
    return d.unsupported("lop3.b32 d, a, b, c, table is expected");
  for (int k = 1; k <= 3; ++k)
    d.inst.op[k] = d.use(d.arg(k), Type::B32);
  int64_t table = 0;
  if (!d.immediate(d.arg(4), table))
    return false;
  d.inst.imm = static_cast<uint64_t>(table);
  d.inst.op[0] = d.def(d.arg(0), Type::B32);
  return d.emit(execLop3, Class::Integer);
}

enum PrmtMode : uint8_t { PrmtIndex, F4e, B4e, Rc8, Ecl, Ecr, Rc16 };

template <int Mode>
struct Prmt {
  ET_EMU_INLINE uint32_t f(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t both = uint64_t(b) << 32 | a;
    uint32_t out = 0;
    for (unsigned k = 0; k < 4; ++k) {
      unsigned s = c & 3, select = 0;
      if (Mode == PrmtIndex)
        select = c >> 4 * k & 15;
      else if (Mode == F4e)
        select = s + k;
      else if (Mode == B4e)
        select = (s + 8 - k) & 7;
      else if (Mode == Rc8)
        select = s;
      else if (Mode == Ecl)
        select = k > s ? k : s;
      else if (Mode == Ecr)
        select = k < s ? k : s;
      else
        select = (s & 1) * 2 + (k & 1);
      uint32_t byte = both >> 8 * (select & 7) & 255;
      if (Mode == PrmtIndex && (select & 8))
        byte = byte & 128 ? 255 : 0;
      out |= byte << 8 * k;
    }
    return out;
  }
};

template <int Mode>
constexpr ExecFn prmt =
    execTernary<Prmt<Mode>, uint32_t, uint32_t, uint32_t, uint32_t>;

bool decodePrmt(Decoder &d) {
  d.take("b32");
  ExecFn fn = d.take("f4e")    ? prmt<F4e>
              : d.take("b4e")  ? prmt<B4e>
              : d.take("rc8")  ? prmt<Rc8>
              : d.take("ecl")  ? prmt<Ecl>
              : d.take("ecr")  ? prmt<Ecr>
              : d.take("rc16") ? prmt<Rc16>
                               : prmt<PrmtIndex>;
  return simpleOperands(d, 3, Type::B32) && d.emit(fn, Class::Integer);
}

bool decodeShift(Decoder &d) {
  bool left = d.opcode() == "shl";
  Type type = d.takeType();
  if (!d.operands(3))
    return false;
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[2] = d.use(d.arg(2), Type::U32);
  d.inst.op[0] = d.def(d.arg(0), type);
#define ET_SHIFT(T)                                                            \
  (left ? execBinary<Shl, T, T, uint32_t> : execBinary<Shr, T, T, uint32_t>)
  ExecFn fn = nullptr;
  switch (type) {
  case Type::B16:
  case Type::U16:
    fn = ET_SHIFT(uint16_t);
    break;
  case Type::S16:
    fn = ET_SHIFT(int16_t);
    break;
  case Type::B32:
  case Type::U32:
    fn = ET_SHIFT(uint32_t);
    break;
  case Type::S32:
    fn = ET_SHIFT(int32_t);
    break;
  case Type::B64:
  case Type::U64:
    fn = ET_SHIFT(uint64_t);
    break;
  case Type::S64:
    fn = ET_SHIFT(int64_t);
    break;
  default:
    break;
  }
  return d.emit(fn, Class::Integer);
}

bool decodeShf(Decoder &d) {
  bool left = d.take("l");
  if (!left && !d.take("r"))
    return d.unsupported("'.l' or '.r' is missing");
  bool wrap = d.take("wrap");
  if (!wrap)
    d.take("clamp");
  d.take("b32");
  using U = uint32_t;
  ExecFn fn = left ? (wrap ? execTernary<Shf<true, true>, U, U, U, U>
                           : execTernary<Shf<true, false>, U, U, U, U>)
                   : (wrap ? execTernary<Shf<false, true>, U, U, U, U>
                           : execTernary<Shf<false, false>, U, U, U, U>);
  return simpleOperands(d, 3, Type::B32) && d.emit(fn, Class::Integer);
}

template <typename T>
void execBfi(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  const uint32_t *c = w.at<uint32_t>(i.op[3]), *e = w.at<uint32_t>(i.op[4]);
  setLanes<T>(w, i.op[0],
              [=](int l) { return Bfi::f(a[l], b[l], c[l], e[l]); });
}

bool decodeBits(Decoder &d) {
  std::string_view op = d.opcode();
  bool shift = op == "bfind" && d.take("shiftamt");
  bool wrap = (op == "bmsk" || op == "szext") && d.take("wrap");
  if ((op == "bmsk" || op == "szext") && !wrap)
    d.take("clamp");
  Type type = d.takeType();
  bool wide = typeBytes(type) == 8, sign = isSigned(type);
  if (typeBytes(type) < 4)
    return d.unsupported("32 and 64 bits are supported");
  ExecFn fn = nullptr;
  if (op == "popc" || op == "clz" || op == "bfind") {
    if (!d.operands(2))
      return false;
    d.inst.op[1] = d.use(d.arg(1), type);
    d.inst.op[0] = d.def(d.arg(0), Type::U32);
    if (op == "popc")
      fn = wide ? execUnary<Popc, uint32_t, uint64_t>
                : execUnary<Popc, uint32_t, uint32_t>;
    else if (op == "clz")
      fn = wide ? execUnary<Clz, uint32_t, uint64_t>
                : execUnary<Clz, uint32_t, uint32_t>;
    else if (wide)
      fn = sign ? (shift ? execUnary<Bfind<true>, uint32_t, int64_t>
                         : execUnary<Bfind<false>, uint32_t, int64_t>)
                : (shift ? execUnary<Bfind<true>, uint32_t, uint64_t>
                         : execUnary<Bfind<false>, uint32_t, uint64_t>);
    else
      fn = sign ? (shift ? execUnary<Bfind<true>, uint32_t, int32_t>
                         : execUnary<Bfind<false>, uint32_t, int32_t>)
                : (shift ? execUnary<Bfind<true>, uint32_t, uint32_t>
                         : execUnary<Bfind<false>, uint32_t, uint32_t>);
  } else if (op == "brev") {
    if (!simpleOperands(d, 1, type))
      return false;
    fn = wide ? execUnary<Brev, uint64_t, uint64_t>
              : execUnary<Brev, uint32_t, uint32_t>;
  } else if (op == "bfe") {
    if (!d.operands(4))
      return false;
    d.inst.op[1] = d.use(d.arg(1), type);
    d.inst.op[2] = d.use(d.arg(2), Type::U32);
    d.inst.op[3] = d.use(d.arg(3), Type::U32);
    d.inst.op[0] = d.def(d.arg(0), type);
#define ET_BFE(T) execTernary<Bfe, T, T, uint32_t, uint32_t>
    fn = wide ? (sign ? ET_BFE(int64_t) : ET_BFE(uint64_t))
              : (sign ? ET_BFE(int32_t) : ET_BFE(uint32_t));
  } else if (op == "bfi") {
    if (!d.operands(5))
      return false;
    d.inst.op[1] = d.use(d.arg(1), type);
    d.inst.op[2] = d.use(d.arg(2), type);
    d.inst.op[3] = d.use(d.arg(3), Type::U32);
    d.inst.op[4] = d.use(d.arg(4), Type::U32);
    d.inst.op[0] = d.def(d.arg(0), type);
    fn = wide ? execBfi<uint64_t> : execBfi<uint32_t>;
  } else if (op == "bmsk") {
    if (!simpleOperands(d, 2, Type::B32))
      return false;
    fn = wrap ? execBinary<Bmsk<true>, uint32_t, uint32_t, uint32_t>
              : execBinary<Bmsk<false>, uint32_t, uint32_t, uint32_t>;
  } else if (op == "szext") {
    if (!simpleOperands(d, 2, Type::B32))
      return false;
    fn = sign ? (wrap ? execBinary<Szext<true>, int32_t, int32_t, uint32_t>
                      : execBinary<Szext<false>, int32_t, int32_t, uint32_t>)
              : (wrap ? execBinary<Szext<true>, uint32_t, uint32_t, uint32_t>
                      : execBinary<Szext<false>, uint32_t, uint32_t, uint32_t>);
  } else {
    if (!simpleOperands(d, 3, Type::B32))
      return false;
    fn = execTernary<Fns, uint32_t, uint32_t, uint32_t, int32_t>;
  }
  return d.emit(fn, Class::Integer);
}

bool decodeDotBytes(Decoder &d) {
  bool four = d.opcode() == "dp4a";
  bool hi = !four && d.take("hi");
  if (!four && !hi)
    d.take("lo");
  Type a = d.takeType(), b = d.takeType();
  bool sa = isSigned(a), sb = isSigned(b);
  using U = uint32_t;
#define ET_DOT(OP)                                                             \
  (sa ? (sb ? execTernary<OP(int8_t, int8_t), U, U, U, U>                      \
            : execTernary<OP(int8_t, uint8_t), U, U, U, U>)                    \
      : (sb ? execTernary<OP(uint8_t, int8_t), U, U, U, U>                     \
            : execTernary<OP(uint8_t, uint8_t), U, U, U, U>))
#define ET_DP4(A, B) Dp4a<A, B>
#define ET_DP2L(A, B) Dp2a<A, B, false>
#define ET_DP2H(A, B) Dp2a<A, B, true>
  ExecFn fn = four ? ET_DOT(ET_DP4) : hi ? ET_DOT(ET_DP2H) : ET_DOT(ET_DP2L);
  return simpleOperands(d, 3, Type::B32) && d.emit(fn, Class::Integer);
}

/// m[0]: subtract; m[1]: carry in; m[2]: carry out.
template <typename T>
void execCarry(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  T *d = w.at<T>(i.op[0]);
  eachLane(w.exec, [&](int l) {
    unsigned __int128 in = i.m[1] ? w.carry[l] : 0, r;
    r = i.m[0] ? static_cast<unsigned __int128>(a[l]) - b[l] - in
               : static_cast<unsigned __int128>(a[l]) + b[l] + in;
    d[l] = static_cast<T>(r);
    if (i.m[2])
      w.carry[l] = static_cast<uint8_t>(r >> (8 * sizeof(T)) & 1);
  });
}

/// m[0]: high half; m[1], m[2]: carry in and out.
template <typename T>
void execMadCarry(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]), *c = w.at<T>(i.op[3]);
  T *d = w.at<T>(i.op[0]);
  eachLane(w.exec, [&](int l) {
    T product = i.m[0] ? MulHi::f(a[l], b[l]) : MulLo::f(a[l], b[l]);
    auto r = static_cast<unsigned __int128>(std::make_unsigned_t<T>(product)) +
             std::make_unsigned_t<T>(c[l]) + (i.m[1] ? w.carry[l] : 0);
    d[l] = static_cast<T>(r);
    if (i.m[2])
      w.carry[l] = static_cast<uint8_t>(r >> (8 * sizeof(T)) & 1);
  });
}

bool decodeCarry(Decoder &d) {
  std::string_view op = d.opcode();
  bool mad = op.substr(0, 3) == "mad";
  if (mad) {
    d.inst.m[0] = d.take("hi");
    if (!d.inst.m[0])
      d.take("lo");
  } else {
    d.inst.m[0] = op.substr(0, 3) == "sub";
  }
  d.inst.m[1] = op.back() == 'c';
  d.inst.m[2] = d.take("cc");
  Type type = d.takeType();
  if (!simpleOperands(d, mad ? 3 : 2, type))
    return false;
  bool wide = typeBytes(type) == 8;
  if (!wide && typeBytes(type) != 4)
    return d.unsupported("32 and 64 bits are supported");
  ExecFn fn =
      !mad ? (wide ? execCarry<uint64_t> : execCarry<uint32_t>)
      : wide
          ? (isSigned(type) ? execMadCarry<int64_t> : execMadCarry<uint64_t>)
          : (isSigned(type) ? execMadCarry<int32_t> : execMadCarry<uint32_t>);
  return d.emit(fn, Class::Integer);
}

bool decodeMultiply(Decoder &d, Type type) {
  bool mad = d.opcode() == "mad";
  std::string_view part = d.takeAny({"lo", "hi", "wide"});
  if (part.empty())
    return d.unsupported("'.lo', '.hi' or '.wide' is missing");
  if (part != "wide")
    return simpleOperands(d, mad ? 3 : 2, type) &&
           d.emit(
               part == "lo"
                   ? (mad ? pickTernary<MadLo>(type) : pickBinary<MulLo>(type))
                   : (mad ? pickTernary<MadHi>(type) : pickBinary<MulHi>(type)),
               Class::Integer);
  Type wide = type == Type::U16   ? Type::U32
              : type == Type::S16 ? Type::S32
              : type == Type::U32 ? Type::U64
                                  : Type::S64;
  if (!d.operands(mad ? 4 : 3))
    return false;
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[2] = d.use(d.arg(2), type);
  if (mad)
    d.inst.op[3] = d.use(d.arg(3), wide);
  d.inst.op[0] = d.def(d.arg(0), wide);
#define ET_WIDE(W, T)                                                          \
  (mad ? execTernary<MadWide, W, T, T, W> : execBinary<MulWide, W, T, T>)
  ExecFn fn = nullptr;
  switch (type) {
  case Type::U16:
    fn = ET_WIDE(uint32_t, uint16_t);
    break;
  case Type::S16:
    fn = ET_WIDE(int32_t, int16_t);
    break;
  case Type::U32:
    fn = ET_WIDE(uint64_t, uint32_t);
    break;
  case Type::S32:
    fn = ET_WIDE(int64_t, int32_t);
    break;
  default:
    break;
  }
  return d.emit(fn, Class::Integer);
}

} // namespace

bool decodeInteger(Decoder &d, Type type) {
  std::string_view op = d.opcode();
  if (type == Type::U16x2 || type == Type::S16x2) {
    using U = uint32_t;
    ExecFn fn = nullptr;
    if (op == "add")
      fn = execBinary<Pair16<Add>, U, U, U>;
    else if (op == "min")
      fn = type == Type::U16x2 ? execBinary<Pair16<Min>, U, U, U>
                               : execBinary<Pair16s<Min>, U, U, U>;
    else if (op == "max")
      fn = type == Type::U16x2 ? execBinary<Pair16<Max>, U, U, U>
                               : execBinary<Pair16s<Max>, U, U, U>;
    return simpleOperands(d, 2, type) && d.emit(fn, Class::Integer);
  }
  if ((op == "add" || op == "sub") && d.take("cc")) {
    d.inst.m[0] = op == "sub";
    d.inst.m[2] = 1;
    return simpleOperands(d, 2, type) &&
           d.emit(typeBytes(type) == 8   ? execCarry<uint64_t>
                  : typeBytes(type) == 4 ? execCarry<uint32_t>
                                         : nullptr,
                  Class::Integer);
  }
  if (op == "mad" && d.take("cc")) {
    d.inst.m[0] = d.take("hi");
    if (!d.inst.m[0])
      d.take("lo");
    d.inst.m[2] = 1;
    bool wide = typeBytes(type) == 8;
    return simpleOperands(d, 3, type) &&
           d.emit(wide ? (isSigned(type) ? execMadCarry<int64_t>
                                         : execMadCarry<uint64_t>)
                       : (isSigned(type) ? execMadCarry<int32_t>
                                         : execMadCarry<uint32_t>),
                  Class::Integer);
  }
  if (op == "mul" || op == "mad")
    return decodeMultiply(d, type);
  if (op == "abs" || op == "neg")
    return simpleOperands(d, 1, type) &&
           d.emit(op == "abs" ? pickUnary<Abs>(type) : pickUnary<Neg>(type),
                  Class::Integer);
  if (!simpleOperands(d, 2, type))
    return false;
  if ((op == "add" || op == "sub") && type == Type::S32 && d.take("sat"))
    return d.emit(op == "add" ? execBinary<AddSat, int32_t, int32_t, int32_t>
                              : execBinary<SubSat, int32_t, int32_t, int32_t>,
                  Class::Integer);
  ExecFn fn = op == "add"   ? pickBinary<Add>(type)
              : op == "sub" ? pickBinary<Sub>(type)
              : op == "div" ? pickBinary<Div>(type)
              : op == "rem" ? pickBinary<Rem>(type)
              : op == "min" ? pickBinary<Min>(type)
              : op == "max" ? pickBinary<Max>(type)
                            : nullptr;
  return d.emit(fn, Class::Integer);
}

void execNotPred(Warp &w, const Inst &i) {
  uint32_t r = ~w.pred(i.op[1]);
  uint32_t &d = w.pred(i.op[0]);
  d = (d & ~w.exec) | (r & w.exec);
}

void registerInteger(OpTable &ops) {
  ops["and"] = [](Decoder &d) { return decodeLogic<And>(d, execPredLogic<0>); };
  ops["or"] = [](Decoder &d) { return decodeLogic<Or>(d, execPredLogic<1>); };
  ops["xor"] = [](Decoder &d) { return decodeLogic<Xor>(d, execPredLogic<2>); };
  ops["not"] = decodeNot;
  ops["cnot"] = [](Decoder &d) {
    Type type = d.takeType();
    return simpleOperands(d, 1, type) &&
           d.emit(pickUnary<CNot>(type), Class::Integer);
  };
  ops["lop3"] = decodeLop3;
  ops["prmt"] = decodePrmt;
  ops["shl"] = ops["shr"] = decodeShift;
  ops["shf"] = decodeShf;
  for (const char *op :
       {"popc", "clz", "bfind", "brev", "bfe", "bfi", "bmsk", "szext", "fns"})
    ops[op] = decodeBits;
  ops["dp4a"] = ops["dp2a"] = decodeDotBytes;
  ops["addc"] = ops["subc"] = ops["madc"] = decodeCarry;
  ops["rem"] = [](Decoder &d) { return decodeInteger(d, d.takeType()); };
  ops["sad"] = [](Decoder &d) {
    Type type = d.takeType();
    return simpleOperands(d, 3, type) &&
           d.emit(pickTernary<Sad>(type), Class::Integer);
  };
  ops["mul24"] = ops["mad24"] = [](Decoder &d) {
    bool mad = d.opcode() == "mad24";
    if (!d.take("lo"))
      return d.unsupported("only '.lo' is supported");
    Type type = d.takeType();
    bool sign = type == Type::S32;
    using U = uint32_t;
    using S = int32_t;
    return simpleOperands(d, mad ? 3 : 2, type) &&
           d.emit(mad ? (sign ? execTernary<Mad24Lo, S, S, S, S>
                              : execTernary<Mad24Lo, U, U, U, U>)
                      : (sign ? execBinary<Mul24Lo, S, S, S>
                              : execBinary<Mul24Lo, U, U, U>),
                  Class::Integer);
  };
}

} // namespace et::emu::ET_EMU_ISA
