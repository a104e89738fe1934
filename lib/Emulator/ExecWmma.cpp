//===- ExecWmma.cpp - wmma: products of opaque fragments ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX leaves open which element of a matrix a lane holds where. Here it is as
// mma.sync has it: rows of A and columns of B ("lines") go through the lanes by
// fours, eight lines a register.
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "MatrixMath.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <vector>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

enum Element : uint8_t { F16, BF16, TF32, F32, F64, U8, S8, S32, U4, S4, B1 };

unsigned bitsOf(Element e) {
  switch (e) {
  case F16:
  case BF16:
    return 16;
  case F64:
    return 64;
  case U8:
  case S8:
    return 8;
  case U4:
  case S4:
    return 4;
  case B1:
    return 1;
  default:
    return 32;
  }
}

struct Shape {
  std::string_view name;
  uint8_t m, n, k;
};
constexpr Shape shapes[] = {
    {"m16n16k16", 16, 16, 16},
    {"m32n8k16", 32, 8, 16},
    {"m8n32k16", 8, 32, 16},
    {"m16n16k8", 16, 16, 8},
    {"m8n8k4", 8, 8, 4},
    {"m8n8k32", 8, 8, 32},
    {"m8n8k128", 8, 8, 128},
    // Of mma.sync alone.
    {"m16n8k16", 16, 8, 16},
    {"m16n8k32", 16, 8, 32},
    {"m16n8k64", 16, 8, 64},
    {"m8n8k16", 8, 8, 16},
};
constexpr size_t kWmmaShapes = 7;

/// Whether the shape is one of those that products of such elements have.
bool fits(const Shape &shape, Element e) {
  switch (e) {
  case F16:
  case BF16:
  case U8:
  case S8:
    return shape.k == 16;
  case TF32:
    return shape.k == 8;
  case F64:
    return shape.k == 4;
  case U4:
  case S4:
    return shape.k == 32;
  case B1:
    return shape.k == 128;
  default:
    return false;
  }
}

/// Where the elements of A or B are: `lines` of k elements.
struct Operand2d {
  unsigned lines, k, bits;
  unsigned each() const { return bits < 32 ? 32 / bits : 1; }
  /// Registers with elements of their own; f16 has eight whatever the shape,
  /// which hold all elements once or several times.
  unsigned own() const { return lines / 8 * k / (4 * each()); }
  unsigned registers(Element e) const { return e == F16 ? 8 : own(); }
  unsigned lineOf(unsigned reg, unsigned lane) const {
    return 8 * (reg % own() % (lines / 8)) + lane / 4;
  }
  /// Of the register's first element; the others follow.
  unsigned kOf(unsigned reg, unsigned lane) const {
    return lane % 4 * each() + 4 * each() * (reg % own() / (lines / 8));
  }
};

/// The same for C and D, whose lanes hold m * n / 32 elements.
struct Result2d {
  unsigned m, n;
  unsigned count() const { return m * n / 32; }
  unsigned rowOf(unsigned x, unsigned lane) const {
    return 8 * (x / 2 % (m / 8)) + lane / 4;
  }
  unsigned colOf(unsigned x, unsigned lane) const {
    return 8 * (x / 2 / (m / 8)) + lane % 4 * 2 + x % 2;
  }
};

/// m[0]: the shape; m[1]: 32-bit base; m[2]: the element; m[3]: bit 0 column
/// major, bit 1 B, bit 2 an accumulator, bit 3 store; m[4]: space; m[5]: a
/// stride is given. op[0] address, op[2] stride; extra: the fragment.
struct Fragment {
  explicit Fragment(const Inst &i)
      : shape(shapes[i.m[0]]), element(Element(i.m[2])),
        isColumn((i.m[3] & 1) != 0), isB((i.m[3] & 2) != 0),
        isResult((i.m[3] & 4) != 0) {}
  const Shape &shape;
  Element element;
  bool isColumn, isB, isResult;

