//===- ExecControl.cpp - Branches, calls, the loop that runs a warp -------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"
#include "Undefined.h"

#include <cstdio>
#include <cstring>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

void execBra(Warp &w, const Inst &i) { w.branch(w.exec, i); }

void execBrx(Warp &w, const Inst &i) {
  const uint32_t *index = w.at<uint32_t>(i.op[0]);
  const Ref *table = w.launch->kernel->extra.data() + i.extra;
  Warp::Side sides[33];
  unsigned count = 0;
  for (uint32_t left = w.exec; left;) {
    int lane = __builtin_ctz(left);
    if (index[lane] >= i.extraCount)
      return w.fault("control",
                     "branch table index " + std::to_string(index[lane]) +
                         " is beyond its " + std::to_string(i.extraCount) +
                         " targets",
                     lane);
    uint32_t same = 0;
    for (int l = 0; l < 32; ++l)
      same |= uint32_t(index[l] == index[lane]) << l;
    same &= left;
    left &= ~same;
    sides[count++] = {same, table[index[lane]]};
  }
  if (uint32_t rest = w.node->mask & ~w.exec)
    sides[count++] = {rest, w.node->pc};
  w.diverge(sides, count, i.reconverge);
}

bool decodeBra(Decoder &d) {
  d.take("uni");
  if (!d.operands(1))
    return false;
  d.inst.target = d.branchTarget(d.arg(0));
  d.inst.m[6] = FlowBranch;
  return d.emit(execBra, Class::Branch);
}

bool decodeBrx(Decoder &d) {
  d.take("idx");
  d.take("uni");
  if (!d.operands(2))
    return false;
  d.inst.op[0] = d.use(d.arg(0), Type::U32);
  auto it = d.function->tables.find(d.arg(1).text);
  if (it == d.function->tables.end())
    return d.error(d.arg(1).loc, "no .branchtargets of this name");
  std::vector<Ref> targets;
  for (std::string_view name : it->second) {
    Operand label = d.arg(1);
    label.text = name;
    targets.push_back(d.branchTarget(label));
  }
  d.inst.m[6] = FlowTable;
  return d.list(targets) && d.emit(execBrx, Class::Branch);
}

void execExit(Warp &w, const Inst &) { w.exitLanes(w.exec); }

void execReturn(Warp &w, const Inst &i) {
  Frame *frame = w.node->frame;
  const Kernel &kernel = *w.launch->kernel;
  const Inst &call = kernel.code[frame->returnPc - 1];
  const FunctionInfo &callee = *frame->function;
  const Ref *refs = kernel.extra.data() + call.extra;
  Frame *caller = frame->caller;
  (void)i;
  for (size_t k = 0; k < callee.results.size() && k < refs[0]; ++k) {
    const FunctionInfo::Param &from = callee.results[k];
    Ref to = refs[2 + 2 * k];
    uint32_t stride = refs[3 + 2 * k];
    uint32_t bytes = stride < from.bytes ? stride : from.bytes;
    if (w.undefined)
      copyUndefined(w, *frame, from.at, *caller, to, bytes);
    const uint8_t *a = frame->registers + from.at;
    uint8_t *d = caller->registers + to;
    eachLane(w.exec, [&](int l) {
      std::memcpy(d + l * stride, a + l * from.bytes, bytes);
    });
  }
  w.node->pc = frame->returnPc;
  // Lanes that a call has parted may return one after the other.
  ++caller->users;
  w.node->frame = caller;
  w.popFrame(frame);
  w.useFrame();
}

