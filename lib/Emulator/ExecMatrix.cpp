//===- ExecMatrix.cpp - mma.sync, ldmatrix, stmatrix ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "MatrixMath.h"

#include <cstring>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {

bool matrixFormat(Type type, MatrixFormat &format) {
  switch (type) {
  case Type::F16:
    format = MatrixFormat::F16;
    return true;
  case Type::BF16:
    format = MatrixFormat::BF16;
    return true;
  case Type::TF32:
    format = MatrixFormat::TF32;
    return true;
  case Type::E4M3:
    format = MatrixFormat::E4M3;
    return true;
  case Type::E5M2:
    format = MatrixFormat::E5M2;
    return true;
  default:
    return false;
  }
}

bool addVector(Decoder &d, const Operand &operand, size_t count, bool isDef,
               Type type, std::vector<Ref> &refs) {
  if (operand.kind != Operand::Vector || operand.elements.size() != count)
    return d.error(operand.loc, "a vector of " + std::to_string(count) +
                                    " registers is expected");
  for (const Operand &e : operand.elements)
    refs.push_back(isDef ? d.def(e, type) : d.use(e, type));
  return true;
}

namespace {

/// m[0] format of A, m[1] format of B, m[2] K, m[3] f16 accumulators. extra:
/// D, A, B, C registers.
void execMma(Warp &w, const Inst &i) {
  if (!w.gatherWhole("mma"))
    return;
  const Ref *r = w.launch->kernel->extra.data() + i.extra;
  auto formatA = MatrixFormat(i.m[0]), formatB = MatrixFormat(i.m[1]);
  int k = i.m[2];
  bool half = i.m[3];
  int bytes = formatA == MatrixFormat::TF32   ? 4
              : formatA >= MatrixFormat::E4M3 ? 1
                                              : 2;
  int each = 4 / bytes; // elements in a register
  int aRegs = 16 * k * bytes / 128, bRegs = aRegs / 2, dRegs = half ? 2 : 4;
  const Ref *rd = r, *ra = r + dRegs, *rb = ra + aRegs, *rc = rb + bRegs;
  if (w.undefined) {
    MatrixMarks marks(w);
    for (int n = 0; n < aRegs; ++n)
      marks.addLines(ra[n], marks.rows,
                     [=](int l) { return l / 4 + 8 * (n & 1); });
    for (int n = 0; n < bRegs; ++n)
      marks.addLines(rb[n], marks.columns, [](int l) { return l / 4; });
    for (int n = 0; n < dRegs; ++n)
      marks.setResult(
          rd[n], rc[n], half ? 2 : 1,
          [=](int l) { return l / 4 + 8 * (half ? n : n / 2); },
          [=](int l, int e) { return l % 4 * 2 + (half ? e : n % 2); });
  }
  float a[16 * 32], b[32 * 8], c[16 * 8];
  int32_t ea[16 * 32], eb[32 * 8];
  auto element = [&](uint32_t reg, int e) {
    return bytes == 4   ? reg
           : bytes == 2 ? reg >> 16 * e & 0xffff
                        : reg >> 8 * e & 0xff;
  };
  // Registers go through the two halves of the rows first, then along K.
  for (int n = 0; n < aRegs; ++n) {
    const uint32_t *from = w.at<uint32_t>(ra[n]);
    for (int l = 0; l < 32; ++l)
      for (int e = 0; e < each; ++e) {
        int row = (l >> 2) + 8 * (n & 1);
        int col = (l & 3) * each + e + 4 * each * (n >> 1);
        MatrixValue v = matrixValue(element(from[l], e), formatA);
        a[row * k + col] = v.value;
        ea[row * k + col] = v.exponent;
      }
  }
  for (int n = 0; n < bRegs; ++n) {
    const uint32_t *from = w.at<uint32_t>(rb[n]);
    for (int l = 0; l < 32; ++l)
      for (int e = 0; e < each; ++e) {
        int row = (l & 3) * each + e + 4 * each * n, col = l >> 2;
        MatrixValue v = matrixValue(element(from[l], e), formatB);
        b[row * 8 + col] = v.value;
        eb[row * 8 + col] = v.exponent;
      }
  }
  for (int l = 0; l < 32; ++l)
    for (int e = 0; e < 4; ++e) {
      int row = (l >> 2) + 8 * (e >> 1), col = (l & 3) * 2 + (e & 1);
      float v;
      if (half) {
        uint32_t reg = w.at<uint32_t>(rc[e >> 1])[l];
        v = halfToFloat(uint16_t(reg >> 16 * (e & 1)));
      } else {
        v = w.at<float>(rc[e])[l];
      }
      c[row * 8 + col] = v;
    }
  MatrixUnit unit = matrixUnit(*w.launch);
  int step = unit.stepBytes / bytes;
  for (int row = 0; row < 16; ++row)
    for (int first = 0; first < k; first += step)
      matrixRow(unit, a + row * k, ea + row * k, b, eb, 8, first,
                first + step < k ? first + step : k, c + row * 8, half);
  for (int l = 0; l < 32; ++l) {
    int row = l >> 2, col = (l & 3) * 2;
    for (int h = 0; h < 2; ++h) {
      const float *from = c + (row + 8 * h) * 8 + col;
      if (half) {
        w.at<uint32_t>(rd[h])[l] =
            floatToHalf(from[0]) | uint32_t(floatToHalf(from[1])) << 16;
      } else {
        w.at<float>(rd[2 * h])[l] = from[0];
        w.at<float>(rd[2 * h + 1])[l] = from[1];
      }
    }
  }
  ++w.counters->matrixOps;
  w.counters->matrixMacs += uint64_t(16) * 8 * static_cast<unsigned>(k);
}

bool decodeMma(Decoder &d) {
  if (!d.take("sync") || !d.take("aligned"))
    return d.unsupported("mma.sync.aligned is expected");
  for (std::string_view word : d.statement->modifiers)
    if (word == "s32" || word == "f64")
      return decodeExactMma(d);
  std::string_view shape =
      d.takeAny({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32"});
  if (!d.take("row") || !d.take("col") || shape.empty())
    return d.unsupported("m16n8k{4,8,16,32}.row.col is expected");
  Type td = d.takeType(), ta = d.takeType(), tb = d.takeType(),
       tc = d.takeType();
  MatrixFormat fa, fb;
  bool half = td == Type::F16;
  if (!matrixFormat(ta, fa) || !matrixFormat(tb, fb) || td != tc ||
      (td != Type::F32 && !(half && fa == MatrixFormat::F16)))
    return d.unsupported("these types are not supported");
  bool bytes8 = fa >= MatrixFormat::E4M3;
  if (bytes8 != (fb >= MatrixFormat::E4M3) || (!bytes8 && fa != fb))
    return d.unsupported("A and B are of different types");
  unsigned k = shape == "m16n8k4"    ? 4
               : shape == "m16n8k8"  ? 8
               : shape == "m16n8k16" ? 16
                                     : 32;
  unsigned size = typeBytes(ta), rowBytes = k * size;
  if (rowBytes != 16 && rowBytes != 32)
    return d.unsupported("no such shape for this type");
  if (!d.operands(4))
    return false;
  std::vector<Ref> refs;
  size_t a = 16 * rowBytes / 128, acc = half ? 2 : 4;
  Type accType = half ? Type::B32 : Type::F32;
  if (!addVector(d, d.arg(0), acc, true, accType, refs) ||
      !addVector(d, d.arg(1), a, false, Type::B32, refs) ||
      !addVector(d, d.arg(2), a / 2, false, Type::B32, refs) ||
      !addVector(d, d.arg(3), acc, false, accType, refs))
    return false;
  d.inst.m[0] = static_cast<uint8_t>(fa);
  d.inst.m[1] = static_cast<uint8_t>(fb);
  d.inst.m[2] = static_cast<uint8_t>(k);
  d.inst.m[3] = half;
  d.inst.track = Track::Own;
  return d.list(refs) && d.emit(execMma, Class::Matrix);
}

/// m[0] matrices, m[1] 32-bit base, m[2] transposed, m[3] store. Lane 8j + r
/// has the address of row r of matrix j.
void execLdmatrix(Warp &w, const Inst &i) {
  bool store = i.m[3];
  if (!w.gatherWhole(store ? "stmatrix" : "ldmatrix"))
    return;
  unsigned n = i.m[0];
  Lanes lanes;
  lanesOf(w, i, 0, lanes);
  const Ref *refs = w.launch->kernel->extra.data() + i.extra;
  uint16_t rows[32][8];
  auto each = [&](auto f) {
    for (unsigned j = 0; j < n; ++j) {
      auto *regs = w.at<uint32_t>(refs[j]);
      for (int l = 0; l < 32; ++l)
        for (int e = 0; e < 2; ++e) {
          int row = l >> 2, col = (l & 3) * 2 + e;
          if (i.m[2])
            std::swap(row, col);
          f(regs[l], e, rows[8 * j + static_cast<unsigned>(row)][col]);
        }
    }
  };
  if (store)
    each([](uint32_t reg, int e, uint16_t &place) {
      place = uint16_t(reg >> 16 * e);
    });
  StoredValues values{reinterpret_cast<uint8_t *>(rows), sizeof(rows[0])};
  uint32_t all = w.exec;
  w.exec = n == 4 ? ~0u : (1u << 8 * n) - 1;
  bool ok =
      resolve(w, i, Space(i.m[4]), 16, store ? Access::Store : Access::Load,
              lanes, store ? &values : nullptr);
  w.exec = all;
  if (!ok)
    return;
  if (store && w.undefined && lanes.space == Space::Shared)
    for (unsigned j = 0; j < n; ++j) {
      const UndefinedRegister *marks = undefinedIn(*w.node->frame, refs[j]);
      for (int l = 0; marks && l < 32; ++l)
        for (int e = 0; e < 2; ++e) {
          if (!(marks->lanes >> l & 1) || !(marks->bits[l] >> 16 * e & 0xffff))
            continue;
          int row = l >> 2, col = (l & 3) * 2 + e;
          if (i.m[2])
            std::swap(row, col);
          uint64_t at = lanes.address[8 * j + static_cast<unsigned>(row)] +
                        static_cast<unsigned>(2 * col);
          std::memset(w.block->sharedInit.data() + at, 3, 2);
        }
    }
  if (!store && (w.unread.lanes || w.undefined))
    for (unsigned j = 0; j < n; ++j) {
      uint64_t marks[32] = {};
      for (int l = 0; l < 32; ++l)
        for (int e = 0; e < 2; ++e) {
          int row = l >> 2, col = (l & 3) * 2 + e;
          if (i.m[2])
            std::swap(row, col);
          int from = static_cast<int>(8 * j) + row;
          if (w.unread.lanes >> from & 1)
            marks[l] |= bitsOfBytes(w.unread.bytes[from] >> 2 * col & 3)
                        << 16 * e;
        }
      setUndefined(w, *w.node->frame, refs[j], ~0u, marks, w.unread.origin);
    }
  for (unsigned r = 0; r < 8 * n; ++r) {
    void *there = reinterpret_cast<void *>(lanes.host[r]);
    std::memcpy(store ? there : rows[r], store ? rows[r] : there, 16);
  }
  if (!store)
    each([](uint32_t &reg, int e, uint16_t place) {
      reg = e ? (reg & 0xffff) | uint32_t(place) << 16 : place;
    });
}

bool decodeLdmatrix(Decoder &d) {
  bool store = d.opcode() == "stmatrix";
  if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8"))
    return d.unsupported(".sync.aligned.m8n8 is expected");
  std::string_view count = d.takeAny({"x1", "x2", "x4"});
  d.inst.m[2] = d.take("trans");
  Space space = Space::Generic;
  if (d.take("shared") || d.take("shared::cta"))
    space = Space::Shared;
  if (!d.take("b16") || count.empty() || !d.operands(2))
    return d.unsupported("x1, x2 or x4 of b16 is expected");
  unsigned n = static_cast<unsigned>(count[1] - '0');
  d.inst.m[0] = static_cast<uint8_t>(n);
  d.inst.m[3] = store;
  d.inst.m[4] = static_cast<uint8_t>(space);
  d.inst.track = Track::Own;
  std::vector<Ref> refs;
  return addVector(d, d.arg(store ? 1 : 0), n, !store, Type::B32, refs) &&
         d.list(refs) &&
         d.address(d.arg(store ? 0 : 1), space, 0, d.inst.m[1]) &&
         d.emit(execLdmatrix, store ? Class::StoreShared : Class::LoadShared);
}

void execMovmatrix(Warp &w, const Inst &i) {
  if (!w.gatherWhole("movmatrix"))
    return;
  if (w.undefined)
    gatherUndefined(w, i);
  const uint32_t *a = w.at<uint32_t>(i.op[1]);
  uint32_t out[32];
  for (int l = 0; l < 32; ++l) {
    int row = l >> 2, col = (l & 3) * 2;
    auto at = [&](int r, int c) {
      return a[r * 4 + c / 2] >> 16 * (c & 1) & 0xffff;
    };
    out[l] = at(col, row) | at(col + 1, row) << 16;
  }
  std::memcpy(w.at<uint32_t>(i.op[0]), out, sizeof(out));
}

} // namespace

void registerMatrix(OpTable &ops) {
  ops["mma"] = decodeMma;
  ops["ldmatrix"] = ops["stmatrix"] = decodeLdmatrix;
  ops["movmatrix"] = [](Decoder &d) {
    for (const char *word : {"sync", "aligned", "m8n8", "trans", "b16"})
      if (!d.take(word))
        return d.unsupported("sync.aligned.m8n8.trans.b16 is expected");
    return simpleOperands(d, 1, Type::B32) &&
           d.emit(execMovmatrix, Class::Shuffle);
  };
}

} // namespace et::emu::ET_EMU_ISA