  Operand2d operand() const {
    return {isB ? shape.n : shape.m, shape.k, bitsOf(element)};
  }
  Result2d result() const { return {shape.m, shape.n}; }
  unsigned registers() const {
    return isResult ? result().count() / (element == F16 ? 2 : 1)
                    : operand().registers(element);
  }
  /// Elements next to each other in a register, and whether they are in memory.
  unsigned each() const {
    return isResult ? (element == F16 ? 2 : 1) : operand().each();
  }
  bool together() const {
    return each() == 1 || isColumn == (isB && !isResult);
  }
  uint64_t packed() const {
    unsigned rows = isResult || !isB ? shape.m : shape.k;
    unsigned cols = isResult || isB ? shape.n : shape.k;
    return isColumn ? rows : cols;
  }
  /// Where element `e` of a register is, in elements.
  uint64_t indexOf(unsigned reg, unsigned lane, unsigned e,
                   uint64_t stride) const {
    uint64_t row, col;
    if (isResult) {
      unsigned x = reg * each() + e;
      row = result().rowOf(x, lane);
      col = result().colOf(x, lane);
    } else {
      uint64_t line = operand().lineOf(reg, lane);
      uint64_t k = operand().kOf(reg, lane) + e;
      row = isB ? k : line;
      col = isB ? line : k;
    }
    return isColumn ? col * stride + row : row * stride + col;
  }
};

/// What is undefined goes to shared memory so, and not to other memory.
bool storeMarks(Warp &w, Ref from, unsigned first, unsigned bytes,
                const Lanes &lanes) {
  const UndefinedRegister *r = undefinedIn(*w.node->frame, from);
  for (uint32_t left = r ? r->lanes : 0; left; left &= left - 1) {
    int l = __builtin_ctz(left);
    uint64_t marks = bytesOfBits(r->bits[l]) >> first & lowBits(bytes);
    if (marks && lanes.space != Space::Shared)
      return useUndefined(w, r->origin, l);
    for (; marks; marks &= marks - 1)
      w.block->sharedInit[lanes.address[l] +
                          static_cast<unsigned>(__builtin_ctzll(marks))] = 3;
  }
  return true;
}

void execMove(Warp &w, const Inst &i) {
  if (!w.gatherWhole("wmma"))
    return;
  Fragment f(i);
  bool store = i.m[3] & 8;
  Lanes base;
  lanesOf(w, i, 0, base);
  const uint32_t *strides = i.m[5] ? w.at<uint32_t>(i.op[2]) : nullptr;
  const Ref *refs = w.launch->kernel->extra.data() + i.extra;
  unsigned bits = bitsOf(f.element), each = f.each();
  unsigned parts = f.together() ? 1 : each;
  unsigned bytes = parts == 1 ? each * bits / 8 : bits / 8;
  for (unsigned reg = 0; reg < f.registers(); ++reg) {
    auto *lane = w.at<uint8_t>(refs[reg]);
    unsigned wide = bits == 64 ? 8 : 4;
    uint64_t marks[32] = {};
    uint32_t origin = 0;
    for (unsigned part = 0; part < parts; ++part) {
      Lanes lanes;
      for (unsigned l = 0; l < 32; ++l)
        lanes.address[l] =
            base.address[l] +
            f.indexOf(reg, l, part, strides ? strides[l] : f.packed()) * bits /
                8;
      StoredValues values{lane + part * bytes, wide};
      if (!resolve(w, i, Space(i.m[4]), bytes,
                   store ? Access::Store : Access::Load, lanes,
                   store ? &values : nullptr))
        return;
      if (store && w.undefined &&
          !storeMarks(w, refs[reg], part * bytes, bytes, lanes))
        return;
      for (uint32_t left = w.unread.lanes; left; left &= left - 1) {
        int l = __builtin_ctz(left);
        marks[l] |= bitsOfBytes(w.unread.bytes[l]) << 8 * part * bytes;
        origin = w.unread.origin;
      }
      for (unsigned l = 0; l < 32; ++l) {
        void *there = reinterpret_cast<void *>(lanes.host[l]);
        uint8_t *here = lane + l * wide + part * bytes;
        std::memcpy(store ? there : here, store ? here : there, bytes);
      }
    }
    if (!store)
      setUndefined(w, *w.node->frame, refs[reg], ~0u, marks, origin);
  }
}

