//===- ExecAtomic.cpp - atom and red --------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Race.h"

#include <cstring>
#include <mutex>
#include <type_traits>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

enum Op : uint8_t {
  OpAdd,
  OpInc,
  OpDec,
  OpMin,
  OpMax,
  OpAnd,
  OpOr,
  OpXor,
  OpExch,
  OpCas
};
enum Kind : uint8_t {
  KindInt,
  KindSigned,
  KindFloat,
  KindHalf,
  KindHalf2,
  KindBf,
  KindBf2
};

template <typename H>
uint16_t halfOp(uint8_t op, uint16_t a, uint16_t b, H wide,
                uint16_t (*narrow)(float)) {
  float x = wide(a), y = wide(b);
  if (op == OpAdd)
    return narrow(x + y);
  bool first = op == OpMin ? x < y || y != y : x > y || y != y;
  return first ? a : b;
}
uint16_t toHalf(float v) { return floatToHalf(v); }
uint16_t toBfloat(float v) { return floatToBfloat(v); }
float fromHalf(uint16_t v) { return halfToFloat(v); }
float fromBfloat(uint16_t v) { return bfloatToFloat(v); }

template <typename T>
T apply(uint8_t op, uint8_t kind, T old, T b, T c) {
  using S = std::make_signed_t<T>;
  switch (op) {
  case OpAdd:
    switch (kind) {
    case KindFloat:
      if constexpr (sizeof(T) == 4)
        return floatToBits(bitsToFloat(old) + bitsToFloat(b));
      else if constexpr (sizeof(T) == 8)
        return doubleToBits(bitsToDouble(old) + bitsToDouble(b));
      return old;
    case KindHalf:
      return T(halfOp(op, uint16_t(old), uint16_t(b), fromHalf, toHalf));
    case KindBf:
      return T(halfOp(op, uint16_t(old), uint16_t(b), fromBfloat, toBfloat));
    case KindHalf2:
    case KindBf2: {
      auto one = [&](unsigned s) -> uint32_t {
        uint16_t x = uint16_t(uint64_t(old) >> s),
                 y = uint16_t(uint64_t(b) >> s);
        return kind == KindHalf2 ? halfOp(op, x, y, fromHalf, toHalf)
                                 : halfOp(op, x, y, fromBfloat, toBfloat);
      };
      return T(one(0) | one(16) << 16);
    }
    default:
      return T(old + b);
    }
  case OpInc:
    return old >= b ? T(0) : T(old + 1);
  case OpDec:
    return old == 0 || old > b ? b : T(old - 1);
  case OpMin:
  case OpMax: {
    bool less = kind == KindSigned ? S(b) < S(old) : b < old;
    if (kind == KindFloat) {
      float x = bitsToFloat(uint32_t(old)), y = bitsToFloat(uint32_t(b));
      less = op == OpMin ? y < x || x != x : !(y > x || x != x);
    } else if (kind >= KindHalf) {
      auto one = [&](unsigned s) -> uint32_t {
        uint16_t x = uint16_t(uint64_t(old) >> s),
                 y = uint16_t(uint64_t(b) >> s);
        bool brain = kind == KindBf || kind == KindBf2;
        return brain ? halfOp(op, x, y, fromBfloat, toBfloat)
                     : halfOp(op, x, y, fromHalf, toHalf);
      };
      return kind == KindHalf2 || kind == KindBf2 ? T(one(0) | one(16) << 16)
                                                  : T(one(0));
    }
    return (op == OpMin) == less ? b : old;
  }
  case OpAnd:
    return old & b;
  case OpOr:
    return old | b;
  case OpXor:
    return old ^ b;
  case OpExch:
    return b;
  default:
    return old == b ? c : old;
  }
}

