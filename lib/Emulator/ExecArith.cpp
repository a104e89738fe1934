//===- ExecArith.cpp - Opcodes of all number types; comparisons -----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"
#include "Undefined.h"

#include <cfloat>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

bool decodeArith(Decoder &d) {
  Type type = d.takeType();
  switch (type) {
  case Type::F32:
  case Type::F32x2:
  case Type::F64:
    return decodeFloat(d, type);
  case Type::F16:
  case Type::F16x2:
  case Type::BF16:
  case Type::BF16x2:
    return decodeHalf(d, type);
  case Type::None:
  case Type::Pred:
    return d.unsupported("no type that this opcode takes");
  default:
    return decodeInteger(d, type);
  }
}

enum Compare : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Num, Nan };

template <int C, bool Unordered, typename T>
ET_EMU_INLINE bool holds(T a, T b) {
  bool nan = a != a || b != b;
  switch (C) {
  case Eq:
    return a == b || (Unordered && nan);
  case Ne:
    return Unordered ? a != b : a != b && !nan;
  case Lt:
    return a < b || (Unordered && nan);
  case Le:
    return a <= b || (Unordered && nan);
  case Gt:
    return a > b || (Unordered && nan);
  case Ge:
    return a >= b || (Unordered && nan);
  case Num:
    return !nan;
  default:
    return nan;
  }
}

struct LoadPlain {
  template <typename T>
  ET_EMU_INLINE T f(T v) {
    return v;
  }
};
struct LoadFtz {
  ET_EMU_INLINE float f(float v) {
    uint32_t bits = floatToBits(v);
    return bits & 0x7f80'0000 ? v : bitsToFloat(bits & 0x8000'0000);
  }
};
struct LoadHalf {
  ET_EMU_INLINE float f(uint16_t v) { return halfToFloat(v); }
};
struct LoadHalfFtz {
  ET_EMU_INLINE float f(uint16_t v) {
    return halfToFloat(v & 0x7c00 ? v : uint16_t(v & 0x8000));
  }
};
struct LoadBfloat {
  ET_EMU_INLINE float f(uint16_t v) { return bfloatToFloat(v); }
};

/// What setp and set do with the result of the comparison: m[0] 0 nothing,
/// 1 and, 2 or, 3 xor with the predicate op[3].
ET_EMU_INLINE uint32_t combine(uint8_t how, uint32_t result, uint32_t with) {
  return how == 0   ? result
         : how == 1 ? result & with
         : how == 2 ? result | with
                    : result ^ with;
}

/// m[1]: what set writes: 0 a predicate (setp), 1 all ones, 2 1.0f, 3 and 4
/// 1.0 as f16 and bf16.
void finishCompare(Warp &w, const Inst &i, uint32_t bits) {
  if (w.undefined)
    compareUndefined(w, i, bits);
  uint32_t with = i.m[0] ? w.pred(i.op[3]) : 0;
  uint32_t p = combine(i.m[0], bits, with);
  auto put = [&](Ref to, uint32_t value) {
    uint32_t &d = w.pred(to);
    d = (d & ~w.exec) | (value & w.exec);
  };
  switch (i.m[1]) {
  case 0:
    put(i.op[0], p);
    if (i.op[4] != kNone)
      put(i.op[4], combine(i.m[0], ~bits, with));
    return;
  case 1:
    return setLanes<uint32_t>(w, i.op[0],
                              [=](int l) { return p >> l & 1 ? ~0u : 0; });
  case 2:
    return setLanes<uint32_t>(
        w, i.op[0], [=](int l) { return p >> l & 1 ? 0x3f80'0000u : 0; });
  default: {
    uint16_t one = i.m[1] == 3 ? 0x3c00 : 0x3f80;
    return setLanes<uint16_t>(
        w, i.op[0], [=](int l) { return uint16_t(p >> l & 1 ? one : 0); });
  }
  }
}

template <int C, bool Unordered, typename T, typename Load>
void execCompare(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  uint32_t bits = 0;
  for (int l = 0; l < 32; ++l)
    bits |= uint32_t(holds<C, Unordered>(Load::f(a[l]), Load::f(b[l]))) << l;
  finishCompare(w, i, bits);
}

/// Two halves a lane: p gets the low one's result, q the high one's; set
/// writes one 16-bit value each.
template <int C, bool Unordered, typename Load>
void execComparePair(Warp &w, const Inst &i) {
  const uint32_t *a = w.at<uint32_t>(i.op[1]), *b = w.at<uint32_t>(i.op[2]);
  uint32_t low = 0, high = 0;
  for (int l = 0; l < 32; ++l) {
    low |= uint32_t(holds<C, Unordered>(Load::f(uint16_t(a[l])),
                                        Load::f(uint16_t(b[l]))))
           << l;
    high |= uint32_t(holds<C, Unordered>(Load::f(uint16_t(a[l] >> 16)),
                                         Load::f(uint16_t(b[l] >> 16))))
            << l;
  }
  if (w.undefined)
    comparePairUndefined(w, i, low, high);
  uint32_t with = i.m[0] ? w.pred(i.op[3]) : 0;
  low = combine(i.m[0], low, with);
  high = combine(i.m[0], high, with);
  if (i.m[1] == 0) {
    uint32_t &p = w.pred(i.op[0]);
    p = (p & ~w.exec) | (low & w.exec);
    if (i.op[4] != kNone) {
      uint32_t &q = w.pred(i.op[4]);
      q = (q & ~w.exec) | (high & w.exec);
    }
    return;
  }
  uint32_t one = i.m[1] == 1 ? 0xffff : i.m[1] == 3 ? 0x3c00 : 0x3f80;
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    return (low >> l & 1 ? one : 0) | (high >> l & 1 ? one << 16 : 0);
  });
}