/// The elements of A or B, line by line, as integers; floats as their bits.
template <typename F>
void gatherOperand(Warp &w, const Operand2d &o, const Ref *refs, F put) {
  for (unsigned reg = 0; reg < o.own(); ++reg)
    for (unsigned l = 0; l < 32; ++l) {
      uint64_t value = o.bits == 64 ? w.at<uint64_t>(refs[reg])[l]
                                    : w.at<uint32_t>(refs[reg])[l];
      for (unsigned e = 0; e < o.each(); ++e)
        put(o.lineOf(reg, l), o.kOf(reg, l) + e,
            o.bits >= 32 ? value : value >> o.bits * e & ((1u << o.bits) - 1));
    }
}

template <typename F>
void eachResult(const Result2d &r, F f) {
  for (unsigned x = 0; x < r.count(); ++x)
    for (unsigned l = 0; l < 32; ++l)
      f(x, l, r.rowOf(x, l) * r.n + r.colOf(x, l));
}

struct Product {
  const Shape &shape;
  Element a, b, c, d;
  Operand2d left() const { return {shape.m, shape.k, bitsOf(a)}; }
  Operand2d right() const { return {shape.n, shape.k, bitsOf(b)}; }
  Result2d result() const { return {shape.m, shape.n}; }
  unsigned resultRegisters(Element e) const {
    return result().count() / (e == F16 ? 2 : 1);
  }
};

void multiplyFloat(Warp &w, const Product &p, const Ref *rd, const Ref *ra,
                   const Ref *rb, const Ref *rc) {
  MatrixFormat format = p.a == F16    ? MatrixFormat::F16
                        : p.a == BF16 ? MatrixFormat::BF16
                                      : MatrixFormat::TF32;
  int m = p.shape.m, n = p.shape.n, k = p.shape.k;
  float a[32 * 16], b[16 * 32], c[32 * 8];
  int32_t ea[32 * 16], eb[16 * 32];
  gatherOperand(w, p.left(), ra, [&](unsigned line, unsigned at, uint64_t v) {
    MatrixValue value = matrixValue(uint32_t(v), format);
    a[line * k + at] = value.value;
    ea[line * k + at] = value.exponent;
  });
  gatherOperand(w, p.right(), rb, [&](unsigned line, unsigned at, uint64_t v) {
    MatrixValue value = matrixValue(uint32_t(v), format);
    b[at * n + line] = value.value;
    eb[at * n + line] = value.exponent;
  });
  eachResult(p.result(), [&](unsigned x, unsigned l, unsigned at) {
    c[at] = p.c == F16 ? halfToFloat(uint16_t(w.at<uint32_t>(rc[x / 2])[l] >>
                                              16 * (x % 2)))
                       : w.at<float>(rc[x])[l];
  });
  MatrixUnit unit = matrixUnit(*w.launch);
  int step = unit.stepBytes * 8 / int(bitsOf(p.a));
  for (int row = 0; row < m; ++row)
    for (int first = 0; first < k; first += step)
      matrixRow(unit, a + row * k, ea + row * k, b, eb, n, first,
                std::min(first + step, k), c + row * n, p.d == F16);
  eachResult(p.result(), [&](unsigned x, unsigned l, unsigned at) {
    if (p.d != F16) {
      w.at<float>(rd[x])[l] = c[at];
      return;
    }
    uint32_t &to = w.at<uint32_t>(rd[x / 2])[l];
    uint32_t half = floatToHalf(c[at]);
    to = x % 2 ? (to & 0xffff) | half << 16 : half;
  });
}

/// Exact, then wrapped or clamped to s32. `how`: 1 clamp; of single bits, 2
/// counts those that differ, 4 those that both have.
void multiplyInteger(Warp &w, const Product &p, uint8_t how, const Ref *rd,
                     const Ref *ra, const Ref *rb, const Ref *rc) {
  std::vector<int64_t> a(size_t(p.shape.m) * p.shape.k),
      b(size_t(p.shape.n) * p.shape.k);
  auto value = [](Element e, uint64_t v) -> int64_t {
    return e == S8 ? int8_t(v) : e == S4 ? int64_t(v ^ 8) - 8 : int64_t(v);
  };
  gatherOperand(w, p.left(), ra, [&](unsigned line, unsigned at, uint64_t v) {
    a[line * p.shape.k + at] = value(p.a, v);
  });
  gatherOperand(w, p.right(), rb, [&](unsigned line, unsigned at, uint64_t v) {
    b[line * p.shape.k + at] = value(p.b, v);
  });
  eachResult(p.result(), [&](unsigned x, unsigned l, unsigned at) {
    const int64_t *left = &a[at / p.shape.n * p.shape.k];
    const int64_t *right = &b[at % p.shape.n * p.shape.k];
    int64_t sum = w.at<int32_t>(rc[x])[l];
    for (unsigned k = 0; k < p.shape.k; ++k)
      sum += how & 2 ? left[k] ^ right[k] : left[k] * right[k];
    if (how & 1)
      sum = std::max<int64_t>(INT32_MIN, std::min<int64_t>(INT32_MAX, sum));
    w.at<uint32_t>(rd[x])[l] = uint32_t(sum);
  });
}

