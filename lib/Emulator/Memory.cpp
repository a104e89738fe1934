//===- Memory.cpp - Global memory of the emulated device ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include "et/Emulator/Emulator.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

using namespace et::emu;

/// Address space is reserved, not memory: pages appear as they are touched.
static void *reserve(uint64_t bytes) {
  void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

static void discard(void *start, uint64_t bytes) {
  // Whole pages go back to the system and read as zero again.
  uint64_t first = (reinterpret_cast<uint64_t>(start) + 4095) / 4096 * 4096;
  uint64_t last = (reinterpret_cast<uint64_t>(start) + bytes) / 4096 * 4096;
  if (last > first && last - first >= 1 << 16) {
    std::memset(start, 0, first - reinterpret_cast<uint64_t>(start));
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
    std::memset(reinterpret_cast<void *>(last), 0,
                reinterpret_cast<uint64_t>(start) + bytes - last);
  } else {
    std::memset(start, 0, bytes);
  }
}

Memory::Memory()
    : base(kGlobalBase), top(kGlobalBase), capacity(uint64_t(1) << 36) {
  for (;; capacity /= 2) {
    data = static_cast<uint8_t *>(reserve(capacity));
    init = static_cast<uint8_t *>(reserve(capacity));
    loaded = static_cast<uint8_t *>(reserve(capacity));
    stored = static_cast<uint8_t *>(reserve(capacity));
    race = static_cast<RaceCell *>(reserve(raceBytes()));
    if (data && init && loaded && stored && race)
      return;
    for (void *p : {static_cast<void *>(data), static_cast<void *>(init),
                    static_cast<void *>(loaded), static_cast<void *>(stored)})
      if (p)
        munmap(p, capacity);
    if (race)
      munmap(race, raceBytes());
    if (capacity < 1 << 24) {
      std::fprintf(stderr, "emulator: no address space for device memory; "
                           "raise the limit of virtual memory\n");
      std::abort();
    }
  }
}

Memory::~Memory() {
  for (uint8_t *p : {data, init, loaded, stored})
    munmap(p, capacity);
  munmap(race, raceBytes());
}

uint64_t Memory::allocate(uint64_t bytes, std::string_view name) {
  // A gap after each allocation, so that running over its end meets no other.
  constexpr uint64_t align = 256, gap = 512;
  if (bytes == 0 || bytes > capacity)
    return 0;
  uint64_t need = (bytes + gap + align - 1) / align * align;
  uint64_t at = base;
  for (const auto &[start, allocation] : allocations) {
    if (start - at >= need)
      break;
    at = (allocation.end + gap + align - 1) / align * align;
  }
  if (at + need > base + capacity)
    return 0;
  allocations[at] = {at, at + bytes, std::string(name)};
  top = std::max(top, at + need);
  used += bytes;
  peak = std::max(peak, used);
  return at;
}

bool Memory::free(uint64_t address) {
  auto it = allocations.find(address);
  if (it == allocations.end())
    return false;
  uint64_t bytes = it->second.end - address;
  used -= bytes;
  discard(host(address), bytes);
  discard(initOf(address), bytes);
  allocations.erase(it);
  return true;
}

const Memory::Allocation *Memory::find(uint64_t address) const {
  const Allocation *a = before(address);
  return a && address < a->end ? a : nullptr;
}

const Memory::Allocation *Memory::before(uint64_t address) const {
  auto it = allocations.upper_bound(address);
  return it == allocations.begin() ? nullptr : &std::prev(it)->second;
}

void Memory::clearTouched() {
  for (const auto &[start, a] : allocations) {
    discard(loadedOf(start), a.end - start);
    discard(storedOf(start), a.end - start);
  }
}

void Memory::clearRace() {
  // Of memory that was freed too: it may be given out again.
  discard(race, (top - base) / 4 * sizeof(RaceCell));
}
