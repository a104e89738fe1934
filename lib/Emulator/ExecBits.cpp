//===- ExecBits.cpp - Logic, shifts, and other instructions on bits -------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecInteger.h"

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

ET_INT2(And, a &b)
ET_INT2(Or, a | b)
ET_INT2(Xor, a ^ b)
ET_INT1(Not, ~a)
ET_INT1(Brev, sizeof(T) == 4 ? T(__builtin_bitreverse32(uint32_t(a)))
                             : T(__builtin_bitreverse64(a)))

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

} // namespace

void execNotPred(Warp &w, const Inst &i) {
  uint32_t r = ~w.pred(i.op[1]);
  uint32_t &d = w.pred(i.op[0]);
  d = (d & ~w.exec) | (r & w.exec);
}

void registerBits(OpTable &ops) {
  ops["and"] = [](Decoder &d) { return decodeLogic<And>(d, execPredLogic<0>); };
  ops["or"] = [](Decoder &d) { return decodeLogic<Or>(d, execPredLogic<1>); };
  ops["xor"] = [](Decoder &d) { return decodeLogic<Xor>(d, execPredLogic<2>); };
  ops["not"] = decodeNot;
  ops["lop3"] = decodeLop3;
  ops["prmt"] = decodePrmt;
  ops["shl"] = ops["shr"] = decodeShift;
  ops["shf"] = decodeShf;
  for (const char *op :
       {"popc", "clz", "bfind", "brev", "bfe", "bfi", "bmsk", "szext", "fns"})
    ops[op] = decodeBits;
}

} // namespace et::emu::ET_EMU_ISA
