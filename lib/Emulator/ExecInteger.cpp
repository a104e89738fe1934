//===- ExecInteger.cpp - Integer arithmetic -------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecInteger.h"

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

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
ET_INT1(CNot, a == 0 ? 1 : 0)

template <typename F>
struct Relu {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b) {
    return F::f(a, b) > 0 ? F::f(a, b) : T(0);
  }
};

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
/// The low or the high 32 bits of the 48 of a product.
template <bool Hi>
struct Mul24 {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b) {
    return T(uint32_t((extend(a) * extend(b)) >> (Hi ? 16 : 0)));
  }
  ET_EMU_INLINE int64_t extend(int32_t a) {
    return int32_t(uint32_t(a) << 8) >> 8;
  }
  ET_EMU_INLINE int64_t extend(uint32_t a) { return a & 0xffffff; }
};
template <bool Hi>
struct Mad24 {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return T(uint32_t(Mul24<Hi>::f(a, b)) + uint32_t(c));
  }
};
struct Sad {
  template <typename T>
  ET_EMU_INLINE T f(T a, T b, T c) {
    return T(Unsigned<T>(c) + (a < b ? Unsigned<T>(b) - Unsigned<T>(a)
                                     : Unsigned<T>(a) - Unsigned<T>(b)));
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
  d.carry(Place::Use);
  d.inst.m[2] = d.take("cc");
  if (d.inst.m[2])
    d.carry(Place::Def);
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

template <bool Hi>
bool decodeMul24(Decoder &d) {
  bool mad = d.opcode() == "mad24";
  Type type = d.takeType();
  bool sign = type == Type::S32;
  using U = uint32_t;
  using S = int32_t;
  return simpleOperands(d, mad ? 3 : 2, type) &&
         d.emit(mad ? (sign ? execTernary<Mad24<Hi>, S, S, S, S>
                            : execTernary<Mad24<Hi>, U, U, U, U>)
                    : (sign ? execBinary<Mul24<Hi>, S, S, S>
                            : execBinary<Mul24<Hi>, U, U, U>),
                Class::Integer);
}

} // namespace

bool decodeInteger(Decoder &d, Type type) {
  std::string_view op = d.opcode();
  if (type == Type::U16x2 || type == Type::S16x2) {
    using U = uint32_t;
    ExecFn fn = nullptr;
    bool relu = type == Type::S16x2 && d.take("relu");
    if (relu)
      fn = op == "min"   ? execBinary<Pair16s<Relu<Min>>, U, U, U>
           : op == "max" ? execBinary<Pair16s<Relu<Max>>, U, U, U>
                         : nullptr;
    else if (op == "add")
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
    d.carry(Place::Def);
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
    d.carry(Place::Def);
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
  if ((op == "min" || op == "max") && type == Type::S32 && d.take("relu"))
    return d.emit(op == "min"
                      ? execBinary<Relu<Min>, int32_t, int32_t, int32_t>
                      : execBinary<Relu<Max>, int32_t, int32_t, int32_t>,
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

void registerInteger(OpTable &ops) {
  ops["cnot"] = [](Decoder &d) {
    Type type = d.takeType();
    return simpleOperands(d, 1, type) &&
           d.emit(pickUnary<CNot>(type), Class::Integer);
  };
  ops["dp4a"] = ops["dp2a"] = decodeDotBytes;
  ops["addc"] = ops["subc"] = ops["madc"] = decodeCarry;
  ops["rem"] = [](Decoder &d) { return decodeInteger(d, d.takeType()); };
  ops["sad"] = [](Decoder &d) {
    Type type = d.takeType();
    return simpleOperands(d, 3, type) &&
           d.emit(pickTernary<Sad>(type), Class::Integer);
  };
  ops["mul24"] = ops["mad24"] = [](Decoder &d) {
    bool hi = d.take("hi");
    return (hi || d.take("lo")) &&
           (hi ? decodeMul24<true>(d) : decodeMul24<false>(d));
  };
}

} // namespace et::emu::ET_EMU_ISA
