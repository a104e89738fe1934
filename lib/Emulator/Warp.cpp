//===- Warp.cpp - Lanes that part and meet --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Async.h"
#include "Race.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace et::emu;

void Warp::start(Block &owner, uint32_t index) {
  block = &owner;
  launch = owner.launch;
  id = index;
  counters = &owner.counters;
  const Dim3 &size = launch->block;
  uint32_t threads = size.x * size.y * size.z;
  live = 0;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t t = index * 32 + lane;
    tid[0][lane] = t % size.x;
    tid[1][lane] = t / size.x % size.y;
    tid[2][lane] = t / (size.x * size.y);
    if (t < threads)
      live |= 1u << lane;
  }
  initialLive = live;
  for (auto &frame : frames) {
    frame->undefined.clear();
    frame->undefinedBits = 0;
    freeFrames.push_back(std::move(frame));
  }
  undefined = 0;
  localUndefined.clear();
  frames.clear();
  for (Node &n : nodes)
    n = Node();
  for (Range &r : ranges)
    r = Range();
  std::memset(carry, 0, sizeof(carry));
  local.clear();
  localStride = 0;
  async = std::make_shared<AsyncState>();
  state = Runnable;
  const Kernel &kernel = *launch->kernel;
  bank[1] = reinterpret_cast<uint8_t *>(
      const_cast<uint64_t *>(kernel.constants.data()));
  Frame *frame = pushFrame(kernel.functions[0], nullptr);
  int root = newNode(-1, live, kernel.functions[0].entry);
  node = &nodes[root];
  node->frame = frame;
  useFrame();
}

Frame *Warp::pushFrame(const FunctionInfo &function, Frame *caller) {
  std::unique_ptr<Frame> frame;
  for (size_t k = freeFrames.size(); k-- > 0;)
    if (freeFrames[k]->capacity >= function.frameBytes) {
      frame = std::move(freeFrames[k]);
      freeFrames.erase(freeFrames.begin() + static_cast<long>(k));
      break;
    }
  if (!frame) {
    frame = std::make_unique<Frame>();
    frame->capacity = function.frameBytes + 64;
    frame->storage.resize(frame->capacity + 64);
    auto at = reinterpret_cast<uintptr_t>(frame->storage.data());
    frame->registers = frame->storage.data() + (64 - at % 64) % 64;
  }
  // Registers start with bits that are a NaN in every format and no address.
  std::memset(frame->registers, 0xff, function.frameBytes);
  frame->function = &function;
  frame->caller = caller;
  frame->depth = caller ? caller->depth + 1 : 0;
  frame->users = 1;
  frame->localBase = caller ? (caller->localEnd + 63) / 64 * 64 : 0;
  frame->localEnd = frame->localBase + function.localBytes;
  if (frame->localEnd > localStride) {
    // Threads' memories lie one after the other: each moves when they grow.
    uint32_t stride = (frame->localEnd + 255) / 256 * 256 * 2;
    std::vector<uint8_t> grown(size_t(stride) * 32, 0xff);
    for (uint32_t lane = 0; lane < 32 && localStride; ++lane)
      std::memcpy(grown.data() + size_t(lane) * stride,
                  local.data() + size_t(lane) * localStride, localStride);
    if (!localUndefined.empty()) {
      std::vector<uint8_t> marks(grown.size(), 0);
      for (uint32_t lane = 0; lane < 32; ++lane)
        std::memcpy(marks.data() + size_t(lane) * stride,
                    localUndefined.data() + size_t(lane) * localStride,
                    localStride);
      localUndefined = std::move(marks);
    }
    local = std::move(grown);
    localStride = stride;
  }
  frames.push_back(std::move(frame));
  return frames.back().get();
}

void Warp::popFrame(Frame *frame) {
  // A frame is used by the nodes in it and by the frames that it called.
  while (frame && --frame->users == 0) {
    Frame *caller = frame->caller;
    undefined -= static_cast<uint32_t>(frame->undefined.size());
    frame->undefined.clear();
    frame->undefinedBits = 0;
    auto it = std::find_if(frames.rbegin(), frames.rend(),
                           [&](const auto &f) { return f.get() == frame; });
    freeFrames.push_back(std::move(*it));
    frames.erase(std::next(it).base());
    frame = caller;
  }
}

int Warp::newNode(int parent, uint32_t mask, uint32_t pc) {
  for (int k = 0; k < kMaxNodes; ++k) {
    Node &n = nodes[k];
    if (n.state != Node::Free)
      continue;
    n = Node();
    n.state = Node::Ready;
    n.parent = static_cast<int16_t>(parent);
    n.mask = mask;
    n.pc = pc;
    n.frame = node ? node->frame : nullptr;
    if (n.frame)
      ++n.frame->users;
    if (parent >= 0)
      ++nodes[parent].children;
    return k;
  }
  // Every node has lanes that its children lack: 96 cannot be used up.
  std::abort();
}

