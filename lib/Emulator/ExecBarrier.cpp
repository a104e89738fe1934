//===- ExecBarrier.cpp - bar, barrier, fences -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"
#include "Race.h"

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

/// m[0]: 0 sync, 1 arrive, 2 popc, 3 and, 4 or; m[1]: aligned; m[2]: a count
/// is given. op[0] result, op[1] barrier, op[2] count, op[3] predicate.
void execBar(Warp &w, const Inst &i) {
  int first = __builtin_ctz(w.exec);
  uint32_t id = w.at<uint32_t>(i.op[1])[first];
  uint32_t count = i.m[2] ? w.at<uint32_t>(i.op[2])[first] : 0;
  if (id > 15)
    return w.fault("barrier",
                   "barrier " + std::to_string(id) + " is none of 0 to 15",
                   first);
  if (i.m[2] && (count == 0 || count % 32))
    return w.fault("barrier",
                   "a barrier's thread count, here " + std::to_string(count) +
                       ", is a positive multiple of 32",
                   first);
  Barrier &b = w.block->barriers[id];
  if (i.m[0] >= 2) {
    uint32_t p = w.pred(i.op[3]) & w.exec;
    b.reduceCount += static_cast<uint32_t>(__builtin_popcount(p));
    b.reduceOr |= p != 0;
    b.reduceAnd &= p == w.exec;
  }
  w.block->barrierArrive(w, id, count, i.m[0] != 1);
}

bool decodeBar(Decoder &d) {
  bool bar = d.opcode() == "bar";
  if (bar && d.take("warp")) {
    if (!d.take("sync") || !d.operands(1))
      return d.unsupported("bar.warp.sync members is expected");
    d.inst.op[0] = d.use(d.arg(0), Type::B32);
    return d.emit(
        [](Warp &w, const Inst &i) {
          const uint32_t *named = w.at<uint32_t>(i.op[0]);
          uint32_t members = named[__builtin_ctz(w.exec)];
          if (!w.partGroups(named) || !(members & w.live & ~w.exec))
            return;
          w.node->wanted = members & w.live;
          w.node->barrier = 0;
          w.park(Node::AtWarpSync);
        },
        Class::Barrier);
  }
  if (d.take("cluster")) {
    // A cluster is one block here: arrive says nothing that wait does not.
    bool arrive = d.take("arrive");
    bool wait = !arrive && d.take("wait");
    for (const char *word : {"release", "relaxed", "acquire", "aligned"})
      d.take(word);
    if (!arrive && !wait)
      return d.unsupported("arrive or wait is expected");
    d.inst.m[1] = 1;
    return d.emit(wait ? ExecFn([](Warp &w, const Inst &) {
                    w.block->barrierArrive(w, 16, 0, true);
                  })
                       : ExecFn([](Warp &, const Inst &) {}),
                  Class::Barrier);
  }
  d.take("cta");
  std::string_view what = d.takeAny({"sync", "arrive", "red"});
  d.inst.m[1] = d.take("aligned") || bar;
  uint8_t kind = what == "arrive" ? 1 : 0;
  size_t at = 0;
  if (what == "red") {
    std::string_view op = d.takeAny({"popc", "and", "or"});
    kind = op == "popc" ? 2 : op == "and" ? 3 : 4;
    d.take(kind == 2 ? "u32" : "pred");
    if (!d.operands(3, 4))
      return false;
    d.inst.op[0] = kind == 2 ? d.def(d.arg(0), Type::U32) : d.defPred(d.arg(0));
    d.inst.op[3] = d.usePred(d.arg(d.count() - 1));
    at = 1;
  } else if (what.empty() || !d.operands(kind == 1 ? 2 : 1, 2)) {
    return d.unsupported("sync, arrive or red is expected");
  }
  d.inst.m[0] = kind;
  d.inst.op[1] = d.use(d.arg(at), Type::U32);
  size_t last = d.count() - (kind >= 2 ? 1 : 0);
  if (at + 1 < last) {
    d.inst.m[2] = 1;
    d.inst.op[2] = d.use(d.arg(at + 1), Type::U32);
  }
  return d.emit(execBar, Class::Barrier);
}

/// Blocks of a launch see each other's writes at once, so fences matter to the
/// race check alone.
void execNothing(Warp &, const Inst &) {}
void execFence(Warp &w, const Inst &) { raceFence(w); }

} // namespace

void registerBarrier(OpTable &ops) {
  ops["bar"] = ops["barrier"] = decodeBar;
  ops["membar"] = ops["fence"] = [](Decoder &d) {
    if (d.take("proxy")) {
      bool async = false;
      for (std::string_view word : d.statement->modifiers)
        async |= word.substr(0, 5) == "async";
      for (const char *word :
           {"async", "async::generic", "alias", "tensormap::generic", "release",
            "acquire", "cta", "cluster", "gpu", "sys"})
        d.take(word);
      for (const char *word :
           {"global", "shared", "shared::cta", "shared::cluster",
            "sync_restrict::shared::cta", "sync_restrict::shared::cluster"})
        d.take(word);
      return d.emit(
          async ? ExecFn([](Warp &w, const Inst &) { raceProxyFence(w); })
                : execNothing,
          Class::Barrier);
    }
    for (const char *word : {"sc", "acq_rel", "acquire", "release"})
      d.take(word);
    bool isWide = !d.takeAny({"gl", "cluster", "gpu", "sys"}).empty();
    for (const char *word :
         {"cta", "mbarrier_init", "cluster", "sync_restrict::shared::cta",
          "sync_restrict::shared::cluster"})
      d.take(word);
    return d.emit(isWide ? execFence : execNothing, Class::Barrier);
  };
  ops["griddepcontrol"] = [](Decoder &d) {
    if (d.takeAny({"wait", "launch_dependents"}).empty())
      return d.unsupported("wait or launch_dependents is expected");
    return d.emit(execNothing, Class::Barrier);
  };
}

} // namespace et::emu::ET_EMU_ISA
