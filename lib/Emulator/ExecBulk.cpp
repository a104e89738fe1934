//===- ExecBulk.cpp - cp.async.bulk and cp.async.bulk.tensor --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecBulk.h"

#include "et/Emulator/TensorMap.h"

#include "Access.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

/// A stretch that lies in one piece in global memory and in pieces of 16 bytes
/// or the whole in shared memory.
struct Piece {
  uint64_t global;
  uint32_t shared;
  uint32_t bytes;
  /// Outside the tensor: written as zeros or NaNs, not read.
  bool outside;
};

enum Direction : uint8_t { ToShared, ToGlobal, SharedToShared };
enum Reduce : uint8_t { None, Add, Min, Max, Inc, Dec, And, Or, Xor };

bool globalRange(Warp &w, const Inst &i, uint64_t address, uint64_t bytes,
                 Access access, int lane) {
  if (!w.launch->memory->holds(address, bytes)) {
    const auto *a = w.launch->memory->find(address);
    uint64_t bad = a ? a->end : address;
    faultBounds(w, Space::Global, bad,
                static_cast<unsigned>(address + bytes - bad), access, lane);
    return false;
  }
  if (!w.launch->checks)
    return true;
  uint64_t at[32] = {};
  uint64_t whole = bytes / 16 * 16;
  for (uint64_t done = 0; done < whole;) {
    uint32_t mask = 0;
    for (int l = 0; l < 32 && done < whole; ++l, done += 16) {
      at[l] = address + done;
      mask |= 1u << l;
    }
    if (!observe(w, i, Space::Global, at, mask, 16, access))
      return false;
  }
  at[0] = address + whole;
  return bytes == whole ||
         observe(w, i, Space::Global, at, 1,
                 static_cast<unsigned>(bytes - whole), access);
}

