//===- ExecMove.cpp - Moves, addresses, special registers -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"

#include <chrono>
#include <cstring>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

template <typename T>
void execMov(Warp &w, const Inst &i) {
  const T *a = w.at<T>(i.op[1]);
  setLanes<T>(w, i.op[0], [=](int l) { return a[l]; });
}
void execMov128(Warp &w, const Inst &i) {
  const auto *a = w.at<uint64_t>(i.op[1]);
  auto *d = w.at<uint64_t>(i.op[0]);
  eachLane(w.exec, [=](int l) {
    d[2 * l] = a[2 * l];
    d[2 * l + 1] = a[2 * l + 1];
  });
}
void execMovPred(Warp &w, const Inst &i) {
  uint32_t &d = w.pred(i.op[0]);
  d = (d & ~w.exec) | (w.pred(i.op[1]) & w.exec);
}

/// Registers of `m[0]` bytes a lane packed into one of `m[1]`, and back.
void execPack(Warp &w, const Inst &i) {
  const Ref *from = w.launch->kernel->extra.data() + i.extra;
  uint8_t *d = w.at<uint8_t>(i.op[0]);
  for (unsigned k = 0; k < i.extraCount; ++k) {
    const uint8_t *a = w.at<uint8_t>(from[k]);
    eachLane(w.exec, [&](int l) {
      std::memcpy(d + l * i.m[1] + k * i.m[0], a + l * i.m[0], i.m[0]);
    });
  }
}
void execUnpack(Warp &w, const Inst &i) {
  const Ref *to = w.launch->kernel->extra.data() + i.extra;
  // A destination may be the source itself.
  uint8_t copy[32 * 16];
  std::memcpy(copy, w.at<uint8_t>(i.op[0]), 32 * i.m[1]);
  for (unsigned k = 0; k < i.extraCount; ++k) {
    uint8_t *d = w.at<uint8_t>(to[k]);
    eachLane(w.exec, [&](int l) {
      std::memcpy(d + l * i.m[0], copy + l * i.m[1] + k * i.m[0], i.m[0]);
    });
  }
}

ExecFn movFor(unsigned bytes) {
  return bytes == 2    ? execMov<uint16_t>
         : bytes == 4  ? execMov<uint32_t>
         : bytes == 8  ? execMov<uint64_t>
         : bytes == 16 ? execMov128
                       : nullptr;
}

bool decodeMov(Decoder &d) {
  Type type = d.takeType();
  if (!d.operands(2))
    return false;
  if (type == Type::Pred) {
    d.inst.op[1] = d.usePred(d.arg(1));
    d.inst.op[0] = d.defPred(d.arg(0));
    d.inst.track = Track::Copy;
    return d.emit(execMovPred, Class::Move);
  }
  unsigned bytes = typeBytes(type);
  for (int side = 0; side < 2; ++side) {
    const Operand &vec = d.arg(side);
    if (vec.kind != Operand::Vector)
      continue;
    size_t n = vec.elements.size();
    if (n < 2 || bytes % n || bytes / n < 2)
      return d.unsupported(
          "the parts of the vector do not make up the register");
    unsigned part = bytes / static_cast<unsigned>(n);
    Type partType = part == 2 ? Type::B16 : part == 4 ? Type::B32 : Type::B64;
    std::vector<Ref> refs;
    for (const Operand &e : vec.elements)
      refs.push_back(side == 0 ? d.def(e, partType) : d.use(e, partType));
    d.inst.m[0] = static_cast<uint8_t>(part);
    d.inst.m[1] = static_cast<uint8_t>(bytes);
    d.inst.op[0] = side == 0 ? d.use(d.arg(1), type) : d.def(d.arg(0), type);
    d.inst.track = side == 0 ? Track::Unpack : Track::Pack;
    return d.list(refs) &&
           d.emit(side == 0 ? execUnpack : execPack, Class::Move);
  }
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[0] = d.def(d.arg(0), type);
  d.inst.track = Track::Copy;
  return d.emit(movFor(bytes), Class::Move);
}

