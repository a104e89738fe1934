//===- ExecWgmma.cpp - wgmma ----------------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each warp of the warpgroup computes its 16 rows by itself. The result lands
// in registers when the operation completes; until the wait they are watched,
// and so is the shared memory that is read.
//
//===----------------------------------------------------------------------===//

#include "ExecBulk.h"
#include "MatrixMath.h"

#include <cstring>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

/// Where element (row, k) of an operand lies, row being m or n.
struct Descriptor {
  uint64_t start;
  uint32_t leading, stride, span;
  bool rowMajor; // K is contiguous
  unsigned bytes;

  uint64_t at(uint32_t row, uint32_t k) const {
    unsigned unit = 16 / bytes;
    uint64_t offset;
    if (rowMajor && !span)
      offset = row % 8 * 16 + uint64_t(row / 8) * stride + k % unit * bytes +
               uint64_t(k / unit) * leading;
    else if (rowMajor)
      offset = row % 8 * span + uint64_t(row / 8) * stride + k * bytes;
    else if (!span)
      offset = row % unit * bytes + uint64_t(row / unit) * stride + k % 8 * 16 +
               uint64_t(k / 8) * leading;
    else
      offset = row % (span / bytes) * bytes +
               uint64_t(row / (span / bytes)) * leading + k % 8 * span +
               uint64_t(k / 8) * stride;
    uint64_t a = start + offset;
    uint64_t mask = span == 128 ? 7 : span == 64 ? 3 : span == 32 ? 1 : 0;
    return a ^ ((a >> 7 & mask) << 4);
  }
};

bool readDescriptor(Warp &w, uint64_t bits, bool rowMajor, unsigned bytes,
                    Descriptor &out) {
  static const uint32_t spans[] = {0, 128, 64, 32};
  out = {(bits & 0x3fff) << 4,
         uint32_t(bits >> 16 & 0x3fff) << 4,
         uint32_t(bits >> 32 & 0x3fff) << 4,
         spans[bits >> 62],
         rowMajor,
         bytes};
  if (bits >> 49 & 7) {
    w.fault("wgmma", "a matrix descriptor with a base offset is not supported; "
                     "align the tile to its swizzle's pattern");
    return false;
  }
  return true;
}