template <typename T, typename F>
void combine(uint8_t *to, const uint8_t *from, uint32_t bytes, F f) {
  for (uint32_t k = 0; k + sizeof(T) <= bytes; k += sizeof(T)) {
    T *at = reinterpret_cast<T *>(to + k);
    T b;
    std::memcpy(&b, from + k, sizeof(T));
    T old = __atomic_load_n(at, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(at, &old, T(f(old, b)), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
  }
}

void reduceInto(uint8_t *to, const uint8_t *from, uint32_t bytes, uint8_t op,
                Type type) {
  auto choose = [op](auto a, auto b) {
    using V = decltype(a);
    return op == Add ? V(a + b) : op == Min ? (b < a ? b : a) : (b > a ? b : a);
  };
  switch (type) {
  case Type::F32:
    return combine<uint32_t>(to, from, bytes, [&](uint32_t a, uint32_t b) {
      return floatToBits(choose(bitsToFloat(a), bitsToFloat(b)));
    });
  case Type::F64:
    return combine<uint64_t>(to, from, bytes, [&](uint64_t a, uint64_t b) {
      return doubleToBits(choose(bitsToDouble(a), bitsToDouble(b)));
    });
  case Type::F16:
    return combine<uint16_t>(to, from, bytes, [&](uint16_t a, uint16_t b) {
      return floatToHalf(choose(halfToFloat(a), halfToFloat(b)));
    });
  case Type::BF16:
    return combine<uint16_t>(to, from, bytes, [&](uint16_t a, uint16_t b) {
      return floatToBfloat(choose(bfloatToFloat(a), bfloatToFloat(b)));
    });
  default:
    break;
  }
  auto integer = [&](auto zero) {
    using T = decltype(zero);
    using U = std::make_unsigned_t<T>;
    combine<U>(to, from, bytes, [&](U a, U b) -> U {
      switch (op) {
      case And:
        return a & b;
      case Or:
        return a | b;
      case Xor:
        return a ^ b;
      case Inc:
        return a >= b ? 0 : a + 1;
      case Dec:
        return a == 0 || a > b ? b : a - 1;
      case Add:
        return a + b;
      default:
        return U(choose(T(a), T(b)));
      }
    });
  };
  if (typeBytes(type) == 8)
    return isSigned(type) ? integer(int64_t()) : integer(uint64_t());
  return isSigned(type) ? integer(int32_t()) : integer(uint32_t());
}

/// Sends one operation off. `shared`..: what the race checker is to know of.
void send(Warp &w, const Inst &i, int lane, std::vector<Piece> pieces,
          uint64_t shared, uint64_t sharedBytes, Direction direction,
          uint64_t source, uint8_t reduce, Type type, bool nan,
          uint64_t barrier, uint32_t bytes) {
  Block *block = w.block;
  uint32_t agent = agentOf(w, AgentKind::Bulk);
  auto op = std::make_shared<AsyncOp>();
  op->line = i.line;
  if (direction != ToGlobal) {
    MBarrier *b = findBarrier(w, barrier, lane);
    if (!b)
      return;
    agent = b->agent;
    op->hasBarrier = true;
    op->barrier = barrier;
    op->bytes = bytes;
  }
  op->agent = agent;
  op->stamp = raceStamp(w, i, agent);
  if (direction == SharedToShared &&
      !raceAsync(w, i, agent, op->stamp, source,
                 static_cast<uint32_t>(sharedBytes), false, true, lane))
    return;
  if (!raceAsync(w, i, agent, op->stamp, shared,
                 static_cast<uint32_t>(sharedBytes), direction != ToGlobal,
                 true, lane))
    return;
  if (direction != ToShared && w.launch->options.checkInit) {
    uint64_t from = direction == ToGlobal ? shared : source;
    if (!checkWritten(w, Space::Shared, from, block->sharedInit.data() + from,
                      static_cast<unsigned>(sharedBytes),
                      "bulk copy out of shared memory", lane))
      return;
  }
  // What a reduction finds there is one of its operands.
  if (direction != ToGlobal && reduce == None)
    poison(*block, shared, sharedBytes);
  w.counters->asyncBytes += bytes;
  Memory *memory = w.launch->memory;
  op->apply = [=, pieces = std::move(pieces)] {
    uint8_t *smem = block->shared;
    if (direction != ToGlobal)
      markShared(*block, shared, sharedBytes);
    for (const Piece &p : pieces) {
      if (direction == SharedToShared && reduce != None) {
        reduceInto(smem + p.shared, smem + p.global, p.bytes, reduce, type);
      } else if (direction == SharedToShared) {
        std::memcpy(smem + p.shared, smem + p.global, p.bytes);
      } else if (direction == ToShared) {
        if (p.outside)
          std::memset(smem + p.shared, nan ? 0xff : 0, p.bytes);
        else
          copyShared(*block, p.shared, p.global, p.bytes);
      } else if (!p.outside) {
        if (reduce == None)
          std::memcpy(memory->host(p.global), smem + p.shared, p.bytes);
        else
          reduceInto(memory->host(p.global), smem + p.shared, p.bytes, reduce,
                     type);
      }
    }
  };
  if (direction == ToGlobal)
    w.async->bulk.open.push_back({1u << lane, op});
  issue(*block, std::move(op));
}

// Plain bulk copies -----------------------------------------------------------

/// op[0] destination, op[1] source, op[2] size, op[3] mbarrier. m[0] direction,
/// m[1] reduction, m[2] its type.
void execBulk(Warp &w, const Inst &i) {
  eachLane(w.exec, [&](int l) {
    if (w.block->faulted)
      return;
    uint64_t to = w.at<uint64_t>(i.op[0])[l], from = w.at<uint64_t>(i.op[1])[l];
    uint32_t bytes = w.at<uint32_t>(i.op[2])[l];
    uint64_t barrier = 0;
    auto direction = Direction(i.m[0]);
    if (bytes % 16)
      return w.fault("async",
                     "a bulk copy of " + std::to_string(bytes) +
                         " bytes; a multiple of 16 is expected",
                     l);
    uint64_t &shared = direction == ToGlobal ? from : to;
    uint64_t &other = direction == ToGlobal ? to : from;
    if (!sharedRange(w, shared, bytes, 16,
                     direction == ToGlobal ? Access::Load : Access::Store, l))
      return;
    if (direction == SharedToShared) {
      if (!sharedRange(w, other, bytes, 16, Access::Load, l))
        return;
    } else {
      if (other & 15)
        return faultAlign(w, Space::Global, other, 16, l);
      Access access = direction == ToShared ? Access::Load
                      : i.m[1]              ? Access::Atomic
                                            : Access::Store;
      if (bytes && !globalRange(w, i, other, bytes, access, l))
        return;
    }
    if (direction != ToGlobal) {
      barrier = w.at<uint64_t>(i.op[3])[l];
      if (!sharedRange(w, barrier, 8, 8, Access::Load, l))
        return;
    }
    std::vector<Piece> pieces;
    if (bytes)
      pieces.push_back({other, uint32_t(shared), bytes, false});
    send(w, i, l, std::move(pieces), shared, bytes, direction, other, i.m[1],
         Type(i.m[2]), false, barrier, bytes);
  });
}

// Tensor copies ---------------------------------------------------------------

bool readMap(Warp &w, const Inst &i, uint64_t address, TensorMap &map,
             int lane) {
  uint32_t exec = w.exec;
  w.exec = 1u << lane;
  bool ok = true;
  for (unsigned half = 0; half < 2 && ok; ++half) {
    Lanes lanes = {};
    lanes.address[lane] = address + 64 * half;
    ok = resolve(w, i, Space::Generic, 64, Access::Load, lanes);
    if (ok)
      std::memcpy(reinterpret_cast<uint8_t *>(&map) + 64 * half,
                  reinterpret_cast<void *>(lanes.host[lane]), 64);
  }
  w.exec = exec;
  if (ok && map.magic != TensorMap::kMagic) {
    w.fault("async",
            "no tensor map at address " + hex(address) +
                "; cuTensorMapEncodeTiled makes one",
            lane);
    return false;
  }
  return ok;
}

ET_EMU_INLINE uint64_t swizzled(uint64_t address, unsigned span) {
  uint64_t mask = span == 128 ? 7 : span == 64 ? 3 : span == 32 ? 1 : 0;
  return address ^ ((address >> 7 & mask) << 4);
}

/// op[0] shared, op[1] map, op[2] mbarrier; extra: coordinates. m[0] direction,
/// m[1] reduction, m[2] rank, m[3] gather/scatter of four rows.
void execTensor(Warp &w, const Inst &i) {
  eachLane(w.exec, [&](int l) {
    if (w.block->faulted)
      return;
    TensorMap map;
    uint64_t shared = w.at<uint64_t>(i.op[0])[l];
    auto direction = Direction(i.m[0]);
    if (!readMap(w, i, w.at<uint64_t>(i.op[1])[l], map, l))
      return;
    unsigned rank = i.m[2];
    if (map.rank != rank)
      return w.fault("async",
                     "a copy of " + std::to_string(rank) +
                         " dimensions with a tensor map of " +
                         std::to_string(map.rank),
                     l);
    const Ref *refs = w.launch->kernel->extra.data() + i.extra;
    int64_t base[5] = {};
    for (unsigned k = 0; k < rank; ++k)
      base[k] = w.at<int32_t>(refs[k])[l];
    uint64_t rowBytes = uint64_t(map.box[0]) * map.elementBytes,
             total = rowBytes;
    for (unsigned k = 1; k < rank; ++k)
      total *= map.box[k];
    uint64_t align = map.swizzle ? uint64_t(map.swizzle) * 8 : 128;
    // A box smaller than the swizzle's pattern may start within it, but the
    // pattern is one of addresses, so the start is to be a multiple of it.
    if (align > 128 && (shared & 127) == 0)
      align = 128;
    if (!sharedRange(w, shared, total, align,
                     direction == ToGlobal ? Access::Load : Access::Store, l))
      return;
    uint64_t barrier = 0;
    if (direction == ToShared) {
      barrier = w.at<uint64_t>(i.op[2])[l];
      if (!sharedRange(w, barrier, 8, 8, Access::Load, l))
        return;
    }
    std::vector<Piece> pieces;
    uint32_t index[5] = {};
    unsigned e = map.elementBytes;
    for (uint64_t at = 0; at < total; at += rowBytes) {
      uint64_t address = map.address;
      bool outside = false;
      for (unsigned k = 1; k < rank; ++k) {
        int64_t x = base[k] + int64_t(index[k]) * map.steps[k];
        outside |= x < 0 || x > map.sizes[k];
        address += static_cast<uint64_t>(x) * map.strides[k - 1];
      }
      // Elements of the row that are within the tensor come in one piece,
      // unless it is read in steps.
      uint64_t chunk = map.swizzle ? 16 : rowBytes;
      if (map.steps[0] != 1)
        chunk = e;
      uint64_t first = ~uint64_t(0), last = 0;
      for (uint64_t b = 0; b < rowBytes; b += chunk) {
        uint64_t bytes = std::min(chunk, rowBytes - b);
        // A chunk may begin outside and end inside: cut it at the border.
        for (uint64_t done = 0; done < bytes;) {
          int64_t x = base[0] + int64_t((b + done) / e) * map.steps[0];
          bool out = outside || x < 0 || x > map.sizes[0];
          uint64_t run = bytes - done;
          if (!outside && x < 0)
            run = std::min<uint64_t>(run, uint64_t(-x) * e);
          else if (!out)
            run = std::min<uint64_t>(
                run, (uint64_t(map.sizes[0]) + 1 - uint64_t(x)) * e);
          uint64_t from = address + static_cast<uint64_t>(x) * e;
          pieces.push_back(
              {from, uint32_t(swizzled(shared + at + b + done, map.swizzle)),
               uint32_t(run), out});
          if (!out) {
            first = std::min(first, from);
            last = std::max(last, from + run);
          }
          done += run;
        }
      }
      if (last > first) {
        Access access = direction == ToShared ? Access::Load
                        : i.m[1]              ? Access::Atomic
                                              : Access::Store;
        if (!globalRange(w, i, first, last - first, access, l))
          return;
      }
      for (unsigned k = 1; k < rank; ++k) {
        if (++index[k] < map.box[k])
          break;
        index[k] = 0;
      }
    }
    static const Type types[] = {Type::U8,  Type::U16,  Type::U32, Type::S32,
                                 Type::U64, Type::S64,  Type::F16, Type::F32,
                                 Type::F64, Type::BF16, Type::F32, Type::F32,
                                 Type::F32};
    send(w, i, l, std::move(pieces), shared, total, direction, 0, i.m[1],
         types[map.type < 13 ? map.type : 0], map.fillNan, barrier,
         static_cast<uint32_t>(total));
  });
}

/// A shared address of 32 or 64 bits as one of 64.
bool addressOperand(Decoder &d, const Operand &operand, int slot) {
  if (operand.kind != Operand::Address || operand.elements.empty())
    return d.error(operand.loc, "an address in brackets is expected here");
  const Operand &base = operand.elements[0];
  bool isReg = base.symbol && base.symbol->space == Space::Reg;
  uint8_t is32 = 0;
  Inst kept = d.inst;
  if (!d.address(operand,
                 isReg         ? Space::Generic
                 : base.symbol ? base.symbol->space
                               : Space::Generic,
                 0, is32))
    return false;
  Inst widen;
  widen.op[1] = d.inst.op[0];
  widen.op[0] = d.temp(Type::B64);
  widen.imm = d.inst.imm;
  // The window of a variable's space, as its address is used as a generic one.
  if (!isReg && base.symbol && base.symbol->space == Space::Param)
    widen.imm += kParamWindow;
  widen.cls = Class::Other;
  widen.fn = is32 ? ExecFn([](Warp &w, const Inst &i) {
    const uint32_t *a = w.at<uint32_t>(i.op[1]);
    uint64_t *to = w.at<uint64_t>(i.op[0]);
    ET_LANES(l) to[l] = uint32_t(a[l] + i.imm);
  })
                  : ExecFn([](Warp &w, const Inst &i) {
                      const uint64_t *a = w.at<uint64_t>(i.op[1]);
                      uint64_t *to = w.at<uint64_t>(i.op[0]);
                      ET_LANES(l) to[l] = a[l] + i.imm;
                    });
  d.inst = kept;
  d.inst.op[slot] = widen.op[0];
  d.emitExtra(widen);
  return true;
}

struct Where {
  bool toShared = false, toGlobal = false, fromShared = false,
       fromGlobal = false;
};
/// The two state spaces, destination first.
bool takeSpaces(Decoder &d, Where &where) {
  size_t seen = 0;
  for (std::string_view word : d.statement->modifiers) {
    bool shared = word == "shared::cluster" || word == "shared::cta";
    if (!shared && word != "global")
      continue;
    d.take(word);
    if (seen++ == 0)
      (shared ? where.toShared : where.toGlobal) = true;
    else
      (shared ? where.fromShared : where.fromGlobal) = true;
  }
  return seen == 2;
}

bool decodeTensor(Decoder &d, uint8_t reduce) {
  std::string_view dim = d.takeAny({"1d", "2d", "3d", "4d", "5d"});
  Where where;
  if (dim.empty() || !takeSpaces(d, where))
    return d.unsupported("the dimensions and the state spaces are expected");
  d.take("tile");
  d.take("mbarrier::complete_tx::bytes");
  d.take("bulk_group");
  d.takeHints();
  unsigned rank = static_cast<unsigned>(dim[0] - '0');
  bool load = where.toShared;
  size_t mapAt = load ? 1 : 0, sharedAt = load ? 0 : 1;
  if (!d.operands(load ? 3 : 2, load ? 4 : 3))
    return false;
  const Operand &map = d.arg(mapAt);
  if (map.kind != Operand::Address || map.elements.size() != 2 ||
      map.elements[1].kind != Operand::Vector ||
      map.elements[1].elements.size() != rank)
    return d.error(map.loc, "[map, {" + std::to_string(rank) +
                                " coordinates}] is expected");
  std::vector<Ref> refs;
  for (const Operand &c : map.elements[1].elements)
    refs.push_back(d.use(c, Type::S32));
  d.inst.m[0] = load ? ToShared : ToGlobal;
  d.inst.m[1] = reduce;
  d.inst.m[2] = static_cast<uint8_t>(rank);
  return addressOperand(d, map, 1) && addressOperand(d, d.arg(sharedAt), 0) &&
         (!load || addressOperand(d, d.arg(2), 2)) && d.list(refs) &&
         d.emit(execTensor, Class::Async);
}

bool decodePlain(Decoder &d, uint8_t reduce) {
  Where where;
  if (!takeSpaces(d, where))
    return d.unsupported("the two state spaces are expected");
  d.take("mbarrier::complete_tx::bytes");
  d.take("bulk_group");
  d.take("noftz");
  d.takeHints();
  Type type = reduce ? d.takeType() : Type::None;
  bool barrier = where.toShared;
  if (!d.operands(barrier ? 4 : 3, barrier ? 5 : 4))
    return false;
  d.inst.m[0] = where.toShared ? (where.fromShared ? SharedToShared : ToShared)
                               : ToGlobal;
  d.inst.m[1] = reduce;
  d.inst.m[2] = static_cast<uint8_t>(type);
  d.inst.op[2] = d.use(d.arg(2), Type::U32);
  return addressOperand(d, d.arg(0), 0) && addressOperand(d, d.arg(1), 1) &&
         (!barrier || addressOperand(d, d.arg(3), 3)) &&
         d.emit(execBulk, Class::Async);
}

} // namespace

bool decodeBulk(Decoder &d) {
  if (d.take("commit_group")) {
    d.inst.m[0] = 1;
    return d.emit(
        [](Warp &w, const Inst &) { commitGroup(w.async->bulk, w.exec); },
        Class::Async);
  }
  if (d.take("wait_group")) {
    d.take("read");
    int64_t keep = 0;
    if (!d.operands(1) || !d.immediate(d.arg(0), keep))
      return false;
    d.inst.imm = static_cast<uint64_t>(keep);
    return d.emit(
        [](Warp &w, const Inst &i) {
          waitGroups(w, w.async->bulk, w.exec, i.imm);
        },
        Class::Async);
  }
  if (d.take("prefetch")) {
    for (const char *word :
         {"tensor", "L2", "global", "tile", "1d", "2d", "3d", "4d", "5d"})
      d.take(word);
    d.takeHints();
    return d.emit([](Warp &, const Inst &) {}, Class::Other);
  }
  if (d.take("tensor"))
    return decodeTensor(d, None);
  return decodePlain(d, None);
}

bool decodeBulkReduce(Decoder &d) {
  static const char *const names[] = {"add", "min", "max", "inc",
                                      "dec", "and", "or",  "xor"};
  bool tensor = d.take("tensor");
  uint8_t op = 0;
  while (op < 8 && !d.take(names[op]))
    ++op;
  if (op == 8)
    return d.unsupported("no reduction that is known");
  return tensor ? decodeTensor(d, uint8_t(op + 1))
                : decodePlain(d, uint8_t(op + 1));
}

} // namespace et::emu::ET_EMU_ISA