void execCvta(Warp &w, const Inst &i) {
  const uint64_t *a = w.at<uint64_t>(i.op[1]);
  uint64_t add = i.imm;
  setLanes<uint64_t>(w, i.op[0], [=](int l) { return a[l] + add; });
}

uint64_t windowOf(Decoder &d) {
  if (d.take("shared") || d.take("shared::cta") || d.take("shared::cluster"))
    return kSharedWindow;
  if (d.take("local"))
    return kLocalWindow;
  if (d.take("param") || d.take("param::entry"))
    return kParamWindow;
  if (d.take("global") || d.take("const"))
    return 0;
  return ~uint64_t(0);
}

bool decodeCvta(Decoder &d) {
  bool to = d.take("to");
  uint64_t window = windowOf(d);
  Type type = d.takeType();
  if (window == ~uint64_t(0) || typeBytes(type) != 8 || !d.operands(2))
    return d.unsupported("cvta{.to}.space.u64 d, a is expected");
  d.inst.imm = to ? 0 - window : window;
  d.inst.op[1] = d.use(d.arg(1), Type::U64);
  d.inst.op[0] = d.def(d.arg(0), Type::U64);
  return d.emit(execCvta, Class::Integer);
}

void execIsspacep(Warp &w, const Inst &i) {
  const uint64_t *a = w.at<uint64_t>(i.op[1]);
  uint64_t window = i.imm;
  setPred(w, i.op[0], [=](int l) {
    if (window == 0)
      return a[l] >= kGlobalBase;
    return a[l] - window < kWindowBytes;
  });
}

// Special registers of one value a block, by the member that holds it.
enum Uniform : uint8_t {
  NtidX,
  NtidY,
  NtidZ,
  CtaX,
  CtaY,
  CtaZ,
  NctaX,
  NctaY,
  NctaZ,
  WarpId,
  NWarps,
  SmId,
  NSm,
  Zero,
  One,
  DynamicShared,
  TotalShared,
  Clock32,
  WorkspaceHigh,
  WorkspaceLow,
  ReservedStart,
  ReservedEnd,
  ReservedCap,
};

uint32_t uniformValue(Warp &w, uint8_t which) {
  const Launch &launch = *w.launch;
  const Block &block = *w.block;
  switch (which) {
  case NtidX:
    return launch.block.x;
  case NtidY:
    return launch.block.y;
  case NtidZ:
    return launch.block.z;
  case CtaX:
    return block.id.x;
  case CtaY:
    return block.id.y;
  case CtaZ:
    return block.id.z;
  case NctaX:
    return launch.grid.x;
  case NctaY:
    return launch.grid.y;
  case NctaZ:
    return launch.grid.z;
  case WarpId:
    return w.id;
  case NWarps:
    return block.warpCount;
  // As many multiprocessors as blocks, so that the number is repeatable.
  case SmId:
    return static_cast<uint32_t>(block.linear % 132);
  case NSm:
    return 132;
  case One:
    return 1;
  case DynamicShared:
    return launch.dynamicShared;
  case TotalShared:
    return block.sharedBytes;
  // Where the blocks of a cooperative launch meet; null in other launches.
  case WorkspaceHigh:
    return static_cast<uint32_t>(launch.workspace >> 32);
  case WorkspaceLow:
    return static_cast<uint32_t>(launch.workspace);
  case ReservedStart:
    return block.reservedStart;
  case ReservedEnd:
    return block.reservedEnd;
  case ReservedCap:
    return block.reservedStart + 1024;
  // A clock that counts this warp's instructions: repeatable, and it moves.
  case Clock32:
    return static_cast<uint32_t>(w.counters->warpInstructions);
  default:
    return 0;
  }
}

