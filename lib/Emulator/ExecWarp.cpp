//===- ExecWarp.cpp - What the lanes of a warp do together ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"
#include "Undefined.h"

#include <cstring>
#include <type_traits>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

/// Runs `body` for the lanes that the register op[slot] names, once they all
/// are here. Tiles of a warp name each its own lanes: each is a group that the
/// instruction runs for by itself.
template <typename F>
void withMembers(Warp &w, const Inst &i, int slot, F body) {
  uint32_t named[32], all = w.exec, out = 0;
  std::memcpy(named, w.at<uint32_t>(i.op[slot]), sizeof(named));
  for (int l = 0; l < 32; ++l)
    out |= (~named[l] >> l & 1) << l;
  if (out & all)
    return w.fault("warp",
                   "a lane runs an instruction whose member mask leaves it out",
                   __builtin_ctz(out & all));
  if (w.groupOf(named, all) == all) {
    if (w.gather(named[__builtin_ctz(all)]))
      body(named[__builtin_ctz(all)]);
    return;
  }
  if (!w.partGroups(named))
    return;
  for (uint32_t left = all; left && !w.block->faulted; left &= ~w.exec) {
    int first = __builtin_ctz(left);
    w.exec = w.groupOf(named, left);
    if (uint32_t others = named[first] & all & ~w.exec)
      return w.fault("warp",
                     "the member mask names lane " +
                         std::to_string(__builtin_ctz(others)) +
                         ", whose own mask differs",
                     first);
    body(named[first]);
  }
  w.exec = all;
}

enum Shuffle : uint8_t { Up, Down, Bfly, Idx };

void execShfl(Warp &w, const Inst &i) {
  withMembers(w, i, 4, [&](uint32_t) {
    const uint32_t *a = w.at<uint32_t>(i.op[1]), *b = w.at<uint32_t>(i.op[2]),
                   *c = w.at<uint32_t>(i.op[3]);
    uint32_t out[32], valid = 0;
    int source[32];
    for (int l = 0; l < 32; ++l) {
      int value = b[l] & 31, clamp = c[l] & 31, segment = c[l] >> 8 & 31;
      int high = (l & segment) | (clamp & ~segment), low = l & segment;
      int from = l;
      bool in = false;
      switch (i.m[0]) {
      case Up:
        from = l - value;
        in = from >= high;
        break;
      case Down:
        from = l + value;
        in = from <= high;
        break;
      case Bfly:
        from = l ^ value;
        in = from <= high;
        break;
      default:
        from = low | (value & ~segment);
        in = from <= high;
        break;
      }
      if (!in)
        from = l;
      valid |= uint32_t(in) << l;
      source[l] = from;
      out[l] = a[from];
      if (in && w.launch->options.checkInit && (w.exec >> l & 1) &&
          !(w.exec >> from & 1))
        return w.fault("warp",
                       "shfl reads lane " + std::to_string(from) +
                           ", which does not take part",
                       l);
    }
    if (w.undefined)
      shuffleUndefined(w, i, source);
    setLanes<uint32_t>(w, i.op[0], [&](int l) { return out[l]; });
    if (i.op[5] != kNone)
      w.pred(i.op[5]) = (w.pred(i.op[5]) & ~w.exec) | (valid & w.exec);
  });
}

bool decodeShfl(Decoder &d) {
  if (!d.take("sync"))
    return d.unsupported("shfl without .sync is not part of PTX for sm_70 and "
                         "later");
  std::string_view mode = d.takeAny({"up", "down", "bfly", "idx"});
  if (!d.take("b32") || mode.empty() || !d.operands(5))
    return d.unsupported(
        "shfl.sync.mode.b32 d|p, a, b, c, members is expected");
  d.inst.m[0] = mode == "up"     ? Up
                : mode == "down" ? Down
                : mode == "bfly" ? Bfly
                                 : Idx;
  for (int k = 1; k <= 4; ++k)
    d.inst.op[k] = d.use(d.arg(k), Type::B32);
  Operand to = d.arg(0);
  if (!to.elements.empty())
    d.inst.op[5] = d.defPred(to.elements[0]);
  d.inst.op[0] = d.def(to, Type::B32);
  return d.emit(execShfl, Class::Shuffle);
}

enum Vote : uint8_t { All, Any, Uni, Ballot };
void execVote(Warp &w, const Inst &i) {
  withMembers(w, i, 2, [&](uint32_t members) {
    if (w.undefined)
      gatherUndefined(w, i);
    uint32_t p = w.pred(i.op[1]) & w.exec & members;
    uint32_t here = w.exec & members;
    if (i.m[0] == Ballot)
      return setLanes<uint32_t>(w, i.op[0], [=](int) { return p; });
    bool r = i.m[0] == All   ? p == here
             : i.m[0] == Any ? p != 0
                             : p == 0 || p == here;
    setPred(w, i.op[0], [=](int) { return r; });
  });
}

bool decodeVote(Decoder &d) {
  std::string_view mode = d.takeAny({"all", "any", "uni", "ballot"});
  if (!d.take("sync") || mode.empty() || !d.operands(3))
    return d.unsupported("vote.sync.mode d, p, members is expected");
  bool ballot = mode == "ballot";
  d.take(ballot ? "b32" : "pred");
  d.inst.m[0] = mode == "all"   ? All
                : mode == "any" ? Any
                : mode == "uni" ? Uni
                                : Ballot;
  d.inst.op[1] = d.usePred(d.arg(1));
  d.inst.op[2] = d.use(d.arg(2), Type::B32);
  d.inst.op[0] = ballot ? d.def(d.arg(0), Type::B32) : d.defPred(d.arg(0));
  return d.emit(execVote, Class::Shuffle);
}