void Warp::branch(uint32_t taken, const Inst &inst) {
  uint32_t rest = node->mask & ~taken;
  Side sides[2] = {{taken, inst.target}, {rest, node->pc}};
  diverge(sides, rest ? 2 : 1, inst.reconverge);
}

void Warp::diverge(const Side *sides, unsigned count, uint32_t meet) {
  if (count == 1) {
    node->pc = sides[0].pc;
    return;
  }
  ++counters->divergentBranches;
  uint32_t depth = node->frame->depth;
  if (meet == kNone || (meet == node->end && depth == node->endDepth)) {
    // They meet where this node ends anyway: siblings will do.
    for (unsigned k = 1; k < count; ++k) {
      int at = newNode(node->parent, sides[k].mask, sides[k].pc);
      nodes[at].end = node->end;
      nodes[at].endDepth = node->endDepth;
    }
    node->mask = sides[0].mask;
    node->pc = sides[0].pc;
    return;
  }
  int parent = static_cast<int>(node - nodes);
  node->pc = meet;
  for (unsigned k = 0; k < count; ++k) {
    if (sides[k].pc == meet)
      continue;
    int at = newNode(parent, sides[k].mask, sides[k].pc);
    nodes[at].end = meet;
    nodes[at].endDepth = depth;
  }
  selectLeaf();
}

void Warp::selectLeaf() {
  for (int k = kMaxNodes; k-- > 0;) {
    Node &n = nodes[k];
    if (n.state != Node::Ready || n.children)
      continue;
    node = &n;
    useFrame();
    state = Runnable;
    return;
  }
  if (!live) {
    state = Done;
    return;
  }
  state = Blocked;
  // All lanes of a warp go through one bar.sync together.
  uint32_t atBarrier = 0, pc = kNone, other = kNone;
  bool aligned = true;
  for (const Node &n : nodes) {
    if (n.state != Node::AtBarrier)
      continue;
    atBarrier |= n.mask;
    aligned &= launch->kernel->code[n.pc - 1].m[1] != 0;
    if (pc == kNone)
      pc = n.pc;
    else if (n.pc != pc)
      other = n.pc;
  }
  if (!atBarrier || !aligned || (atBarrier == live && other == kNone))
    return;
  const auto &code = launch->kernel->code;
  char text[200];
  if (other != kNone)
    std::snprintf(
        text, sizeof(text),
        "divergent bar.sync: lanes of one warp wait at lines %u and %u",
        code[pc - 1].line, code[other - 1].line);
  else
    std::snprintf(text, sizeof(text),
                  "divergent bar.sync: lanes %08x wait at line %u, lanes %08x "
                  "of the same warp do not come there",
                  atBarrier, code[pc - 1].line, live & ~atBarrier);
  for (Node &n : nodes)
    if (n.state == Node::AtBarrier && n.pc == pc) {
      node = &n;
      break;
    }
  fault("barrier", text, __builtin_ctz(atBarrier));
}

void Warp::dropIfEmpty(int index) {
  while (index >= 0) {
    Node &n = nodes[index];
    if (n.children || n.mask)
      return;
    int parent = n.parent;
    n.state = Node::Free;
    popFrame(n.frame);
    n.frame = nullptr;
    if (parent >= 0)
      --nodes[parent].children;
    index = parent;
  }
}

void Warp::reconverge() {
  int parent = node->parent;
  node->state = Node::Free;
  popFrame(node->frame);
  node->frame = nullptr;
  if (parent >= 0) {
    --nodes[parent].children;
    dropIfEmpty(parent);
  }
  selectLeaf();
}

void Warp::exitLanes(uint32_t mask) {
  uint32_t gone = static_cast<uint32_t>(__builtin_popcount(mask));
  live &= ~mask;
  for (int k = 0; k < kMaxNodes; ++k)
    if (nodes[k].state != Node::Free)
      nodes[k].mask &= ~mask;
  if (!node->mask) {
    dropIfEmpty(static_cast<int>(node - nodes));
    for (int k = 0; k < kMaxNodes; ++k)
      if (nodes[k].state != Node::Free && !nodes[k].mask)
        dropIfEmpty(k);
  }
  block->liveThreads -= gone;
  // Those that wait for the lanes that left need wait no longer.
  for (Node &n : nodes)
    if (n.state == Node::AtWarpSync)
      n.wanted &= ~mask;
  wakeSynced();
  if (!live) {
    state = Done;
    raceArrive(*this, block->exited);
  } else if (node->state != Node::Ready || !node->mask) {
    selectLeaf();
  }
  block->threadsLeft();
}

/// Lanes at bar.warp.sync go on when all that they name are there. Those at a
/// shuffle or a vote (`barrier` is 1) run it again instead; see gather.
void Warp::wakeSynced() {
  uint32_t there = 0;
  for (const Node &n : nodes)
    if (n.state == Node::AtWarpSync)
      there |= n.mask;
  for (Node &n : nodes) {
    if (n.state != Node::AtWarpSync || (n.wanted & ~there))
      continue;
    if (n.barrier) {
      uint32_t here = 0;
      for (const Node &other : nodes)
        if (other.state == Node::AtWarpSync && other.pc == n.pc)
          here |= other.mask;
      if (n.wanted & ~here)
        continue;
      --n.pc;
    }
    n.state = Node::Ready;
  }
}