template <int C, bool U>
ExecFn pick(Type type, bool ftz) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return execCompare<C, false, uint16_t, LoadPlain>;
  case Type::S16:
    return execCompare<C, false, int16_t, LoadPlain>;
  case Type::B32:
  case Type::U32:
    return execCompare<C, false, uint32_t, LoadPlain>;
  case Type::S32:
    return execCompare<C, false, int32_t, LoadPlain>;
  case Type::B64:
  case Type::U64:
    return execCompare<C, false, uint64_t, LoadPlain>;
  case Type::S64:
    return execCompare<C, false, int64_t, LoadPlain>;
  case Type::F32:
    return ftz ? execCompare<C, U, float, LoadFtz>
               : execCompare<C, U, float, LoadPlain>;
  case Type::F64:
    return execCompare<C, U, double, LoadPlain>;
  case Type::F16:
    return ftz ? execCompare<C, U, uint16_t, LoadHalfFtz>
               : execCompare<C, U, uint16_t, LoadHalf>;
  case Type::BF16:
    return execCompare<C, U, uint16_t, LoadBfloat>;
  case Type::F16x2:
    return ftz ? execComparePair<C, U, LoadHalfFtz>
               : execComparePair<C, U, LoadHalf>;
  case Type::BF16x2:
    return execComparePair<C, U, LoadBfloat>;
  default:
    return nullptr;
  }
}

ExecFn pickCompare(std::string_view name, Type type, bool ftz) {
  bool fp = isFloat(type) || type == Type::F16x2 || type == Type::BF16x2;
  if (!fp) {
    if (name == "lo" || name == "ls" || name == "hi" || name == "hs") {
      if (type == Type::S16 || type == Type::S32 || type == Type::S64)
        return nullptr;
      name = name == "lo"   ? "lt"
             : name == "ls" ? "le"
             : name == "hi" ? "gt"
                            : "ge";
    }
  }
  bool unordered = fp && name.size() == 3 && name[2] == 'u';
  if (unordered)
    name = name.substr(0, 2);
#define ET_COMPARE(WORD, C)                                                    \
  if (name == WORD)                                                            \
    return unordered ? pick<C, true>(type, ftz) : pick<C, false>(type, ftz);
  ET_COMPARE("eq", Eq)
  ET_COMPARE("ne", Ne)
  ET_COMPARE("lt", Lt)
  ET_COMPARE("le", Le)
  ET_COMPARE("gt", Gt)
  ET_COMPARE("ge", Ge)
  if (!fp)
    return nullptr;
  ET_COMPARE("num", Num)
  ET_COMPARE("nan", Nan)
  return nullptr;
}

} // namespace