/// m[0]: all.
template <typename T>
void execMatch(Warp &w, const Inst &i) {
  withMembers(w, i, 2, [&](uint32_t members) {
    if (w.undefined)
      gatherUndefined(w, i);
    const T *a = w.at<T>(i.op[1]);
    uint32_t here = w.exec & members, out[32] = {}, p = 0;
    eachLane(w.exec, [&](int l) {
      eachLane(here, [&](int k) { out[l] |= uint32_t(a[k] == a[l]) << k; });
      if (i.m[0]) {
        bool all = out[l] == here;
        out[l] = all ? here : 0;
        p |= uint32_t(all) << l;
      }
    });
    setLanes<uint32_t>(w, i.op[0], [&](int l) { return out[l]; });
    if (i.op[5] != kNone)
      w.pred(i.op[5]) = (w.pred(i.op[5]) & ~w.exec) | (p & w.exec);
  });
}

bool decodeMatch(Decoder &d) {
  std::string_view mode = d.takeAny({"all", "any"});
  bool sync = d.take("sync");
  Type type = d.takeType();
  if (!sync || mode.empty() || !d.operands(3))
    return d.unsupported("match.mode.sync.type d, a, members is expected");
  d.inst.m[0] = mode == "all";
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[2] = d.use(d.arg(2), Type::B32);
  Operand to = d.arg(0);
  if (!to.elements.empty())
    d.inst.op[5] = d.defPred(to.elements[0]);
  d.inst.op[0] = d.def(to, Type::B32);
  return d.emit(typeBytes(type) == 8   ? execMatch<uint64_t>
                : typeBytes(type) == 4 ? execMatch<uint32_t>
                                       : nullptr,
                Class::Shuffle);
}

void execActive(Warp &w, const Inst &i) {
  uint32_t m = w.exec;
  if (w.undefined)
    gatherUndefined(w, i);
  setLanes<uint32_t>(w, i.op[0], [=](int) { return m; });
}

enum Reduce : uint8_t { Add, Min, Max, And, Or, Xor };
template <typename T>
void execRedux(Warp &w, const Inst &i) {
  withMembers(w, i, 2, [&](uint32_t members) {
    if (w.undefined)
      gatherUndefined(w, i);
    const T *a = w.at<T>(i.op[1]);
    uint32_t here = w.exec & members;
    T r = a[__builtin_ctz(here)];
    eachLane(here & (here - 1), [&](int l) {
      T v = a[l];
      switch (i.m[0]) {
      case Add:
        r = T(std::make_unsigned_t<T>(r) + std::make_unsigned_t<T>(v));
        break;
      case Min:
        r = v < r ? v : r;
        break;
      case Max:
        r = v > r ? v : r;
        break;
      case And:
        r = T(r & v);
        break;
      case Or:
        r = T(r | v);
        break;
      default:
        r = T(r ^ v);
        break;
      }
    });
    setLanes<T>(w, i.op[0], [=](int) { return r; });
  });
}

bool decodeRedux(Decoder &d) {
  static const char *const names[] = {"add", "min", "max", "and", "or", "xor"};
  bool sync = d.take("sync");
  uint8_t op = 0;
  while (op < 6 && !d.take(names[op]))
    ++op;
  Type type = d.takeType();
  if (!sync || op == 6 || typeBytes(type) != 4 || type == Type::F32 ||
      !d.operands(3))
    return d.unsupported("redux.sync.op on u32, s32 or b32 is expected");
  d.inst.m[0] = op;
  d.inst.op[1] = d.use(d.arg(1), type);
  d.inst.op[2] = d.use(d.arg(2), Type::B32);
  d.inst.op[0] = d.def(d.arg(0), type);
  return d.emit(type == Type::S32 ? execRedux<int32_t> : execRedux<uint32_t>,
                Class::Shuffle);
}

/// The lowest member is elected, as the hardware does.
void execElect(Warp &w, const Inst &i) {
  withMembers(w, i, 1, [&](uint32_t members) {
    if (w.undefined)
      gatherUndefined(w, i);
    uint32_t leader = static_cast<uint32_t>(__builtin_ctz(w.exec & members));
    setLanes<uint32_t>(w, i.op[0], [=](int) { return leader; });
    if (i.op[5] != kNone)
      setPred(w, i.op[5], [=](int l) { return uint32_t(l) == leader; });
  });
}

bool decodeElect(Decoder &d) {
  if (!d.take("sync") || !d.operands(2))
    return d.unsupported("elect.sync d|p, members is expected");
  d.inst.op[1] = d.use(d.arg(1), Type::B32);
  Operand to = d.arg(0);
  if (!to.elements.empty())
    d.inst.op[5] = d.defPred(to.elements[0]);
  d.inst.op[0] = d.def(to, Type::B32);
  return d.emit(execElect, Class::Shuffle);
}

} // namespace

void registerWarp(OpTable &ops) {
  ops["shfl"] = decodeShfl;
  ops["vote"] = decodeVote;
  ops["match"] = decodeMatch;
  ops["redux"] = decodeRedux;
  ops["elect"] = decodeElect;
  ops["activemask"] = [](Decoder &d) {
    d.take("b32");
    if (!d.operands(1))
      return false;
    d.inst.op[0] = d.def(d.arg(0), Type::B32);
    return d.emit(execActive, Class::Shuffle);
  };
}

} // namespace et::emu::ET_EMU_ISA