/// m[0] format A, m[1] format B, m[2] K, m[3] f16 accumulators, m[4] A in
/// registers, m[5] bits: 0 negate A, 1 negate B, 2 A is M-major, 3 B is
/// N-major. imm N. op[0] A's descriptor, op[1] B's, op[2] scale-d. extra: D,
/// then A.
void execWgmma(Warp &w, const Inst &i) {
  if (w.block->warpCount < 4)
    return w.fault("warp", "wgmma needs the four warps of a warpgroup");
  if (!w.gatherWhole("wgmma"))
    return;
  AsyncState &async = *w.async;
  auto formatA = MatrixFormat(i.m[0]), formatB = MatrixFormat(i.m[1]);
  unsigned k = i.m[2], n = static_cast<unsigned>(i.imm);
  bool half = i.m[3], inRegisters = i.m[4];
  unsigned bytes = formatA == MatrixFormat::TF32   ? 4
                   : formatA >= MatrixFormat::E4M3 ? 1
                                                   : 2;
  const Ref *rd = w.launch->kernel->extra.data() + i.extra;
  unsigned dRegs = half ? n / 4 : n / 2;
  const Ref *ra = rd + dRegs;
  uint32_t scale = w.pred(i.op[2]);
  if (scale != 0 && scale != ~0u)
    return w.fault("wgmma", "scale-d differs between the lanes of a warp");
  auto fenced = [&](Ref r) {
    return (r & kConstantBit) || !async.dirty[r / 64];
  };
  auto missing = [&] {
    w.fault("wgmma",
            "missing wgmma.fence: this product uses registers that were "
            "written since the last one");
  };
  for (unsigned r = 0; r < dRegs; ++r)
    if (!fenced(rd[r]))
      return missing();
  Descriptor a = {}, b = {};
  if (!inRegisters &&
      !readDescriptor(w, w.at<uint64_t>(i.op[0])[0], !(i.m[5] & 4), bytes, a))
    return;
  if (!readDescriptor(w, w.at<uint64_t>(i.op[1])[0], !(i.m[5] & 8), bytes, b))
    return;
  auto op = std::make_shared<AsyncOp>();
  op->line = i.line;
  op->agent = agentOf(w, AgentKind::Products);
  op->stamp = raceStamp(w, i, op->agent);
  unsigned firstRow = w.id % 4 * 16;
  // What is read from shared memory, in pieces of 16 bytes.
  auto watch = [&](const Descriptor &d, unsigned first, unsigned rows) {
    unsigned unit = 16 / bytes;
    unsigned rowStep = d.rowMajor ? 1 : unit, kStep = d.rowMajor ? unit : 1;
    for (unsigned row = first; row < first + rows; row += rowStep)
      for (unsigned at = 0; at < k; at += kStep) {
        uint64_t address = d.at(row, at) & ~uint64_t(15);
        if (address + 16 > w.block->sharedBytes) {
          faultBounds(w, Space::Shared, address, 16, Access::Load, -1);
          return false;
        }
        if (!raceAsync(w, i, op->agent, op->stamp, address, 16, false, true,
                       -1))
          return false;
        if (w.launch->options.checkInit &&
            !checkWritten(w, Space::Shared, address,
                          w.block->sharedInit.data() + address, 16,
                          "wgmma from shared memory", -1))
          return false;
      }
    return true;
  };
  if ((!inRegisters && !watch(a, firstRow, 16)) || !watch(b, 0, n))
    return;
  // Registers of A are read now: the program may not change them before the
  // wait anyway.
  std::vector<uint32_t> aRegs;
  if (inRegisters)
    for (unsigned r = 0; r < 16 * k * bytes / 128; ++r) {
      if (!fenced(ra[r]))
        return missing();
      if (async.targets.count(ra[r]))
        return w.fault("wgmma",
                       "wgmma reads registers that a product in flight "
                       "writes; wgmma.wait_group is missing");
      const uint32_t *from = w.at<uint32_t>(ra[r]);
      aRegs.insert(aRegs.end(), from, from + 32);
      async.sources[ra[r]] = op;
    }
  struct Source {
    AsyncRef op;
    uint32_t element;
  };
  std::vector<Source> chained(dRegs);
  std::vector<uint32_t> start(dRegs * 32, 0);
  for (unsigned r = 0; r < dRegs && scale; ++r) {
    auto it = async.targets.find(rd[r]);
    if (it != async.targets.end()) {
      chained[r] = {it->second.op, it->second.element};
      op->after.push_back(it->second.op);
    } else {
      std::memcpy(start.data() + r * 32, w.at<uint32_t>(rd[r]), 128);
    }
  }
  op->results.resize(dRegs * 32);
  for (unsigned r = 0; r < dRegs; ++r)
    async.targets[rd[r]] = {op, r};
  Warp *warp = &w;
  uint8_t *registers = w.node->frame->registers;
  AsyncOp *raw = op.get();
  uint8_t flags = i.m[5];
  op->apply = [=, aRegs = std::move(aRegs), chained = std::move(chained),
               start = std::move(start)]() mutable {
    const uint8_t *smem = warp->block->shared;
    std::vector<float> va(16 * k), vb(k * n), c(16 * n);
    std::vector<int32_t> ea(16 * k), eb(k * n);
    auto load = [&](const Descriptor &d, unsigned row, unsigned at) {
      uint32_t bits = 0;
      std::memcpy(&bits, smem + d.at(row, at), bytes);
      return bits;
    };
    unsigned each = 4 / bytes;
    for (unsigned row = 0; row < 16; ++row)
      for (unsigned at = 0; at < k; ++at) {
        uint32_t bits;
        if (inRegisters) {
          unsigned col = at % (4 * each);
          unsigned reg = (row >> 3) + 2 * (at / (4 * each));
          unsigned lane = (row & 7) * 4 + col / each;
          bits = aRegs[reg * 32 + lane] >> (32 / each) * (col % each);
        } else {
          bits = load(a, firstRow + row, at);
        }
        if (bytes < 4)
          bits &= (1u << 8 * bytes) - 1;
        MatrixValue v = matrixValue(bits, formatA);
        va[row * k + at] = flags & 1 ? -v.value : v.value;
        ea[row * k + at] = v.exponent;
      }
    for (unsigned at = 0; at < k; ++at)
      for (unsigned col = 0; col < n; ++col) {
        MatrixValue v = matrixValue(load(b, col, at), formatB);
        vb[at * n + col] = flags & 2 ? -v.value : v.value;
        eb[at * n + col] = v.exponent;
      }
    for (unsigned r = 0; r < dRegs; ++r)
      if (chained[r].op)
        std::memcpy(start.data() + r * 32,
                    chained[r].op->results.data() + chained[r].element * 32,
                    128);
    auto place = [&](unsigned r, unsigned lane, unsigned e, unsigned &row,
                     unsigned &col) {
      // Registers: 8 columns each, the upper rows after the lower.
      unsigned pair = half ? r : r / 2;
      row = lane / 4 + 8 * (pair & 1);
      col = pair / 2 * 8 + lane % 4 * 2 + (half ? e : r & 1);
    };
    unsigned parts = half ? 2 : 1;
    for (unsigned r = 0; r < dRegs; ++r)
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned e = 0; e < parts; ++e) {
          unsigned row, col;
          place(r, lane, e, row, col);
          uint32_t bits = start[r * 32 + lane];
          c[row * n + col] =
              half ? halfToFloat(uint16_t(bits >> 16 * e)) : bitsToFloat(bits);
        }
    MatrixUnit unit = matrixUnit(*warp->launch);
    for (unsigned row = 0; row < 16; ++row)
      matrixRow(unit, va.data() + row * k, ea.data() + row * k, vb.data(),
                eb.data(), static_cast<int>(n), 0, static_cast<int>(k),
                c.data() + row * n, half);
    for (unsigned r = 0; r < dRegs; ++r)
      for (unsigned lane = 0; lane < 32; ++lane) {
        uint32_t bits = 0;
        for (unsigned e = 0; e < parts; ++e) {
          unsigned row, col;
          place(r, lane, e, row, col);
          float v = c[row * n + col];
          bits |= half ? uint32_t(floatToHalf(v)) << 16 * e : floatToBits(v);
        }
        raw->results[r * 32 + lane] = bits;
      }
    for (const auto &[ref, target] : warp->async->targets)
      if (target.op.get() == raw)
        std::memcpy(registers + ref, raw->results.data() + target.element * 32,
                    128);
  };
  if (w.launch->options.schedule != Schedule::Early)
    for (unsigned r = 0; r < dRegs; ++r)
      std::memset(w.at<uint8_t>(rd[r]), 0xff, 128);
  w.async->products.open.push_back({w.exec, op});
  ++w.counters->matrixOps;
  w.counters->matrixMacs += uint64_t(16) * n * k;
  issue(*w.block, std::move(op));
}