/// One rounding for each product and sum, in the order of k.
void multiplyDouble(Warp &w, const Product &p, uint8_t rounding, const Ref *rd,
                    const Ref *ra, const Ref *rb, const Ref *rc) {
  double a[8 * 4], b[8 * 4];
  auto put = [](double *to) {
    return [=](unsigned line, unsigned at, uint64_t v) {
      to[line * 4 + at] = bitsToDouble(v);
    };
  };
  gatherOperand(w, p.left(), ra, put(a));
  gatherOperand(w, p.right(), rb, put(b));
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                              FE_UPWARD};
  int before = std::fegetround();
  std::fesetround(modes[rounding]);
  eachResult(p.result(), [&](unsigned x, unsigned l, unsigned at) {
    // Through memory, so that nothing is computed under another mode.
    volatile double sum = w.at<double>(rc[x])[l];
    for (unsigned k = 0; k < 4; ++k) {
      volatile double left = a[at / 8 * 4 + k], right = b[at % 8 * 4 + k];
      sum = std::fma(left, right, sum);
    }
    w.at<double>(rd[x])[l] = sum;
  });
  std::fesetround(before);
}

void markProduct(Warp &w, const Product &p, const Ref *rd, const Ref *ra,
                 const Ref *rb, const Ref *rc) {
  MatrixMarks marks(w);
  for (unsigned reg = 0; reg < p.left().own(); ++reg)
    marks.addLines(ra[reg], marks.rows, [&](int l) {
      return p.left().lineOf(reg, static_cast<unsigned>(l));
    });
  for (unsigned reg = 0; reg < p.right().own(); ++reg)
    marks.addLines(rb[reg], marks.columns, [&](int l) {
      return p.right().lineOf(reg, static_cast<unsigned>(l));
    });
  Result2d result = p.result();
  unsigned from = p.c == F16 ? 2 : 1, to = p.d == F16 ? 2 : 1;
  // Where accumulators of one kind become those of another, a register of the
  // one is not one of the other; what is undefined in it makes its rows so.
  if (from != to)
    for (unsigned reg = 0; reg < result.count() / from; ++reg)
      marks.addLines(rc[reg], marks.rows, [&](int l) {
        return result.rowOf(reg * from, static_cast<unsigned>(l));
      });
  for (unsigned reg = 0; reg < result.count() / to; ++reg)
    marks.setResult(
        rd[reg], from == to ? rc[reg] : kNone, static_cast<int>(to),
        [&](int l) { return result.rowOf(reg * to, static_cast<unsigned>(l)); },
        [&](int l, int e) {
          return result.colOf(reg * to + static_cast<unsigned>(e),
                              static_cast<unsigned>(l));
        });
}

/// m[0] shape, m[1] to m[4] elements of A, B, C, D, m[5] the rounding of f64,
/// else as multiplyInteger has it. extra: D, A, B, C.
void execMultiply(Warp &w, const Inst &i) {
  if (!w.gatherWhole("wmma.mma"))
    return;
  Product p{shapes[i.m[0]], Element(i.m[1]), Element(i.m[2]), Element(i.m[3]),
            Element(i.m[4])};
  const Ref *rd = w.launch->kernel->extra.data() + i.extra;
  const Ref *ra = rd + p.resultRegisters(p.d);
  const Ref *rb = ra + p.left().registers(p.a);
  const Ref *rc = rb + p.right().registers(p.b);
  if (w.undefined)
    markProduct(w, p, rd, ra, rb, rc);
  if (p.a == F64)
    multiplyDouble(w, p, i.m[5], rd, ra, rb, rc);
  else if (p.a >= U8)
    multiplyInteger(w, p, i.m[5], rd, ra, rb, rc);
  else
    multiplyFloat(w, p, rd, ra, rb, rc);
  ++w.counters->matrixOps;
  w.counters->matrixMacs += uint64_t(p.shape.m) * p.shape.n * p.shape.k;
}

