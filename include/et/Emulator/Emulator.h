//===- Emulator.h - Running PTX on the CPU --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The whole interface: a device with global memory, modules loaded from PTX
// text, kernels launched on them. A launch returns when it has finished.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_EMULATOR_H
#define ET_EMULATOR_EMULATOR_H

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace et::emu {

/// Where a module's text is wrong, or asks for what is not supported.
struct Diagnostic {
  uint32_t line = 0, column = 0;
  std::string message;
};

/// When asynchronous copies and matrix products take effect.
enum class Schedule : uint8_t { Early, Late, Random };

struct Options {
  Schedule schedule = Schedule::Early;
  uint64_t seed = 0;
  bool checkRace = true, checkMemory = true, checkInit = true;
  /// With checkRace: note where several warps store the same value to the same
  /// place and nothing orders them. Who wins does not show, so it is no fault.
  bool noteSameStores = false;
  /// Sum matrix products in plain f32 instead of as the hardware does.
  bool plainMatrix = false;
  bool trace = false;
  /// Sectors, bank conflicts and unique bytes cost time; instruction counts
  /// do not and are always kept.
  bool countMemory = false;
  /// Worker threads; 0 takes one a core.
  unsigned threads = 0;
  /// A launch that runs more warp instructions than this is given up as hung.
  uint64_t maxInstructions = uint64_t(1) << 40;
};

/// Counters of one launch, by name, in the order of the names.
using Counters = std::map<std::string, uint64_t>;

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

struct LaunchResult {
  bool ok = true;
  /// One fault, in words: what, kernel, PTX line, block, warp, lane, address.
  std::string fault;
  /// `memory` for an access out of bounds, `race`, `init`, ...
  std::string faultKind;
  /// What is worth a look and no fault.
  std::vector<std::string> notes;
  /// What the kernel printed, in the order of its blocks.
  std::string printed;
  Counters counters;
  /// With checkRace: how much there was to do for it. That depends on the order
  /// of blocks.
  Counters race;
  /// With countMemory: warp instructions by opcode and modifiers.
  Counters instructions;
  double seconds = 0;
};

struct KernelParam {
  uint32_t offset, size;
};

/// What a caller may ask about a kernel.
struct KernelInfo {
  std::string name;
  std::vector<KernelParam> params;
  uint32_t paramBytes = 0, sharedBytes = 0, localBytes = 0;
  uint32_t registers = 0;
  uint32_t maxThreads = 1024;
};

class Kernel;
class Module;
class DeviceImpl;

class Device {
public:
  explicit Device(Options options = {});
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  Options &options();

  /// Device addresses are no host addresses: following one on the host traps.
  /// 0 when the memory is spent.
  uint64_t allocate(uint64_t bytes, std::string_view name);
  bool free(uint64_t address);
  /// Start and size of the allocation that holds `address`.
  bool findAllocation(uint64_t address, uint64_t &base, uint64_t &size) const;
  /// Each false if [address, address + bytes) is not within one allocation.
  bool write(uint64_t address, const void *data, uint64_t bytes);
  bool read(void *data, uint64_t address, uint64_t bytes) const;
  bool copy(uint64_t to, uint64_t from, uint64_t bytes);
  bool fill(uint64_t address, uint64_t count, const void *value,
            unsigned valueBytes);

  /// Null with `diag` set when the text is not a module.
  Module *loadModule(std::string_view ptx, std::string name, Diagnostic &diag);
  void unloadModule(Module *module);
  std::vector<std::string> kernelNames(const Module *module) const;
  /// Null with `diag` set: no such kernel, or something in it that the
  /// emulator does not know.
  Kernel *getKernel(Module *module, std::string_view name, Diagnostic &diag);
  bool getGlobal(const Module *module, std::string_view name, uint64_t &address,
                 uint64_t &size) const;
  const KernelInfo &info(const Kernel *kernel) const;

  /// With `cooperative` all blocks are there at a time and may wait for each
  /// other.
  LaunchResult launch(Kernel *kernel, Dim3 grid, Dim3 block,
                      uint32_t dynamicShared, const void *params,
                      size_t paramBytes, bool cooperative = false);

private:
  std::unique_ptr<DeviceImpl> impl;
};

/// Generic addresses of the windows that are not global memory.
inline constexpr uint64_t kSharedWindow = 0x1'0000'0000;
inline constexpr uint64_t kLocalWindow = 0x2'0000'0000;
inline constexpr uint64_t kParamWindow = 0x2'8000'0000;
inline constexpr uint64_t kWindowBytes = 0x0100'0000;
inline constexpr uint64_t kGlobalBase = 0x3'0000'0000;

} // namespace et::emu

#endif // ET_EMULATOR_EMULATOR_H
