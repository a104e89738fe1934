//===- ExecAsync.cpp - cp.async and mbarrier ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "ExecBulk.h"

#include <cstring>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {

void poison(Block &block, uint64_t address, uint64_t bytes) {
  // Until it is there, the data is a NaN in every format.
  if (block.launch->options.schedule != Schedule::Early)
    std::memset(block.shared + address, 0xff, bytes);
  if (block.launch->options.checkInit)
    std::memset(block.sharedInit.data() + address, 2, bytes);
}

void markShared(Block &block, uint64_t address, uint64_t bytes) {
  if (block.launch->options.checkInit)
    std::memset(block.sharedInit.data() + address, 1, bytes);
}

bool sharedRange(Warp &w, uint64_t &address, uint64_t bytes, uint64_t align,
                 Access access, int lane) {
  if (address - kSharedWindow < kWindowBytes)
    address -= kSharedWindow;
  if (address & (align - 1)) {
    faultAlign(w, Space::Shared, address, static_cast<unsigned>(align), lane);
    return false;
  }
  if (address + bytes > w.block->sharedBytes || address + bytes < address) {
    faultBounds(w, Space::Shared, address, static_cast<unsigned>(bytes), access,
                lane);
    return false;
  }
  return true;
}

void copyShared(Block &block, uint64_t to, uint64_t from, uint64_t bytes) {
  const Memory &memory = *block.launch->memory;
  std::memcpy(block.shared + to, memory.host(from), bytes);
  if (!block.launch->options.checkInit)
    return;
  const uint8_t *known = memory.initOf(from);
  for (uint64_t k = 0; k < bytes; ++k)
    block.sharedInit[to + k] = known[k] == 1 ? 1 : 3;
}