// Decoding --------------------------------------------------------------------

bool takeShape(Decoder &d, uint8_t &shape, size_t count = kWmmaShapes) {
  for (shape = 0; shape < count; ++shape)
    if (d.take(shapes[shape].name))
      return true;
  return d.unsupported("no shape that is known");
}

/// The next type of the statement, of those that matrices have.
bool takeElement(Decoder &d, Element &element) {
  struct Name {
    std::string_view word;
    Element element;
  };
  static constexpr Name names[] = {{"f16", F16}, {"bf16", BF16}, {"tf32", TF32},
                                   {"f32", F32}, {"f64", F64},   {"u8", U8},
                                   {"s8", S8},   {"s32", S32},   {"u4", U4},
                                   {"s4", S4},   {"b1", B1}};
  std::string_view word = d.next();
  for (const Name &name : names)
    if (name.word == word) {
      element = name.element;
      return d.take(word);
    }
  return d.unsupported("no element type that is known");
}

Type registerType(Element e, bool isResult) {
  return e == F64 ? Type::F64 : e == F32 && isResult ? Type::F32 : Type::B32;
}

bool decodeMove(Decoder &d, bool store) {
  std::string_view which =
      store ? d.takeAny({"d"}) : d.takeAny({"a", "b", "c"});
  if (which.empty() || !d.take("sync") || !d.take("aligned"))
    return d.unsupported("wmma.load.{a,b,c} or wmma.store.d, .sync.aligned is "
                         "expected");
  std::string_view layout = d.takeAny({"row", "col"});
  if (layout.empty() || !takeShape(d, d.inst.m[0]))
    return d.unsupported("row or col and a shape are expected");
  Space space = Space::Generic;
  if (d.take("global"))
    space = Space::Global;
  else if (d.take("shared") || d.take("shared::cta"))
    space = Space::Shared;
  Element element;
  if (!takeElement(d, element))
    return false;
  bool isResult = store || which == "c";
  const Shape &shape = shapes[d.inst.m[0]];
  bool good = fits(shape, element);
  if (isResult)
    good = element == F64   ? shape.k == 4
           : element == F32 ? shape.k == 16 || shape.k == 8
           : element == S32 ? shape.k >= 16
                            : element == F16 && shape.k == 16;
  // Parts of bytes are never taken apart.
  if (!isResult && bitsOf(element) < 8)
    good &= (layout == "col") == (which == "b");
  if (!good)
    return d.unsupported("no such shape for this type");
  d.inst.m[2] = element;
  d.inst.m[3] = uint8_t((layout == "col") | (which == "b") << 1 |
                        isResult << 2 | store << 3);
  d.inst.m[4] = static_cast<uint8_t>(space);
  d.inst.track = Track::Own;
  if (!d.operands(2, 3))
    return false;
  std::vector<Ref> refs;
  if (!addVector(d, d.arg(store ? 1 : 0), Fragment(d.inst).registers(), !store,
                 registerType(element, isResult), refs) ||
      !d.list(refs))
    return false;
  if (d.count() == 3) {
    d.inst.m[5] = 1;
    d.inst.op[2] = d.use(d.arg(2), Type::U32);
  }
  Class cls = space == Space::Shared
                  ? (store ? Class::StoreShared : Class::LoadShared)
                  : (store ? Class::StoreGlobal : Class::LoadGlobal);
  return d.address(d.arg(store ? 0 : 1), space, 0, d.inst.m[1]) &&
         d.emit(execMove, cls);
}

bool emitProduct(Decoder &d, const Product &p) {
  d.inst.m[1] = p.a;
  d.inst.m[2] = p.b;
  d.inst.m[3] = p.c;
  d.inst.m[4] = p.d;
  d.inst.track = Track::Own;
  if (!d.operands(4))
    return false;
  std::vector<Ref> refs;
  return addVector(d, d.arg(0), p.resultRegisters(p.d), true,
                   registerType(p.d, true), refs) &&
         addVector(d, d.arg(1), p.left().registers(p.a), false,
                   registerType(p.a, false), refs) &&
         addVector(d, d.arg(2), p.right().registers(p.b), false,
                   registerType(p.b, false), refs) &&
         addVector(d, d.arg(3), p.resultRegisters(p.c), false,
                   registerType(p.c, true), refs) &&
         d.list(refs) && d.emit(execMultiply, Class::Matrix);
}