void execCall(Warp &w, const Inst &i) {
  const Kernel &kernel = *w.launch->kernel;
  uint64_t index = i.imm;
  if (index == kNone) {
    const uint64_t *to = w.at<uint64_t>(i.op[0]);
    int first = __builtin_ctz(w.exec);
    bool same = true;
    eachLane(w.exec, [&](int l) { same &= to[l] == to[first]; });
    auto it = kernel.functionAt.find(to[first]);
    index = it == kernel.functionAt.end() ? 0 : it->second;
    if (!same || it == kernel.functionAt.end())
      return w.fault("control",
                     same ? "call of an address that is no function"
                          : "call of different functions by the "
                            "lanes of a warp is not supported",
                     first);
  }
  if (w.exec != w.node->mask) {
    // The lanes that call run it in a node of their own and come back here.
    int at =
        w.newNode(static_cast<int>(w.node - w.nodes), w.exec, w.node->pc - 1);
    w.nodes[at].end = w.node->pc;
    w.nodes[at].endDepth = w.node->frame->depth;
    return w.selectLeaf();
  }
  const FunctionInfo &callee = kernel.functions[index];
  Frame *caller = w.node->frame;
  if (caller->depth > 512)
    return w.fault("control", "calls nested deeper than 512");
  Frame *frame = w.pushFrame(callee, caller);
  frame->returnPc = w.node->pc;
  const Ref *refs = kernel.extra.data() + i.extra;
  const Ref *args = refs + 2 + 2 * refs[0];
  for (size_t k = 0; k < callee.params.size() && k < refs[1]; ++k) {
    const FunctionInfo::Param &to = callee.params[k];
    uint32_t stride = args[2 * k + 1];
    uint32_t bytes = stride < to.bytes ? stride : to.bytes;
    if (w.undefined)
      copyUndefined(w, *caller, args[2 * k], *frame, to.at, bytes);
    const uint8_t *a = w.at<uint8_t>(args[2 * k]);
    uint8_t *d = frame->registers + to.at;
    eachLane(w.exec, [&](int l) {
      std::memcpy(d + l * to.bytes, a + l * stride, bytes);
    });
  }
  w.node->frame = frame;
  w.node->pc = callee.entry;
  w.useFrame();
}

void execAssertFail(Warp &w, const Inst &) {
  w.fault("assert", "the kernel called __assertfail", __builtin_ctz(w.exec));
}

bool decodeCall(Decoder &d) {
  d.take("uni");
  size_t at = 0;
  const Operand *results = nullptr, *args = nullptr;
  if (d.count() && d.arg(0).kind == Operand::List)
    results = &d.arg(at++);
  if (at >= d.count() || d.arg(at).kind != Operand::Name)
    return d.unsupported("no function is named");
  const Operand &callee = d.arg(at++);
  if (at < d.count() && d.arg(at).kind == Operand::List)
    args = &d.arg(at++);
  if (!callee.symbol)
    return d.error(callee.loc, "function '" + std::string(callee.text) +
                                   "' is not declared");
  const Function *fn = callee.symbol->function;
  bool prints = fn && !fn->hasBody && fn->name == "vprintf";
  if (fn && !fn->hasBody && !prints) {
    if (fn->name == "__assertfail" || fn->name == "__assert_fail")
      return d.emit(execAssertFail, Class::Branch);
    return d.error(callee.loc, "function '" + std::string(callee.text) +
                                   "' has no body in this module");
  }
  std::vector<Ref> refs{0, 0};
  auto add = [&](const Operand *list, size_t slot) {
    if (!list)
      return true;
    for (const Operand &o : list->elements) {
      if (const Symbol *param = d.paramSymbol(o)) {
        refs.push_back(param->offset);
        refs.push_back(static_cast<Ref>(param->size));
      } else {
        if (o.kind != Operand::Name || !o.symbol)
          return d.error(o.loc,
                         "an argument is a .param variable or a register");
        refs.push_back(d.use(o, o.symbol->type));
        refs.push_back(std::max(2u, typeBytes(o.symbol->type)));
      }
      ++refs[slot];
    }
    return true;
  };
  if (!add(results, 0) || !add(args, 1))
    return false;
  if (prints) {
    // A format and where the arguments lie.
    if (refs[0] > 1 || refs[1] != 2 || (refs[0] && refs[3] != 4) ||
        refs[3 + 2 * refs[0]] != 8 || refs[5 + 2 * refs[0]] != 8)
      return d.error(callee.loc, "vprintf takes two 64-bit addresses");
    d.inst.track = Track::Use;
    return d.list(refs) && d.emit(execPrint, Class::Other);
  }
  if (fn) {
    size_t given = args ? args->elements.size() : 0;
    if (given != fn->params.size())
      return d.error(callee.loc, "'" + std::string(callee.text) + "' takes " +
                                     std::to_string(fn->params.size()) +
                                     " arguments, " + std::to_string(given) +
                                     " given");
    d.inst.imm = d.functionIndex(*fn);
  } else {
    d.inst.imm = kNone;
    d.inst.op[0] = d.use(callee, Type::U64);
    // Any function may be meant.
    for (const Function &other : d.module.functions)
      if (other.hasBody && !other.isEntry)
        d.functionIndex(other);
  }
  d.inst.track = Track::Own;
  return d.list(refs) && d.emit(execCall, Class::Branch);
}