void execUniform(Warp &w, const Inst &i) {
  uint32_t v = uniformValue(w, i.m[0]);
  setLanes<uint32_t>(w, i.op[0], [=](int) { return v; });
}
void execUniform64(Warp &w, const Inst &i) {
  uint64_t v = i.m[0] == Clock32 ? w.counters->warpInstructions
                                 : uniformValue(w, i.m[0]);
  if (i.m[1])
    v = static_cast<uint64_t>(
        std::chrono::steady_clock::now().time_since_epoch().count());
  setLanes<uint64_t>(w, i.op[0], [=](int) { return v; });
}
void execTid(Warp &w, const Inst &i) {
  const uint32_t *t = w.tid[i.m[0]];
  setLanes<uint32_t>(w, i.op[0], [=](int l) { return t[l]; });
}
void execNoCluster(Warp &w, const Inst &i) {
  setPred(w, i.op[0], [](int) { return false; });
}
enum LaneMask : uint8_t { LaneId, MaskEq, MaskLe, MaskLt, MaskGe, MaskGt };
void execLane(Warp &w, const Inst &i) {
  uint8_t which = i.m[0];
  setLanes<uint32_t>(w, i.op[0], [=](int l) {
    uint32_t eq = 1u << l, lt = eq - 1;
    return which == LaneId   ? uint32_t(l)
           : which == MaskEq ? eq
           : which == MaskLe ? lt | eq
           : which == MaskLt ? lt
           : which == MaskGe ? ~lt
                             : ~(lt | eq);
  });
}

} // namespace

void execLocalAddress(Warp &w, const Inst &i) {
  uint64_t at = w.node->frame->localBase + i.imm;
  if (i.m[0] == 8)
    setLanes<uint64_t>(w, i.op[0], [=](int) { return at; });
  else
    setLanes<uint32_t>(w, i.op[0], [=](int) { return uint32_t(at); });
}