void execFence(Warp &w, const Inst &) {
  if (w.gatherWhole("wgmma.fence"))
    w.async->dirty.assign(w.async->dirty.size(), false);
}

void execCommit(Warp &w, const Inst &) {
  if (w.gatherWhole("wgmma.commit_group"))
    commitGroup(w.async->products, w.exec);
}

void execWait(Warp &w, const Inst &i) {
  if (!w.gatherWhole("wgmma.wait_group"))
    return;
  waitGroups(w, w.async->products, w.exec, i.imm);
  // The registers of what is over are free again.
  AsyncState &async = *w.async;
  auto flying = [&](const AsyncRef &op) {
    for (const auto &open : async.products.open)
      if (open.op == op)
        return true;
    for (const auto &group : async.products.groups)
      for (const AsyncRef &other : group.ops)
        if (other == op)
          return true;
    return false;
  };
  for (auto it = async.targets.begin(); it != async.targets.end();)
    it = flying(it->second.op) ? std::next(it) : async.targets.erase(it);
  for (auto it = async.sources.begin(); it != async.sources.end();)
    it = flying(it->second) ? std::next(it) : async.sources.erase(it);
}

bool decodeWgmma(Decoder &d) {
  d.kernel.usesWgmma = true;
  std::string_view what =
      d.takeAny({"fence", "commit_group", "wait_group", "mma_async"});
  if (what.empty() || !d.take("sync") || !d.take("aligned"))
    return d.unsupported("wgmma.what.sync.aligned is expected");
  if (what == "fence")
    return d.emit(execFence, Class::Async);
  if (what == "commit_group")
    return d.emit(execCommit, Class::Async);
  if (what == "wait_group") {
    int64_t keep = 0;
    if (!d.operands(1) || !d.immediate(d.arg(0), keep))
      return false;
    d.inst.imm = static_cast<uint64_t>(keep);
    return d.emit(execWait, Class::Async);
  }
  unsigned n = 0, k = 0;
  for (std::string_view word : d.statement->modifiers)
    if (word.substr(0, 4) == "m64n") {
      std::string text(word);
      if (std::sscanf(text.c_str(), "m64n%uk%u", &n, &k) == 2)
        d.take(word);
    }
  Type td = d.takeType(), ta = d.takeType(), tb = d.takeType();
  MatrixFormat fa, fb;
  bool half = td == Type::F16;
  if (!matrixFormat(ta, fa) || !matrixFormat(tb, fb) ||
      (td != Type::F32 && !half))
    return d.unsupported("these types are not supported");
  unsigned bytes = typeBytes(ta);
  bool same = fa == fb || (bytes == 1 && typeBytes(tb) == 1);
  if (n < 8 || n > 256 || n % 8 || k * bytes != 32 || !same)
    return d.unsupported("no such shape for these types");
  bool vector = d.count() > 1 && d.arg(1).kind == Operand::Vector;
  bool trans = bytes == 2;
  size_t want = 6 + (trans ? (vector ? 1 : 2) : 0);
  if (!d.operands(want))
    return false;
  unsigned dRegs = half ? n / 4 : n / 2;
  std::vector<Ref> refs;
  if (!addVector(d, d.arg(0), dRegs, true, half ? Type::B32 : Type::F32, refs))
    return false;
  if (vector) {
    if (!addVector(d, d.arg(1), 16 * 32 / 128, false, Type::B32, refs))
      return false;
  } else {
    d.inst.op[0] = d.use(d.arg(1), Type::B64);
  }
  d.inst.op[1] = d.use(d.arg(2), Type::B64);
  d.inst.op[2] = d.usePred(d.arg(3));
  int64_t imm[4] = {1, 1, 0, 0};
  for (size_t at = 4, slot = 0; at < want; ++at, ++slot) {
    if (slot == 2 && vector)
      slot = 3;
    if (!d.immediate(d.arg(at), imm[slot]))
      return false;
  }
  if (imm[0] * imm[0] != 1 || imm[1] * imm[1] != 1 || (imm[2] & ~1) ||
      (imm[3] & ~1))
    return d.error("scales are 1 or -1, transpositions 0 or 1");
  d.inst.m[0] = static_cast<uint8_t>(fa);
  d.inst.m[1] = static_cast<uint8_t>(fb);
  d.inst.m[2] = static_cast<uint8_t>(k);
  d.inst.m[3] = half;
  d.inst.m[4] = vector;
  d.inst.m[5] = static_cast<uint8_t>(
      (imm[0] < 0 ? 1 : 0) | (imm[1] < 0 ? 2 : 0) | imm[2] << 2 | imm[3] << 3);
  d.inst.imm = n;
  d.inst.track = Track::Use;
  return d.list(refs) && d.emit(execWgmma, Class::Matrix);
}

} // namespace

