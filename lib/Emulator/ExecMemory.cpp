//===- ExecMemory.cpp - Loads and stores ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Race.h"
#include "Undefined.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {

/// One lane of a generic access whose lanes lie in different spaces, or of one
/// that failed as a whole.
static bool resolveLane(Warp &w, Space space, unsigned bytes, Access access,
                        Lanes &lanes, int l) {
  uint64_t a = lanes.address[l];
  Space found = space;
  if (space == Space::Generic) {
    found = Space::Global;
    if (a - kSharedWindow < kWindowBytes) {
      found = Space::Shared;
      a -= kSharedWindow;
    } else if (a - kLocalWindow < kWindowBytes) {
      found = Space::Local;
      a -= kLocalWindow;
    } else if (a - kParamWindow < kWindowBytes) {
      found = Space::Param;
      a -= kParamWindow;
    }
  }
  if (a & (bytes - 1)) {
    faultAlign(w, found, a, bytes, l);
    return false;
  }
  switch (found) {
  case Space::Shared:
    if ((a >= w.block->sharedBytes || bytes > w.block->sharedBytes - a) &&
        !w.block->inReserved(a, bytes))
      break;
    lanes.host[l] = reinterpret_cast<uint64_t>(w.block->shared) + a;
    return true;
  case Space::Local:
    if (a + bytes > w.node->frame->localEnd || a + bytes < a)
      break;
    lanes.host[l] = reinterpret_cast<uint64_t>(w.local.data()) +
                    uint64_t(l) * w.localStride + a;
    return true;
  case Space::Param:
    if (a + bytes > w.launch->paramBytes || a + bytes < a || writes(access))
      break;
    lanes.host[l] = reinterpret_cast<uint64_t>(w.launch->params.data()) + a;
    return true;
  default: {
    for (const Warp::Range &r : w.ranges)
      if (r.holds(a, a, bytes)) {
        lanes.host[l] = a + w.launch->memory->delta();
        return true;
      }
    const Memory::Allocation *found = w.launch->memory->find(a);
    if (!found || bytes > found->end - a)
      break;
    w.ranges[w.nextRange++ % 4] = {found->start, found->end};
    lanes.host[l] = a + w.launch->memory->delta();
    return true;
  }
  }
  faultBounds(w, found, a, bytes, access, l);
  return false;
}

bool resolve(Warp &w, const Inst &inst, Space space, unsigned bytes,
             Access access, Lanes &lanes, const StoredValues *stored) {
  uint32_t mask = w.exec;
  uint64_t *address = lanes.address;
  w.unread.lanes = 0;
  if (mask != ~0u) {
    uint64_t first = address[__builtin_ctz(mask)];
    ET_LANES(l) address[l] = (mask >> l & 1) ? address[l] : first;
  }
  uint64_t low = ~uint64_t(0), high = 0, bits = 0, gap = 0;
  uint64_t start = address[0];
  ET_LANES(l) {
    uint64_t a = address[l];
    low = a < low ? a : low;
    high = a > high ? a : high;
    bits |= a;
    gap |= a ^ (start + uint64_t(l) * bytes);
  }
  lanes.contiguous = mask == ~0u && gap == 0;
  Space where = space;
  if (space == Space::Generic) {
    if (low >= kGlobalBase) {
      where = Space::Global;
    } else if (low >= kSharedWindow && high - kSharedWindow < kWindowBytes) {
      where = Space::Shared;
      ET_LANES(l) address[l] -= kSharedWindow;
      low -= kSharedWindow;
      high -= kSharedWindow;
    }
  } else if (space == Space::Const) {
    where = Space::Global;
  }
  lanes.space = where;
  uint64_t delta = 0;
  bool good = !(bits & (bytes - 1));
  if (where == Space::Global) {
    bool in = false;
    for (const Warp::Range &r : w.ranges)
      in |= r.holds(low, high, bytes);
    if (good && !in) {
      const Memory::Allocation *found = w.launch->memory->find(low);
      Warp::Range range;
      if (found)
        range = {found->start, found->end};
      in = range.holds(low, high, bytes);
      if (in)
        w.ranges[w.nextRange++ % 4] = range;
    }
    good &= in;
    delta = w.launch->memory->delta();
  } else if (where == Space::Shared) {
    good &= high < w.block->sharedBytes && high + bytes <= w.block->sharedBytes;
    delta = reinterpret_cast<uint64_t>(w.block->shared);
  } else {
    good = false; // Each lane has memory of its own, or its own space.
  }
  if (good) {
    ET_LANES(l) lanes.host[l] = address[l] + delta;
  } else {
    lanes.contiguous = false;
    uint32_t left = mask;
    for (; left; left &= left - 1)
      if (!resolveLane(w, where, bytes, access, lanes, __builtin_ctz(left)))
        return false;
    int first = __builtin_ctz(mask);
    for (int l = 0; l < 32; ++l)
      if (!(mask >> l & 1))
        lanes.host[l] = lanes.host[first];
  }
  if (w.launch->checks &&
      !observe(w, inst, where, lanes.address, mask, bytes, access, stored))
    return false;
  return true;
}