bool decodeSpecial(Decoder &d, std::string_view name, Inst &inst, Type &type) {
  struct Entry {
    std::string_view name;
    ExecFn fn;
    uint8_t which;
  };
  static const Entry entries[] = {
      {"%tid.x", execTid, 0},
      {"%tid.y", execTid, 1},
      {"%tid.z", execTid, 2},
      {"%ntid.x", execUniform, NtidX},
      {"%ntid.y", execUniform, NtidY},
      {"%ntid.z", execUniform, NtidZ},
      {"%ctaid.x", execUniform, CtaX},
      {"%ctaid.y", execUniform, CtaY},
      {"%ctaid.z", execUniform, CtaZ},
      {"%nctaid.x", execUniform, NctaX},
      {"%nctaid.y", execUniform, NctaY},
      {"%nctaid.z", execUniform, NctaZ},
      {"%laneid", execLane, LaneId},
      {"%lanemask_eq", execLane, MaskEq},
      {"%lanemask_le", execLane, MaskLe},
      {"%lanemask_lt", execLane, MaskLt},
      {"%lanemask_ge", execLane, MaskGe},
      {"%lanemask_gt", execLane, MaskGt},
      {"%warpid", execUniform, WarpId},
      {"%nwarpid", execUniform, NWarps},
      {"%smid", execUniform, SmId},
      {"%nsmid", execUniform, NSm},
      {"%clock", execUniform, Clock32},
      {"%clock_hi", execUniform, Zero},
      {"%clock64", execUniform64, Clock32},
      {"%globaltimer", execUniform64, 255},
      {"%gridid", execUniform64, Zero},
      {"%globaltimer_lo", execUniform, Clock32},
      {"%globaltimer_hi", execUniform, Zero},
      {"%current_graph_exec", execUniform64, Zero},
      {"%is_explicit_cluster", execNoCluster, 0},
      {"%dynamic_smem_size", execUniform, DynamicShared},
      {"%total_smem_size", execUniform, TotalShared},
      {"%aggr_smem_size", execUniform, TotalShared},
      {"%reserved_smem_offset_begin", execUniform, ReservedStart},
      {"%reserved_smem_offset_0", execUniform, ReservedStart},
      {"%reserved_smem_offset_1", execUniform, ReservedStart},
      {"%reserved_smem_offset_end", execUniform, ReservedEnd},
      {"%reserved_smem_offset_cap", execUniform, ReservedCap},
      {"%envreg1", execUniform, WorkspaceHigh},
      {"%envreg2", execUniform, WorkspaceLow},
      // Clusters of one block.
      {"%cluster_ctaid.x", execUniform, Zero},
      {"%cluster_ctaid.y", execUniform, Zero},
      {"%cluster_ctaid.z", execUniform, Zero},
      {"%cluster_nctaid.x", execUniform, One},
      {"%cluster_nctaid.y", execUniform, One},
      {"%cluster_nctaid.z", execUniform, One},
      {"%cluster_ctarank", execUniform, Zero},
      {"%cluster_nctarank", execUniform, One},
      {"%clusterid.x", execUniform, CtaX},
      {"%clusterid.y", execUniform, CtaY},
      {"%clusterid.z", execUniform, CtaZ},
      {"%nclusterid.x", execUniform, NctaX},
      {"%nclusterid.y", execUniform, NctaY},
      {"%nclusterid.z", execUniform, NctaZ},
  };
  for (const Entry &e : entries) {
    if (e.name != name)
      continue;
    inst.fn = e.fn;
    inst.m[0] = e.which == 255 ? uint8_t(Zero) : e.which;
    inst.m[1] = e.which == 255;
    inst.cls = Class::Move;
    type = e.fn == execUniform64   ? Type::U64
           : e.fn == execNoCluster ? Type::Pred
                                   : Type::U32;
    if (e.fn == execUniform &&
        (e.which == ReservedStart || e.which == ReservedEnd))
      d.kernel.usesReservedShared = true;
    return true;
  }
  // The other registers of the environment hold nothing.
  constexpr std::string_view environment = "%envreg";
  if (name.substr(0, environment.size()) != environment)
    return false;
  unsigned number = 0;
  for (char digit : name.substr(environment.size()))
    if (digit < '0' || digit > '9' ||
        (number = number * 10 + static_cast<unsigned>(digit - '0')) > 31)
      return false;
  if (name.size() == environment.size())
    return false;
  inst.fn = execUniform;
  inst.m[0] = Zero;
  inst.cls = Class::Move;
  type = Type::U32;
  return true;
}

void registerMove(OpTable &ops) {
  ops["mov"] = decodeMov;
  ops["cvta"] = decodeCvta;
  ops["isspacep"] = [](Decoder &d) {
    uint64_t window = windowOf(d);
    if (window == ~uint64_t(0) || !d.operands(2))
      return d.unsupported("no space that is known");
    d.inst.imm = window;
    d.inst.op[1] = d.use(d.arg(1), Type::U64);
    d.inst.op[0] = d.defPred(d.arg(0));
    return d.emit(execIsspacep, Class::Predicate);
  };
  ops["getctarank"] = [](Decoder &d) {
    d.take("shared::cluster");
    Type type = d.takeType();
    if (!d.operands(2))
      return false;
    d.inst.op[1] = d.use(d.arg(1), type);
    d.inst.op[0] = d.def(d.arg(0), Type::U32);
    d.inst.m[0] = Zero;
    return d.emit(execUniform, Class::Integer);
  };
  // A cluster of one block: every address of its shared memory is its own.
  ops["mapa"] = [](Decoder &d) {
    d.take("shared::cluster");
    Type type = d.takeType();
    if (!d.operands(3))
      return false;
    d.inst.op[1] = d.use(d.arg(1), type);
    d.inst.op[0] = d.def(d.arg(0), type);
    return d.emit(movFor(typeBytes(type)), Class::Integer);
  };
}

} // namespace et::emu::ET_EMU_ISA