bool decodeMultiply(Decoder &d) {
  std::string_view bitwise = d.takeAny({"xor", "and"});
  if (!bitwise.empty() && !d.take("popc"))
    return d.unsupported("popc is expected");
  if (!d.take("sync") || !d.take("aligned"))
    return d.unsupported("sync.aligned is expected");
  // The layouts are those that the fragments were loaded with.
  bool same = true;
  for (std::string_view want : {"row", "col"}) {
    std::string_view layout = d.next();
    if ((layout != "row" && layout != "col") || !d.take(layout))
      return d.unsupported("the layouts of A and B are expected");
    same &= layout == want;
  }
  if (!takeShape(d, d.inst.m[0]))
    return false;
  const Shape &shape = shapes[d.inst.m[0]];
  std::string_view rounding = d.takeAny({"rn", "rz", "rm", "rp"});
  bool clamp = d.take("satfinite");
  size_t types = d.left();
  Element first, a = F16, b = F16, c, dd;
  if (!takeElement(d, first))
    return false;
  dd = first;
  if (types == 4 && (!takeElement(d, a) || !takeElement(d, b)))
    return false;
  if ((types != 2 && types != 4) || !takeElement(d, c))
    return d.unsupported("two or four types are expected");
  bool integer = a >= U8;
  bool results = integer    ? c == S32 && dd == S32
                 : a == F64 ? c == F64 && dd == F64
                 : types == 2
                     ? (c == F16 || c == F32) && (dd == F16 || dd == F32)
                     : c == F32 && dd == F32;
  if (!fits(shape, a) || a != b || !results || (types == 4 && a == F16) ||
      (a == B1) == bitwise.empty() || (clamp && (!integer || a == B1)) ||
      (!rounding.empty() && a != F64) || (bitsOf(a) < 8 && !same))
    return d.unsupported("no such product");
  d.inst.m[5] = a == F64 ? uint8_t(rounding == "rz"   ? 1
                                   : rounding == "rm" ? 2
                                   : rounding == "rp" ? 3
                                                      : 0)
                         : uint8_t(clamp | (bitwise == "xor") << 1);
  return emitProduct(d, {shape, a, b, c, dd});
}

} // namespace

bool decodeExactMma(Decoder &d) {
  if (!takeShape(d, d.inst.m[0], std::size(shapes)) || !d.take("row") ||
      !d.take("col"))
    return d.unsupported("a shape and row.col are expected");
  const Shape &shape = shapes[d.inst.m[0]];
  d.inst.m[5] = d.take("satfinite");
  Element a, b, c, result;
  if (!takeElement(d, result) || !takeElement(d, a) || !takeElement(d, b) ||
      !takeElement(d, c))
    return false;
  unsigned bytes = shape.k * bitsOf(a) / 8;
  bool isDouble = a == F64 && b == F64 && c == F64 && result == F64;
  bool isInteger = (a == U8 || a == S8 || a == U4 || a == S4) &&
                   (b == U8 || b == S8 || b == U4 || b == S4) &&
                   bitsOf(a) == bitsOf(b) && c == S32 && result == S32;
  if (isDouble ? shape.m != 8 || shape.k != 4 || d.inst.m[5]
               : !isInteger || shape.n != 8 || shape.m > 16 ||
                     (bytes != 16 && (bytes != 32 || shape.m != 16)))
    return d.unsupported("no such product");
  return emitProduct(d, {shape, a, b, c, result});
}

void registerWmma(OpTable &ops) {
  ops["wmma"] = [](Decoder &d) {
    std::string_view what = d.takeAny({"load", "store", "mma"});
    if (what == "mma")
      return decodeMultiply(d);
    if (what.empty())
      return d.unsupported("load, store or mma is expected");
    return decodeMove(d, what == "store");
  };
}

} // namespace et::emu::ET_EMU_ISA
