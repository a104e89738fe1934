//===- Memory.h - Global memory of the emulated device --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_MEMORY_H
#define ET_EMULATOR_MEMORY_H

#include "RaceHistory.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace et::emu {

/// One reserved range of host memory stands for the device's. Shadow ranges of
/// the same layout tell, byte by byte, what was written and what a launch
/// touched.
class Memory {
public:
  struct Allocation {
    uint64_t start = 0, end = 0;
    std::string name;
  };

  Memory();
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  uint64_t allocate(uint64_t bytes, std::string_view name);
  bool free(uint64_t address);
  /// Null when no allocation holds the address.
  const Allocation *find(uint64_t address) const;
  /// The allocation that ends last before the address, or null.
  const Allocation *before(uint64_t address) const;
  bool holds(uint64_t address, uint64_t bytes) const {
    const Allocation *a = find(address);
    return a && bytes <= a->end - address;
  }
  /// The most that was allocated at a time.
  uint64_t peakBytes() const { return peak; }
  const std::map<uint64_t, Allocation> &all() const { return allocations; }

  uint8_t *host(uint64_t address) const { return data + (address - base); }
  uint8_t *initOf(uint64_t address) const { return init + (address - base); }
  uint8_t *loadedOf(uint64_t a) const { return loaded + (a - base); }
  uint8_t *storedOf(uint64_t a) const { return stored + (a - base); }
  /// What is added to a device address to get its host address.
  uint64_t delta() const { return reinterpret_cast<uint64_t>(data) - base; }
  /// One race entry stands for four bytes; see Race.h.
  RaceCell *raceOf(uint64_t address) const {
    return race + (address - base) / 4;
  }
  void clearTouched();
  void clearRace();

private:
  uint64_t raceBytes() const { return capacity / 4 * sizeof(RaceCell); }

  /// `top` is where the highest allocation so far ended.
  uint64_t base, top;
  uint64_t used = 0, peak = 0;
  uint64_t capacity;
  uint8_t *data, *init, *loaded, *stored;
  RaceCell *race;
  std::map<uint64_t, Allocation> allocations;
};

} // namespace et::emu

#endif // ET_EMULATOR_MEMORY_H