void execTrap(Warp &w, const Inst &) {
  w.fault("trap", "the kernel executed trap", __builtin_ctz(w.exec));
}
void execNothing(Warp &, const Inst &) {}
void execYield(Warp &w, const Inst &) { w.state = Warp::Yielded; }

} // namespace

/// The loop. A node ends where its lanes meet the others again; nothing else
/// is asked before an instruction.
void runWarp(Warp &w, uint64_t slice) {
  const Inst *code = w.launch->kernel->code.data();
  WarpCounters &c = *w.counters;
  bool trace = w.launch->options.trace;
  bool watch = w.launch->kernel->usesWgmma;
  std::atomic<uint64_t> *executed = w.launch->executed.get();
  while (slice-- && w.state == Warp::Runnable) {
    Node *node = w.node;
    if (node->pc == node->end && node->frame->depth == node->endDepth) {
      w.reconverge();
      continue;
    }
    const Inst &i = code[node->pc++];
    uint32_t m = node->mask;
    if (i.guard != kNone)
      m &= *w.at<uint32_t>(i.guard) ^ i.guardFlip;
    ++c.byClass[static_cast<size_t>(i.cls)];
    ++c.warpInstructions;
    c.threadInstructions += __builtin_popcount(m);
    if (trace) {
      std::string_view text = w.launch->kernel->lines.size() >= i.line && i.line
                                  ? w.launch->kernel->lines[i.line - 1]
                                  : std::string_view();
      std::fprintf(stderr, "block %llu warp %u lanes %08x line %u: %.*s\n",
                   static_cast<unsigned long long>(w.block->linear), w.id, m,
                   i.line, static_cast<int>(text.size()), text.data());
    }
    if (w.undefined && !trackUndefined(w, i, m))
      return;
    if (!m)
      continue;
    w.exec = m;
    if (watch && !watchRegisters(w, i))
      return;
    if (executed)
      executed[&i - code].fetch_add(1, std::memory_order_relaxed);
    i.fn(w, i);
    if (w.retry) {
      w.retry = false;
      if (executed)
        executed[&i - code].fetch_sub(1, std::memory_order_relaxed);
      --c.byClass[static_cast<size_t>(i.cls)];
      --c.warpInstructions;
      c.threadInstructions -= __builtin_popcount(m);
    }
  }
}

void registerControl(OpTable &ops) {
  ops["bra"] = decodeBra;
  ops["brx"] = decodeBrx;
  ops["call"] = decodeCall;
  ops["exit"] = [](Decoder &d) {
    d.inst.m[6] = FlowExit;
    d.inst.m[5] = 1;
    return d.emit(execExit, Class::Branch);
  };
  ops["ret"] = [](Decoder &d) {
    d.take("uni");
    // A kernel's return ends the lanes; a function's goes to its one end.
    if (d.inEntry()) {
      d.inst.m[6] = FlowExit;
      d.inst.m[5] = 1;
      return d.emit(execExit, Class::Branch);
    }
    d.inst.m[6] = FlowBranch;
    d.inst.target = Decoder::kReturnLabel;
    return d.emit(execBra, Class::Branch);
  };
  ops["ret_here"] = [](Decoder &d) {
    d.inst.m[6] = FlowExit;
    return d.emit(execReturn, Class::Branch);
  };
  ops["trap"] = [](Decoder &d) {
    d.inst.m[6] = FlowExit;
    return d.emit(execTrap, Class::Other);
  };
  ops["brkpt"] = ops["trap"];
  ops["nanosleep"] = [](Decoder &d) {
    d.take("u32");
    return d.emit(execYield, Class::Other);
  };
  ops["pmevent"] = [](Decoder &d) { return d.emit(execNothing, Class::Other); };
}

} // namespace et::emu::ET_EMU_ISA