namespace {

/// Where lanes may have found memory of their own; null if not.
const uint64_t *ownMemory(const Lanes &lanes) {
  bool isCommon = lanes.space == Space::Global || lanes.space == Space::Shared;
  return isCommon ? nullptr : lanes.host;
}

/// m[0]: space; m[1]: 32-bit base; m[2]: elements; m[3]: kind of access.
template <typename M, typename R>
void execLoad(Warp &w, const Inst &i) {
  unsigned n = i.m[2];
  Lanes lanes;
  lanesOf(w, i, 1, lanes);
  if (!resolve(w, i, Space(i.m[0]), n * sizeof(M), Access(i.m[3]), lanes))
    return;
  const Ref *to = n == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  if (w.unread.lanes | w.undefined | !w.localUndefined.empty())
    loadUndefined(w, to, n, sizeof(M), sizeof(R), std::is_signed_v<M>,
                  ownMemory(lanes));
  if (lanes.contiguous && n == 1 && sizeof(M) == sizeof(R) &&
      Access(i.m[3]) == Access::Load) {
    std::memcpy(w.at<R>(to[0]), reinterpret_cast<const void *>(lanes.host[0]),
                32 * sizeof(R));
    return;
  }
  bool isStrong = Access(i.m[3]) == Access::AtomicLoad;
  for (unsigned e = 0; e < n; ++e) {
    const uint64_t *host = lanes.host;
    uint64_t at = e * sizeof(M);
    setLanes<R>(w, to[e], [=](int l) {
      M v;
      __builtin_memcpy(&v, reinterpret_cast<const void *>(host[l] + at),
                       sizeof(M));
      return R(v);
    });
  }
  if (isStrong && w.launch->options.checkRace)
    raceReacquire(w, i, lanes.space, lanes.address, w.exec);
}

template <typename M, typename R>
void execStore(Warp &w, const Inst &i) {
  unsigned n = i.m[2];
  const Ref *from =
      n == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  Lanes lanes;
  lanesOf(w, i, 1, lanes);
  StoredValues values{w.at<uint8_t>(from[0]), sizeof(R)};
  uint8_t packed[32 * 32];
  if (n > 1 && w.launch->options.checkRace) {
    for (unsigned e = 0; e < n; ++e)
      for (unsigned l = 0; l < 32; ++l)
        std::memcpy(packed + (l * n + e) * sizeof(M), w.at<R>(from[e]) + l,
                    sizeof(M));
    values = {packed, static_cast<unsigned>(n * sizeof(M))};
  }
  if (!resolve(w, i, Space(i.m[0]), n * sizeof(M), Access(i.m[3]), lanes,
               &values))
    return;
  if ((w.undefined || !w.localUndefined.empty()) && ownMemory(lanes))
    storeLocalUndefined(w, i, lanes.host, sizeof(M));
  if (lanes.contiguous && n == 1 && sizeof(M) == sizeof(R)) {
    std::memcpy(reinterpret_cast<void *>(lanes.host[0]), w.at<R>(from[0]),
                32 * sizeof(R));
    return;
  }
  for (unsigned e = 0; e < n; ++e) {
    const R *a = w.at<R>(from[e]);
    eachLane(w.exec, [&](int l) {
      M v = M(a[l]);
      std::memcpy(reinterpret_cast<void *>(lanes.host[l] + e * sizeof(M)), &v,
                  sizeof(M));
    });
  }
}

/// A kernel's parameter: one value for all lanes, at imm.
template <typename M, typename R>
void execLoadParam(Warp &w, const Inst &i) {
  const auto *from =
      reinterpret_cast<const uint8_t *>(w.launch->params.data()) + i.imm;
  const Ref *to =
      i.m[2] == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  for (unsigned e = 0; e < i.m[2]; ++e) {
    M v;
    std::memcpy(&v, from + e * sizeof(M), sizeof(M));
    R r = R(v);
    setLanes<R>(w, to[e], [=](int) { return r; });
  }
}

/// A `.param` block of the frame, op[1], of `target` bytes a lane. m[4]: bytes
/// of an element; m[5]: it is signed.
template <typename M, typename R>
void execLoadBlock(Warp &w, const Inst &i) {
  const uint8_t *from = w.at<uint8_t>(i.op[1]) + i.imm;
  unsigned stride = i.target;
  const Ref *to =
      i.m[2] == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  for (unsigned e = 0; e < i.m[2]; ++e)
    setLanes<R>(w, to[e], [=](int l) {
      M v;
      __builtin_memcpy(&v, from + l * stride + e * sizeof(M), sizeof(M));
      return R(v);
    });
}
template <typename M, typename R>
void execStoreBlock(Warp &w, const Inst &i) {
  uint8_t *to = w.at<uint8_t>(i.op[1]) + i.imm;
  unsigned stride = i.target;
  const Ref *from =
      i.m[2] == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  for (unsigned e = 0; e < i.m[2]; ++e) {
    const R *a = w.at<R>(from[e]);
    eachLane(w.exec, [&](int l) {
      M v = M(a[l]);
      std::memcpy(to + l * stride + e * sizeof(M), &v, sizeof(M));
    });
  }
}

enum Form { Load, Store, LoadParam, LoadBlock, StoreBlock };
template <typename M, typename R>
ExecFn pickForm(Form form) {
  switch (form) {
  case Load:
    return execLoad<M, R>;
  case Store:
    return execStore<M, R>;
  case LoadParam:
    return execLoadParam<M, R>;
  case LoadBlock:
    return execLoadBlock<M, R>;
  default:
    return execStoreBlock<M, R>;
  }
}
template <typename M>
ExecFn pickWidth(Form form, unsigned bytes) {
  using W16 = std::conditional_t<std::is_signed_v<M>, int16_t, uint16_t>;
  using W32 = std::conditional_t<std::is_signed_v<M>, int32_t, uint32_t>;
  using W64 = std::conditional_t<std::is_signed_v<M>, int64_t, uint64_t>;
  if (bytes == 2 && sizeof(M) <= 2)
    return pickForm<M, W16>(form);
  if (bytes == 4 && sizeof(M) <= 4)
    return pickForm<M, W32>(form);
  if (bytes == 8 && sizeof(M) <= 8)
    return pickForm<M, W64>(form);
  return nullptr;
}
using U128 = unsigned __int128;
ExecFn pick(Form form, Type type, unsigned bytes) {
  bool sign = isSigned(type);
  switch (typeBytes(type)) {
  case 1:
    return sign ? pickWidth<int8_t>(form, bytes)
                : pickWidth<uint8_t>(form, bytes);
  case 2:
    return sign ? pickWidth<int16_t>(form, bytes)
                : pickWidth<uint16_t>(form, bytes);
  case 4:
    return sign ? pickWidth<int32_t>(form, bytes)
                : pickWidth<uint32_t>(form, bytes);
  case 8:
    return pickWidth<uint64_t>(form, bytes);
  case 16:
    return bytes == 16 ? pickForm<U128, U128>(form) : nullptr;
  default:
    return nullptr;
  }
}

Space takeSpace(Decoder &d) {
  struct Name {
    const char *word;
    Space space;
  };
  static const Name names[] = {
      {"global", Space::Global},      {"shared", Space::Shared},
      {"shared::cta", Space::Shared}, {"shared::cluster", Space::Shared},
      {"local", Space::Local},        {"const", Space::Const},
      {"param", Space::Param},        {"param::func", Space::Param},
      {"param::entry", Space::Param},
  };
  for (const Name &name : names)
    if (d.take(name.word))
      return name.space;
  return Space::Generic;
}

bool decodeAccess(Decoder &d) {
  bool load = d.opcode() != "st";
  if (d.opcode() == "ldu")
    d.take("global");
  bool strong = d.takeOrder();
  d.take("weak");
  d.take("unified");
  Space space = takeSpace(d);
  d.takeHints();
  std::string_view vec = d.takeAny({"v2", "v4", "v8"});
  Type type = d.takeType();
  if (type == Type::None || type == Type::Pred)
    return d.unsupported("no type that memory holds");
  if (!d.operands(2, 3)) // A cache policy may be third.
    return false;
  const Operand &given = d.arg(load ? 0 : 1), &place = d.arg(load ? 1 : 0);
  // `{r}` is a register.
  bool braced = given.kind == Operand::Vector && given.elements.size() == 1;
  const Operand &value = braced && vec.empty() ? given.elements[0] : given;
  unsigned n = vec.empty() ? 1 : static_cast<unsigned>(vec[1] - '0');
  if (n * typeBytes(type) > 32)
    return d.unsupported("more than 32 bytes a lane");
  uint8_t bytes = 0;
  if (n == 1) {
    d.inst.op[0] =
        load ? d.defWide(value, type, bytes) : d.useWide(value, type, bytes);
  } else {
    if (value.kind != Operand::Vector || value.elements.size() != n)
      return d.error(value.loc, "a vector of " + std::to_string(n) +
                                    " registers is expected");
    std::vector<Ref> refs;
    uint8_t widths[8] = {};
    unsigned k = 0;
    for (const Operand &e : value.elements) {
      refs.push_back(load ? d.defWide(e, type, widths[k])
                          : d.useWide(e, type, widths[k]));
      if (e.kind == Operand::Name)
        bytes = std::max(bytes, widths[k]);
      ++k;
    }
    if (!bytes)
      bytes = widths[0];
    // A `_` or a constant takes the width of the registers beside it.
    k = 0;
    for (const Operand &e : value.elements) {
      if (widths[k] != bytes) {
        if (e.kind == Operand::Name)
          return d.error(e.loc, "the registers of a vector differ in width");
        Type wide = bytes == 4   ? Type::B32
                    : bytes == 8 ? Type::B64
                                 : Type::B128;
        refs[k] = load ? d.temp(wide) : d.use(e, wide);
      }
      ++k;
    }
    if (!d.list(refs))
      return false;
  }
  d.inst.m[0] = static_cast<uint8_t>(space);
  d.inst.m[2] = static_cast<uint8_t>(n);
  d.inst.m[3] = static_cast<uint8_t>(
      load ? (strong ? Access::AtomicLoad : Access::Load)
           : (strong ? Access::AtomicStore : Access::Store));
  const Operand *base =
      place.kind == Operand::Address && !place.elements.empty()
          ? &place.elements[0]
          : nullptr;
  const Symbol *param = base ? d.paramSymbol(*base) : nullptr;
  unsigned total = n * typeBytes(type);
  if (space == Space::Param && param) {
    if (base->offset < 0 || uint64_t(base->offset) + total > param->size)
      return d.error(base->loc, "the access runs over the end of parameter '" +
                                    std::string(param->name) + "'");
    bool entry = d.inEntry() &&
                 std::find(d.function->params.begin(), d.function->params.end(),
                           param) != d.function->params.end();
    if (entry) {
      if (!load)
        return d.error("a kernel's parameters cannot be written");
      d.inst.imm = param->offset + static_cast<uint64_t>(base->offset);
      return d.emit(pick(LoadParam, type, bytes), Class::LoadOther);
    }
    d.inst.op[1] = param->offset;
    d.inst.imm = static_cast<uint64_t>(base->offset);
    d.inst.target = static_cast<uint32_t>(param->size);
    d.inst.m[4] = static_cast<uint8_t>(typeBytes(type));
    d.inst.m[5] = isSigned(type);
    d.inst.track = load ? Track::FromBlock : Track::ToBlock;
    return d.emit(pick(load ? LoadBlock : StoreBlock, type, bytes),
                  load ? Class::LoadOther : Class::StoreOther);
  }
  if (!d.address(place, space, 1, d.inst.m[1]))
    return false;
  d.inst.track = load ? Track::Own : Track::Store;
  Class cls = space == Space::Shared
                  ? (load ? Class::LoadShared : Class::StoreShared)
              : space == Space::Global || space == Space::Generic
                  ? (load ? Class::LoadGlobal : Class::StoreGlobal)
                  : (load ? Class::LoadOther : Class::StoreOther);
  return d.emit(pick(load ? Load : Store, type, bytes), cls);
}

void execNothing(Warp &, const Inst &) {}

/// Hints that say nothing about values. Their operands are not looked at.
bool decodeHint(Decoder &d) {
  takeSpace(d);
  d.takeHints();
  for (const char *word : {"L1", "L2", "uniform", "tensormap", "bulk", "tensor",
                           "tile", "1d", "2d", "3d", "4d", "5d"})
    d.take(word);
  return d.emit(execNothing, Class::Other);
}

void execPolicy(Warp &w, const Inst &i) {
  setLanes<uint64_t>(w, i.op[0], [](int) { return uint64_t(0); });
}

} // namespace

void registerMemory(OpTable &ops) {
  ops["ld"] = ops["ldu"] = ops["st"] = decodeAccess;
  ops["prefetch"] = ops["prefetchu"] = ops["applypriority"] = decodeHint;
  ops["createpolicy"] = [](Decoder &d) {
    for (const char *word : {"fractional", "range", "global", "cvt", "L2"})
      d.take(word);
    d.takeHints();
    d.takeType();
    if (!d.operands(1, 4))
      return false;
    d.inst.op[0] = d.def(d.arg(0), Type::B64);
    return d.emit(execPolicy, Class::Other);
  };
}

} // namespace et::emu::ET_EMU_ISA