/// m[0] space, m[1] 32-bit base, m[2] elements, m[3] operation, m[4] kind,
/// m[5]: red. Lanes take effect in their order.
template <typename T>
void execAtomic(Warp &w, const Inst &i) {
  unsigned n = i.m[2];
  Lanes lanes;
  lanesOf(w, i, 1, lanes);
  if (!resolve(w, i, Space(i.m[0]), n * sizeof(T), Access::Atomic, lanes))
    return;
  const Ref *refs = w.launch->kernel->extra.data() + i.extra;
  for (unsigned e = 0; e < n; ++e) {
    const T *b = w.at<T>(n == 1 ? i.op[2] : refs[n + e]);
    const T *c = i.op[3] == kNone ? b : w.at<T>(i.op[3]);
    T *d = i.m[5] ? nullptr : w.at<T>(n == 1 ? i.op[0] : refs[e]);
    eachLane(w.exec, [&](int l) {
      T *at = reinterpret_cast<T *>(lanes.host[l]) + e;
      T old = __atomic_load_n(at, __ATOMIC_SEQ_CST);
      while (!__atomic_compare_exchange_n(
          at, &old, apply<T>(i.m[3], i.m[4], old, b[l], c[l]), false,
          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
      }
      if (d)
        d[l] = old;
    });
  }
  if (w.launch->options.checkRace)
    raceReacquire(w, i, lanes.space, lanes.address, w.exec);
}

/// b128 exch and cas, under one lock.
void execAtomic128(Warp &w, const Inst &i) {
  static std::mutex lock;
  Lanes lanes;
  lanesOf(w, i, 1, lanes);
  if (!resolve(w, i, Space(i.m[0]), 16, Access::Atomic, lanes))
    return;
  using T = unsigned __int128;
  const T *b = w.at<T>(i.op[2]), *c = i.op[3] == kNone ? b : w.at<T>(i.op[3]);
  T *d = i.m[5] ? nullptr : w.at<T>(i.op[0]);
  std::lock_guard<std::mutex> hold(lock);
  eachLane(w.exec, [&](int l) {
    auto *at = reinterpret_cast<void *>(lanes.host[l]);
    T old, with;
    std::memcpy(&old, at, 16);
    T expected;
    std::memcpy(&expected, &b[l], 16);
    std::memcpy(&with, i.m[3] == OpCas ? &c[l] : &b[l], 16);
    if (i.m[3] == OpExch || old == expected)
      std::memcpy(at, &with, 16);
    if (d)
      std::memcpy(&d[l], &old, 16);
  });
}

bool decodeAtomic(Decoder &d) {
  bool red = d.opcode() == "red";
  if (red && d.take("async"))
    return d.unsupported("red.async is not supported");
  d.takeOrder();
  d.take("noftz");
  Space space = Space::Generic;
  if (d.take("global"))
    space = Space::Global;
  else if (d.take("shared") || d.take("shared::cta") ||
           d.take("shared::cluster"))
    space = Space::Shared;
  static const char *const names[] = {"add", "inc", "dec", "min",  "max",
                                      "and", "or",  "xor", "exch", "cas"};
  uint8_t op = 0;
  while (op < 10 && !d.take(names[op]))
    ++op;
  d.takeHints();
  std::string_view vec = d.takeAny({"v2", "v4", "v8"});
  Type type = d.takeType();
  if (op == 10 || type == Type::None)
    return d.unsupported("no operation or type that is known");
  unsigned n = vec.empty() ? 1 : static_cast<unsigned>(vec[1] - '0');
  unsigned bytes = typeBytes(type);
  bool bitwise = op >= OpAnd;
  bool half = type == Type::F16 || type == Type::F16x2 || type == Type::BF16 ||
              type == Type::BF16x2;
  bool fp = half || type == Type::F32 || type == Type::F64;
  if (n > 1 && (!fp || type == Type::F64 || n * bytes > 16))
    return d.unsupported("no vector of this type");
  if (fp && (op != OpAdd && !(half && (op == OpMin || op == OpMax))))
    return d.unsupported("no such operation on this type");
  if ((op == OpInc || op == OpDec) && type != Type::U32)
    return d.unsupported("inc and dec take u32");
  if (bytes == 1 || (bytes == 2 && !half && op != OpCas && op != OpExch) ||
      (bytes == 16 && op != OpCas && op != OpExch))
    return d.unsupported("no such operation on this type");
  (void)bitwise;
  size_t first = red ? 0 : 1, sources = op == OpCas ? 2 : 1;
  if (!d.operands(first + 1 + sources, first + 2 + sources))
    return false;
  if (n == 1) {
    d.inst.op[2] = d.use(d.arg(first + 1), type);
    if (op == OpCas)
      d.inst.op[3] = d.use(d.arg(first + 2), type);
    if (!red)
      d.inst.op[0] = d.def(d.arg(0), type);
  } else {
    std::vector<Ref> refs(2 * n, kNone);
    const Operand &in = d.arg(first + 1);
    if (in.kind != Operand::Vector || in.elements.size() != n ||
        (!red &&
         (d.arg(0).kind != Operand::Vector || d.arg(0).elements.size() != n)))
      return d.error("vectors of " + std::to_string(n) +
                     " registers are expected");
    for (unsigned e = 0; e < n; ++e) {
      refs[n + e] = d.use(in.elements[e], type);
      if (!red)
        refs[e] = d.def(d.arg(0).elements[e], type);
    }
    if (!d.list(refs))
      return false;
  }
  d.inst.m[0] = static_cast<uint8_t>(space);
  d.inst.m[2] = static_cast<uint8_t>(n);
  d.inst.m[3] = op;
  d.inst.m[4] = type == Type::F32 || type == Type::F64 ? KindFloat
                : type == Type::F16                    ? KindHalf
                : type == Type::F16x2                  ? KindHalf2
                : type == Type::BF16                   ? KindBf
                : type == Type::BF16x2                 ? KindBf2
                : isSigned(type)                       ? KindSigned
                                                       : KindInt;
  d.inst.m[5] = red || d.arg(0).kind == Operand::Sink;
  if (!d.address(d.arg(first), space, 1, d.inst.m[1]))
    return false;
  return d.emit(bytes == 2   ? execAtomic<uint16_t>
                : bytes == 4 ? execAtomic<uint32_t>
                : bytes == 8 ? execAtomic<uint64_t>
                             : execAtomic128,
                Class::Atomic);
}

} // namespace

void registerAtomic(OpTable &ops) { ops["atom"] = ops["red"] = decodeAtomic; }

} // namespace et::emu::ET_EMU_ISA