bool decodeCompare(Decoder &d) {
  bool setp = d.opcode() == "setp";
  std::string_view name =
      d.takeAny({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs",
                 "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
  std::string_view with = d.takeAny({"and", "or", "xor"});
  bool ftz = d.take("ftz");
  Type to = setp ? Type::Pred : d.takeType();
  Type type = d.takeType();
  if (!d.operands(with.empty() ? 3 : 4))
    return false;
  d.inst.m[0] = with.empty() ? 0 : with == "and" ? 1 : with == "or" ? 2 : 3;
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[2] = d.use(d.arg(2), type);
  if (!with.empty())
    d.inst.op[3] = d.usePred(d.arg(3));
  const Operand &out = d.arg(0);
  if (setp) {
    d.inst.op[0] = d.defPred(out);
    if (!out.elements.empty())
      d.inst.op[4] = d.defPred(out.elements[0]);
  } else {
    bool pair = type == Type::F16x2 || type == Type::BF16x2;
    d.inst.m[1] = to == Type::F32                                         ? 2
                  : to == Type::F16 || to == Type::F16x2                  ? 3
                  : to == Type::BF16 || to == Type::BF16x2                ? 4
                  : to == Type::U32 || to == Type::S32 || to == Type::B32 ? 1
                                                                          : 9;
    if (d.inst.m[1] == 9 || (d.inst.m[1] >= 3 && (typeBytes(to) == 4) != pair))
      return d.unsupported("this result type is not supported");
    d.inst.op[0] = d.def(out, to);
  }
  d.inst.track = Track::Compare;
  d.inst.m[2] = name == "eq" || name == "ne";
  return d.emit(pickCompare(name, type, ftz), Class::Predicate);
}

namespace {
template <typename T>
void execSelp(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  uint32_t p = w.pred(i.op[3]);
  setLanes<T>(w, i.op[0], [=](int l) { return p >> l & 1 ? a[l] : b[l]; });
}
template <typename T, bool Float>
void execSlct(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]), *b = w.at<T>(i.op[2]);
  if (Float) {
    const float *c = w.at<float>(i.op[3]);
    // A flushed number is a zero, and -0 selects as 0 does.
    float least = i.m[0] ? -FLT_MIN : -0.0f;
    setLanes<T>(w, i.op[0],
                [=](int l) { return c[l] >= 0 || c[l] > least ? a[l] : b[l]; });
  } else {
    const int32_t *c = w.at<int32_t>(i.op[3]);
    setLanes<T>(w, i.op[0], [=](int l) { return c[l] >= 0 ? a[l] : b[l]; });
  }
}

bool decodeSelect(Decoder &d) {
  bool slct = d.opcode() == "slct";
  d.inst.m[0] = slct && d.take("ftz");
  Type type = d.takeType(), by = slct ? d.takeType() : Type::Pred;
  if (!d.operands(4))
    return false;
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[2] = d.use(d.arg(2), type);
  d.inst.op[3] = slct ? d.use(d.arg(3), by) : d.usePred(d.arg(3));
  d.inst.op[0] = d.def(d.arg(0), type);
  bool fp = by == Type::F32;
  unsigned bytes = typeBytes(type);
  ExecFn fn = nullptr;
  if (!slct)
    fn = bytes == 2   ? execSelp<uint16_t>
         : bytes == 4 ? execSelp<uint32_t>
         : bytes == 8 ? execSelp<uint64_t>
                      : nullptr;
  else
    fn = bytes == 2
             ? (fp ? execSlct<uint16_t, true> : execSlct<uint16_t, false>)
         : bytes == 4
             ? (fp ? execSlct<uint32_t, true> : execSlct<uint32_t, false>)
             : (fp ? execSlct<uint64_t, true> : execSlct<uint64_t, false>);
  return d.emit(fn, Class::Move);
}
} // namespace

void registerArith(OpTable &ops) {
  for (const char *op :
       {"add", "sub", "mul", "mad", "fma", "div", "min", "max", "abs", "neg"})
    ops[op] = decodeArith;
  ops["setp"] = ops["set"] = decodeCompare;
  ops["selp"] = ops["slct"] = decodeSelect;
}

} // namespace et::emu::ET_EMU_ISA