namespace {

/// What an mbarrier hands over comes with it, so looking at it is atomic.
bool watchBarrier(Warp &w, const Inst &i, uint64_t address, int lane) {
  uint64_t at[32];
  at[lane] = address;
  return !w.launch->options.checkRace ||
         raceAccess(w, i, Space::Shared, at, 1u << lane, 8, Access::AtomicLoad);
}

// cp.async -------------------------------------------------------------------

/// op[0] destination, op[1] source, both with offsets (imm, target); op[2] the
/// bytes to read, or the predicate of ignore-src; m[0] bytes to write, m[1],
/// m[2] 32-bit bases, m[3] 0 no operand, 1 source size, 2 ignore-src.
void execCpAsync(Warp &w, const Inst &i) {
  unsigned bytes = i.m[0];
  auto baseOf = [&](int slot, bool is32, int l) -> uint64_t {
    return is32 ? w.at<uint32_t>(i.op[slot])[l] : w.at<uint64_t>(i.op[slot])[l];
  };
  struct Move {
    uint32_t to;
    uint32_t bytes;
    uint64_t from;
  };
  std::vector<Move> moves;
  Block *block = w.block;
  uint32_t agent = agentOf(w, AgentKind::Copies);
  uint32_t stamp = raceStamp(w, i, agent);
  Lanes lanes = {};
  uint32_t full = 0;
  for (uint32_t m = w.exec; m; m &= m - 1) {
    int l = __builtin_ctz(m);
    uint64_t to = baseOf(0, i.m[1], l) + i.imm;
    uint64_t from =
        baseOf(1, i.m[2], l) +
        static_cast<uint64_t>(static_cast<int64_t>(int32_t(i.target)));
    if (i.m[1])
      to = uint32_t(to);
    if (!sharedRange(w, to, bytes, bytes, Access::Store, l))
      return;
    uint32_t size = bytes;
    if (i.m[3] == 1)
      size = w.at<uint32_t>(i.op[2])[l];
    else if (i.m[3] == 2 && (w.pred(i.op[2]) >> l & 1))
      size = 0;
    if (size > bytes)
      return w.fault("async",
                     "cp.async with a source size of " + std::to_string(size) +
                         ", more than its " + std::to_string(bytes) + " bytes",
                     l);
    lanes.address[l] = from;
    full |= uint32_t(size == bytes) << l;
    moves.push_back({uint32_t(to), size, from});
  }
  // Sources that are read whole go as one access; the others byte by byte.
  uint32_t all = w.exec;
  uint64_t copy[32];
  std::memcpy(copy, lanes.address, sizeof(copy));
  if (full) {
    w.exec = full;
    bool ok = resolve(w, i, Space::Global, bytes, Access::Load, lanes);
    w.exec = all;
    if (!ok)
      return;
  }
  size_t at = 0;
  for (uint32_t m = all; m; m &= m - 1, ++at) {
    int l = __builtin_ctz(m);
    Move &move = moves[at];
    if (!(full >> l & 1) && move.bytes) {
      Lanes one = {};
      w.exec = 1u << l;
      for (uint32_t k = 0; k < move.bytes; ++k) {
        one.address[l] = copy[l] + k;
        if (!resolve(w, i, Space::Global, 1, Access::Load, one))
          return;
      }
      w.exec = all;
    }
    if (!raceAsync(w, i, agent, stamp, move.to, bytes, true, false, l))
      return;
    poison(*block, move.to, bytes);
  }
  w.counters->asyncBytes += uint64_t(bytes) * moves.size();
  auto op = std::make_shared<AsyncOp>();
  op->line = i.line;
  op->agent = agent;
  op->stamp = stamp;
  op->apply = [block, moves = std::move(moves), bytes] {
    for (const Move &move : moves) {
      std::memset(block->shared + move.to, 0, bytes);
      markShared(*block, move.to, bytes);
      copyShared(*block, move.to, move.from, move.bytes);
    }
  };
  w.async->copies.open.push_back({w.exec, op});
  issue(*block, std::move(op));
}

void execCommit(Warp &w, const Inst &i) {
  commitGroup(i.m[0] ? w.async->bulk : w.async->copies, w.exec);
}
void execWaitGroup(Warp &w, const Inst &i) {
  waitGroups(w, i.m[0] ? w.async->bulk : w.async->copies, w.exec, i.imm);
}
void execWaitAll(Warp &w, const Inst &) {
  commitGroup(w.async->copies, w.exec);
  waitGroups(w, w.async->copies, w.exec, 0);
}

/// cp.async.mbarrier.arrive: an arrival when the lanes' copies so far are done.
void execCopyArrive(Warp &w, const Inst &i) {
  Lanes lanes;
  lanesOf(w, i, 0, lanes);
  eachLane(w.exec, [&](int l) {
    uint64_t address = lanes.address[l];
    MBarrier *b = nullptr;
    if (w.block->faulted || !sharedRange(w, address, 8, 8, Access::Load, l) ||
        !(b = findBarrier(w, address, l)))
      return;
    if (!i.m[2]) // Without .noinc the arrival is one more than was counted.
      ++b->pending;
    auto op = std::make_shared<AsyncOp>();
    op->line = i.line;
    op->hasBarrier = true;
    op->barrier = address;
    op->arrivals = 1;
    op->agent = agentOf(w, AgentKind::Copies);
    auto take = [&](uint32_t who, const AsyncRef &before) {
      if (!(who >> l & 1))
        return;
      op->stamp = std::max(op->stamp, before->stamp);
      if (!before->applied)
        op->after.push_back(before);
    };
    for (const auto &group : w.async->copies.groups)
      for (const AsyncRef &before : group.ops)
        take(group.lanes, before);
    for (const auto &open : w.async->copies.open)
      take(open.lanes, open.op);
    issue(*w.block, std::move(op));
  });
}

bool decodeCpAsync(Decoder &d) {
  if (!d.take("async"))
    return d.unsupported("cp.async is expected");
  if (d.take("bulk"))
    return decodeBulk(d);
  if (d.take("commit_group"))
    return d.emit(execCommit, Class::Async);
  if (d.take("wait_all"))
    return d.emit(execWaitAll, Class::Async);
  int64_t keep = 0;
  if (d.take("wait_group")) {
    if (!d.operands(1) || !d.immediate(d.arg(0), keep))
      return false;
    d.inst.imm = static_cast<uint64_t>(keep);
    return d.emit(execWaitGroup, Class::Async);
  }
  if (d.take("mbarrier")) {
    if (!d.take("arrive") || !d.operands(1))
      return d.unsupported("arrive is expected");
    d.inst.m[2] = d.take("noinc");
    d.take("b64");
    Space space = d.take("shared") || d.take("shared::cta") ? Space::Shared
                                                            : Space::Generic;
    return d.address(d.arg(0), space, 0, d.inst.m[1]) &&
           d.emit(execCopyArrive, Class::Async);
  }
  bool all = d.take("ca");
  if (!all && !d.take("cg"))
    return d.unsupported("'.ca' or '.cg' is expected");
  if (!(d.take("shared") || d.take("shared::cta")) || !d.take("global"))
    return d.unsupported("shared.global is expected");
  d.takeHints();
  int64_t bytes = 0;
  if (!d.operands(3, 5) || !d.immediate(d.arg(2), bytes))
    return false;
  if (bytes != 16 && (!all || (bytes != 4 && bytes != 8)))
    return d.unsupported("copies of 4, 8 or 16 bytes (.cg: 16) are expected");
  d.inst.m[0] = static_cast<uint8_t>(bytes);
  if (!d.address(d.arg(1), Space::Global, 1, d.inst.m[2]))
    return false;
  d.inst.target = static_cast<uint32_t>(d.inst.imm);
  if (static_cast<int64_t>(d.inst.imm) != int32_t(d.inst.target))
    return d.error("an offset beyond 32 bits is not supported");
  if (!d.address(d.arg(0), Space::Shared, 0, d.inst.m[1]))
    return false;
  if (d.count() >= 4) {
    const Operand &o = d.arg(3);
    bool pred = o.symbol && o.symbol->type == Type::Pred;
    bool wide = o.symbol && typeBytes(o.symbol->type) == 8; // a cache policy
    d.inst.m[3] = pred ? 2 : wide ? 0 : 1;
    if (pred)
      d.inst.op[2] = d.usePred(o);
    else if (!wide)
      d.inst.op[2] = d.use(o, Type::U32);
  }
  return d.emit(execCpAsync, Class::Async);
}

// mbarrier -------------------------------------------------------------------

enum BarrierOp : uint8_t { Init, Inval, Arrive, Drop, ExpectTx, CompleteTx };

/// m[0] operation, m[1] 32-bit base, m[2] a state is wanted, m[3] a count is
/// given, m[4] arrive.expect_tx. op[0] state, op[1] address, op[2] count.
void execBarrierOp(Warp &w, const Inst &i) {
  Lanes lanes;
  lanesOf(w, i, 1, lanes);
  for (uint32_t m = w.exec; m; m &= m - 1) {
    int l = __builtin_ctz(m);
    uint64_t address = lanes.address[l];
    if (!sharedRange(w, address, 8, 8, Access::Load, l))
      return;
    uint32_t count = i.m[3] ? w.at<uint32_t>(i.op[2])[l] : 1;
    auto &all = w.block->async->barriers;
    if (i.m[0] == Init || i.m[0] == Inval) {
      uint64_t a[32] = {};
      a[l] = address;
      if (w.launch->checks &&
          !observe(w, i, Space::Shared, a, 1u << l, 8, Access::Store))
        return;
      if (i.m[0] == Inval) {
        if (!all.erase(address))
          return w.fault("mbarrier",
                         "no mbarrier is initialized at shared address " +
                             hex(address),
                         l);
        continue;
      }
      if (count == 0 || count > 0xfffff)
        return w.fault("mbarrier",
                       "an mbarrier counts 1 to 1048575 arrivals, not " +
                           std::to_string(count),
                       l);
      MBarrier fresh;
      fresh.expected = fresh.pending = count;
      fresh.agent = raceNewAgent(*w.block);
      all[address] = fresh;
      continue;
    }
    MBarrier *b = findBarrier(w, address, l);
    if (!b)
      return;
    if (!watchBarrier(w, i, address, l))
      return;
    switch (i.m[0]) {
    case ExpectTx:
      b->bytes += count;
      continue;
    case CompleteTx:
      b->bytes -= count;
      settle(*w.block, address, *b);
      continue;
    default:
      break;
    }
    uint32_t arrivals = i.m[4] ? 1 : count;
    if (i.m[4])
      b->bytes += count;
    if (b->pending < arrivals)
      return w.fault("mbarrier",
                     "more arrivals at the mbarrier at shared address " +
                         hex(address) + " than the " +
                         std::to_string(b->expected) +
                         " it was initialized for",
                     l);
    if (i.m[2])
      w.at<uint64_t>(i.op[0])[l] = uint64_t(b->phase) << 32 | b->pending;
    if (i.m[0] == Drop)
      b->expected -= arrivals;
    b->pending -= arrivals;
    raceArrive(w, b->joined);
    settle(*w.block, address, *b);
  }
}

/// m[0] parity form, m[1] 32-bit base, m[2] try_wait. op[0] result, op[1]
/// address, op[2] state or parity.
void execBarrierWait(Warp &w, const Inst &i) {
  Lanes lanes;
  lanesOf(w, i, 1, lanes);
  uint32_t done = 0;
  uint64_t waitFor = 0;
  for (uint32_t m = w.exec; m; m &= m - 1) {
    int l = __builtin_ctz(m);
    uint64_t address = lanes.address[l];
    if (!sharedRange(w, address, 8, 8, Access::Load, l))
      return;
    MBarrier *b = findBarrier(w, address, l);
    if (!b)
      return;
    if (!watchBarrier(w, i, address, l))
      return;
    bool over;
    if (i.m[0])
      over = (b->phase & 1) != (w.at<uint32_t>(i.op[2])[l] & 1);
    else
      over = b->phase != uint32_t(w.at<uint64_t>(i.op[2])[l] >> 32);
    if (over) {
      done |= 1u << l;
      raceAcquire(w, b->done);
    } else {
      waitFor = address;
    }
  }
  bool expired = w.node->expired;
  w.node->expired = false;
  if (done != w.exec && i.m[2] && !expired) {
    // Run it again when the phase is over. Lanes whose phase is over wait too,
    // as the hardware may let them.
    w.node->pc -= 1;
    w.node->waitAddress = waitFor;
    w.retry = true;
    return w.park(Node::AtWait);
  }
  uint32_t &p = w.pred(i.op[0]);
  p = (p & ~w.exec) | done;
  if (done == w.exec)
    return;
  // A poll that failed: let the others run, and time pass.
  w.state = Warp::Yielded;
  BlockAsync &async = *w.block->async;
  if (++async.pollFailures % 16 == 0 && completeOne(*w.block))
    async.pollFailures = 0;
  if (async.pollFailures > 1 << 20) {
    w.node->waitAddress = waitFor;
    w.fault("deadlock",
            "deadlock: polled without an end for " + describeWait(w, *w.node),
            __builtin_ctz(w.exec));
  }
}

bool decodeMbarrier(Decoder &d) {
  std::string_view what =
      d.takeAny({"init", "inval", "arrive", "arrive_drop", "expect_tx",
                 "complete_tx", "test_wait", "try_wait", "pending_count"});
  if (what == "arrive" || what == "arrive_drop") {
    d.inst.m[4] = d.take("expect_tx");
    d.take("noComplete");
  }
  bool parity = d.take("parity");
  for (const char *word : {"release", "acquire", "relaxed", "cta", "cluster"})
    d.take(word);
  bool shared =
      d.take("shared") || d.take("shared::cta") || d.take("shared::cluster");
  Space space = shared ? Space::Shared : Space::Generic;
  if (!d.take("b64") || what.empty())
    return d.unsupported("no operation that is known");
  if (what == "test_wait" || what == "try_wait") {
    if (!d.operands(3, 4))
      return false;
    d.inst.m[0] = parity;
    d.inst.m[2] = what == "try_wait";
    d.inst.op[2] =
        parity ? d.use(d.arg(2), Type::U32) : d.use(d.arg(2), Type::B64);
    d.inst.op[0] = d.defPred(d.arg(0));
    return d.address(d.arg(1), space, 1, d.inst.m[1]) &&
           d.emit(execBarrierWait, Class::Barrier);
  }
  if (what == "pending_count") {
    if (!d.operands(2))
      return false;
    d.inst.op[1] = d.use(d.arg(1), Type::B64);
    d.inst.op[0] = d.def(d.arg(0), Type::U32);
    return d.emit(
        [](Warp &w, const Inst &i) {
          const uint64_t *a = w.at<uint64_t>(i.op[1]);
          setLanes<uint32_t>(w, i.op[0], [=](int l) { return uint32_t(a[l]); });
        },
        Class::Barrier);
  }
  bool arrive = what == "arrive" || what == "arrive_drop";
  d.inst.m[0] = what == "init"          ? Init
                : what == "inval"       ? Inval
                : what == "arrive"      ? Arrive
                : what == "arrive_drop" ? Drop
                : what == "expect_tx"   ? ExpectTx
                                        : CompleteTx;
  size_t at = 0;
  if (arrive && d.count() && d.arg(0).kind != Operand::Address) {
    at = 1;
    if (d.arg(0).kind != Operand::Sink) {
      d.inst.m[2] = 1;
      d.inst.op[0] = d.def(d.arg(0), Type::B64);
    }
  }
  if (!d.operands(at + 1, at + 2))
    return false;
  if (d.count() == at + 2) {
    d.inst.m[3] = 1;
    d.inst.op[2] = d.use(d.arg(at + 1), Type::U32);
  }
  return d.address(d.arg(at), space, 1, d.inst.m[1]) &&
         d.emit(execBarrierOp, Class::Barrier);
}

/// m[0]: whether to take registers; m[1]: how many a thread, in eights.
void execSetMaxRegisters(Warp &w, const Inst &i) {
  if (!w.launch->kernel->startRegisters || !w.gatherWhole("setmaxnreg"))
    return;
  uint32_t registers = i.m[1] * 8u;
  if (i.m[0] ? registers < w.registers : registers > w.registers)
    return w.fault("registers", "setmaxnreg " +
                                    std::string(i.m[0] ? "inc" : "dec") +
                                    " to " + std::to_string(registers) +
                                    " registers a thread, which has " +
                                    std::to_string(w.registers));
  if (w.block->setRegisters(w, registers))
    return;
  // Run it again when others have given some back.
  w.node->pc -= 1;
  w.retry = true;
  w.park(Node::AtRegisters);
}

} // namespace

void registerAsync(OpTable &ops) {
  ops["cp"] = [](Decoder &d) {
    return d.take("reduce")
               ? (d.take("async") && d.take("bulk")
                      ? decodeBulkReduce(d)
                      : d.unsupported("cp.reduce.async.bulk is expected"))
               : decodeCpAsync(d);
  };
  ops["mbarrier"] = decodeMbarrier;
  ops["setmaxnreg"] = [](Decoder &d) {
    int64_t n = 0;
    std::string_view action = d.takeAny({"inc", "dec"});
    if (action.empty() || !d.take("sync") || !d.take("aligned") ||
        !d.take("u32") || !d.operands(1) || !d.immediate(d.arg(0), n))
      return d.unsupported("setmaxnreg.action.sync.aligned.u32 n is expected");
    if (n < 24 || n > 256 || n % 8)
      return d.error("setmaxnreg takes a multiple of 8 from 24 to 256");
    d.inst.m[0] = action == "inc";
    d.inst.m[1] = static_cast<uint8_t>(n / 8);
    return d.emit(execSetMaxRegisters, Class::Other);
  };
}

} // namespace et::emu::ET_EMU_ISA