bool watchRegisters(Warp &w, const Inst &i) {
  AsyncState &async = *w.async;
  if (async.dirty.empty())
    async.dirty.assign(w.node->frame->capacity / 64 + 1, true);
  if (i.fn == execWgmma || i.cls == Class::Branch || i.cls == Class::Async ||
      i.cls == Class::Barrier)
    return true;
  auto flying = [&](Ref r) {
    return !(r & kConstantBit) && async.targets.count(r) != 0;
  };
  bool plainMove = i.cls == Class::Move && i.op[1] != kNone &&
                   i.op[2] == kNone && i.extraCount == 0;
  // A copy of an accumulator in flight is but another name for it: compilers
  // write such copies between products, and ptxas removes them.
  if (plainMove && flying(i.op[1])) {
    auto target = async.targets[i.op[1]];
    async.targets[i.op[0]] = target;
    async.dirty[i.op[0] / 64] = false;
    return true;
  }
  auto touch = [&](Ref r) {
    if (r == kNone || !flying(r))
      return true;
    w.fault("wgmma",
            "this instruction uses a register that the wgmma issued at line " +
                std::to_string(async.targets[r].op->line) +
                " still writes; wgmma.wait_group is missing");
    return false;
  };
  const Ref *extra = w.launch->kernel->extra.data() + i.extra;
  for (Ref r : i.op)
    if (!touch(r))
      return false;
  for (unsigned e = 0; e < i.extraCount; ++e)
    if (!touch(extra[e]))
      return false;
  bool stores = i.cls == Class::StoreGlobal || i.cls == Class::StoreShared ||
                i.cls == Class::StoreOther;
  if (stores)
    return true;
  auto write = [&](Ref r) {
    if (r == kNone || (r & kConstantBit))
      return true;
    auto it = async.sources.find(r);
    if (it != async.sources.end()) {
      w.fault("wgmma",
              "this instruction writes a register that the wgmma issued "
              "at line " +
                  std::to_string(it->second->line) +
                  " still reads; wgmma.wait_group is missing");
      return false;
    }
    if (r / 64 < async.dirty.size())
      async.dirty[r / 64] = plainMove && !(i.op[1] & kConstantBit)
                                ? bool(async.dirty[i.op[1] / 64])
                                : true;
    return true;
  };
  if (!write(i.op[0]))
    return false;
  for (unsigned e = 0; e < i.extraCount; ++e)
    if (!write(extra[e]))
      return false;
  return true;
}

void registerWgmma(OpTable &ops) { ops["wgmma"] = decodeWgmma; }

} // namespace et::emu::ET_EMU_ISA