bool Warp::gather(uint32_t members) {
  uint32_t there = exec;
  if (!(members & live & ~there))
    return true;
  // Those that wait here for others are none of them.
  auto isMember = [&](const Node &n) {
    return n.state == Node::AtWarpSync && n.barrier && n.pc == node->pc &&
           n.frame == node->frame && n.wanted == (members & live);
  };
  for (const Node &n : nodes)
    if (isMember(n))
      there |= n.mask;
  if (members & live & ~there) {
    node->barrier = 1;
    node->wanted = members & live;
    node->state = Node::AtWarpSync;
    selectLeaf();
    return false;
  }
  for (Node &n : nodes)
    if (isMember(n))
      n.state = Node::Ready;
  exec = there;
  return true;
}

uint32_t Warp::groupOf(const uint32_t *named, uint32_t lanes) {
  uint32_t group = 0, wanted = named[__builtin_ctz(lanes)];
  for (int l = 0; l < 32; ++l)
    group |= uint32_t(named[l] == wanted) << l;
  return group & lanes;
}

bool Warp::partGroups(const uint32_t *named) {
  if (groupOf(named, exec) == exec)
    return true;
  uint32_t wanted = 0;
  for (uint32_t left = exec; left; left &= left - 1)
    wanted |= named[__builtin_ctz(left)];
  if (!(wanted & live & ~exec))
    return true;
  Side sides[33];
  unsigned count = 0;
  for (uint32_t left = exec; left; left &= ~sides[count++].mask)
    sides[count] = {groupOf(named, left), node->pc - 1};
  if (uint32_t rest = node->mask & ~exec)
    sides[count++] = {rest, node->pc};
  retry = true;
  diverge(sides, count, node->pc);
  return false;
}

bool Warp::gatherWhole(const char *what) {
  if (exec == ~0u)
    return true;
  if (!gather(~0u))
    return false;
  if (exec == ~0u)
    return true;
  fault("warp", std::string(what) + " needs all 32 lanes of the warp");
  return false;
}

void Warp::park(Node::State why) {
  node->state = why;
  if (why == Node::AtWarpSync)
    wakeSynced();
  selectLeaf();
}

const Inst &Warp::inst() const {
  return launch->kernel->code[node->pc ? node->pc - 1 : 0];
}

std::string Warp::describe(const std::string &message, int lane) const {
  // A node that has branched stands elsewhere; the line is the last one run.
  uint32_t line = node && node->frame ? inst().line : 0;
  std::string text = message + "\n  kernel '" + launch->kernel->info.name + "'";
  if (line)
    text += ", line " + std::to_string(line);
  if (line && line <= launch->kernel->lines.size()) {
    std::string_view source = launch->kernel->lines[line - 1];
    size_t first = source.find_first_not_of(" \t");
    if (first != std::string_view::npos)
      text += ": " + std::string(source.substr(first));
  }
  text += "\n  block (" + std::to_string(block->id.x) + ", " +
          std::to_string(block->id.y) + ", " + std::to_string(block->id.z) +
          "), warp " + std::to_string(id);
  if (lane >= 0)
    text += ", lane " + std::to_string(lane) + ", thread (" +
            std::to_string(tid[0][lane]) + ", " + std::to_string(tid[1][lane]) +
            ", " + std::to_string(tid[2][lane]) + ")";
  return text;
}

bool Warp::faultInit(Space space, const std::string &message, int lane) {
  if (!launch->options.checkRace) {
    fault("init", message, lane);
    return false;
  }
  if (block->heldFault.empty()) {
    constexpr uint64_t patience = 1 << 20;
    block->heldFault = describe(message, lane);
    block->heldGlobal = space == Space::Global;
    block->heldUntil = block->counters.warpInstructions + patience;
  }
  return true;
}

void Launch::note(const std::string &text) {
  while (faultLock.test_and_set(std::memory_order_acquire)) {
  }
  if (notes.size() < 16 &&
      std::find(notes.begin(), notes.end(), text) == notes.end())
    notes.push_back(text);
  faultLock.clear(std::memory_order_release);
}

void Warp::fault(const char *kind, const std::string &message, int lane) {
  std::string text = describe(message, lane);
  if (!block->heldFault.empty() && kind == std::string_view("race")) {
    text += "\nbefore that: " + block->heldFault;
  } else if (!block->heldFault.empty()) {
    // What went wrong with garbage is no news.
    text = block->heldFault;
    kind = "init";
  }
  block->heldFault.clear();
  while (launch->faultLock.test_and_set(std::memory_order_acquire)) {
  }
  if (block->linear < launch->faultBlock.load()) {
    launch->fault = std::move(text);
    launch->faultKind = kind;
    launch->faultBlock = block->linear;
  }
  launch->faultLock.clear(std::memory_order_release);
  block->faulted = true;
  state = Blocked;
}
