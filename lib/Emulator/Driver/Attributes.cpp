//===- Attributes.cpp - What a program may ask of and set on the driver ---===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs try what may not be there and fall back when it is refused, so an
// attribute, a limit or a value that is not known is never taken.
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include <algorithm>

namespace {
/// What the chips differ in, from the CUDA programming guide's table.
struct Chip {
  unsigned capability;
  int processors, threads, blocks;
  /// Shared memory of a multiprocessor, and the most that a block may have of
  /// it when it asks for it.
  int shared, sharedOptIn;
};
} // namespace
static constexpr Chip chips[] = {
    {70, 80, 2048, 32, 98304, 98304},    {75, 68, 1024, 16, 65536, 65536},
    {80, 108, 2048, 32, 167936, 166912}, {86, 84, 1536, 16, 102400, 101376},
    {87, 16, 1536, 16, 167936, 166912},  {89, 128, 1536, 24, 102400, 101376},
    {90, 132, 2048, 32, 233472, 232448}, {100, 148, 2048, 32, 233472, 232448},
    {110, 20, 1536, 24, 233472, 232448}, {120, 170, 1536, 24, 102400, 101376},
};

/// The newest that is not newer than the emulated one.
static const Chip &chipOf(const Driver &driver) {
  const Chip *found = chips;
  for (const Chip &chip : chips)
    if (chip.capability <= driver.capability)
      found = &chip;
  return *found;
}

/// False when the driver API has no attribute of this number.
static bool deviceAttribute(const Driver &driver, int attribute, int &value) {
  const Chip &chip = chipOf(driver);
  switch (attribute) {
  case 1: // MAX_THREADS_PER_BLOCK
  case 2: // MAX_BLOCK_DIM_X
  case 3:
    value = 1024;
    return true;
  case 4:
    value = 64;
    return true;
  case 5:  // MAX_GRID_DIM_X
  case 11: // MAX_PITCH
    value = 2147483647;
    return true;
  case 6:
  case 7:
    value = 65535;
    return true;
  case 8: // MAX_SHARED_MEMORY_PER_BLOCK
    value = 49152;
    return true;
  case 9: // TOTAL_CONSTANT_MEMORY
    value = 65536;
    return true;
  case 10: // WARP_SIZE
  case 51: // TEXTURE_PITCH_ALIGNMENT
    value = 32;
    return true;
  case 12: // MAX_REGISTERS_PER_BLOCK
  case 82: // MAX_REGISTERS_PER_MULTIPROCESSOR
    value = 65536;
    return true;
  case 13: // CLOCK_RATE, kHz
  case 36: // MEMORY_CLOCK_RATE, kHz
    value = 1000000;
    return true;
  case 14: // TEXTURE_ALIGNMENT
  case 30: // SURFACE_ALIGNMENT
    value = 512;
    return true;
  case 16: // MULTIPROCESSOR_COUNT
    value = driver.processors ? driver.processors : chip.processors;
    return true;
  case 37: // GLOBAL_MEMORY_BUS_WIDTH
    value = 4096;
    return true;
  case 38: // L2_CACHE_SIZE
    value = 50 << 20;
    return true;
  case 39: // MAX_THREADS_PER_MULTIPROCESSOR
    value = chip.threads;
    return true;
  case 15:  // GPU_OVERLAP
  case 31:  // CONCURRENT_KERNELS
  case 40:  // ASYNC_ENGINE_COUNT
  case 41:  // UNIFIED_ADDRESSING
  case 78:  // STREAM_PRIORITIES_SUPPORTED
  case 79:  // GLOBAL_L1_CACHE_SUPPORTED
  case 80:  // LOCAL_L1_CACHE_SUPPORTED
  case 95:  // COOPERATIVE_LAUNCH
  case 115: // MEMORY_POOLS_SUPPORTED
  case 126: // MEM_SYNC_DOMAIN_COUNT
    value = 1;
    return true;
  case 75: // COMPUTE_CAPABILITY_MAJOR
    value = static_cast<int>(driver.capability / 10);
    return true;
  case 76:
    value = static_cast<int>(driver.capability % 10);
    return true;
  case 81: // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    value = chip.shared;
    return true;
  case 87: // SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO
    value = chip.sharedOptIn > 150 << 10 ? 2 : 64;
    return true;
  case 97: // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    value = chip.sharedOptIn;
    return true;
  case 106: // MAX_BLOCKS_PER_MULTIPROCESSOR
    value = chip.blocks;
    return true;
  case 111: // RESERVED_SHARED_MEMORY_PER_BLOCK
    value = driver.capability >= 80 ? 1024 : 0;
    return true;
  case 127: // TENSOR_MAP_ACCESS_SUPPORTED
    value = driver.capability >= 90;
    return true;
  case 131: // NUMA_ID
  case 134: // HOST_NUMA_ID
    value = -1;
    return true;
  default:
    // Up to ONLY_PARTIAL_HOST_NATIVE_ATOMIC_SUPPORTED: textures and surfaces,
    // links, managed memory, clusters of several blocks ... are not there.
    value = 0;
    return attribute >= 1 && attribute <= 147;
  }
}

ET_CU cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  ET_ENTER
  if (device != 0)
    return kInvalidDevice;
  int found = 0;
  if (!value || !deviceAttribute(driver, attribute, found))
    return kInvalidValue;
  *value = found;
  return kSuccess;
}

static int deviceAttribute(const Driver &driver, int attribute) {
  int value = 0;
  deviceAttribute(driver, attribute, value);
  return value;
}

ET_CU cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  ET_ENTER
  if (!function)
    return kInvalidHandle;
  if (!value)
    return kInvalidValue;
  const et::emu::KernelInfo &info = driver.device->info(function->kernel);
  switch (attribute) {
  case 0: // MAX_THREADS_PER_BLOCK
    *value = static_cast<int>(info.maxThreads);
    return kSuccess;
  case 1: // SHARED_SIZE_BYTES
    *value = static_cast<int>(info.sharedBytes);
    return kSuccess;
  case 3: // LOCAL_SIZE_BYTES
    *value = static_cast<int>(info.localBytes);
    return kSuccess;
  case 5: // PTX_VERSION
  case 6: // BINARY_VERSION
    *value = static_cast<int>(driver.capability);
    return kSuccess;
  case 8: // MAX_DYNAMIC_SHARED_SIZE_BYTES
    *value = function->maxDynamicShared;
    return kSuccess;
  case 9: // PREFERRED_SHARED_MEMORY_CARVEOUT
    *value = function->carveout;
    return kSuccess;
  case 14: // NON_PORTABLE_CLUSTER_SIZE_ALLOWED
    *value = function->nonPortableCluster;
    return kSuccess;
  case 15: // CLUSTER_SCHEDULING_POLICY_PREFERENCE
    *value = function->clusterScheduling;
    return kSuccess;
  case 2:  // CONST_SIZE_BYTES
  case 4:  // NUM_REGS; what ptxas would choose is not known.
  case 7:  // CACHE_MODE_CA
  case 10: // CLUSTER_SIZE_MUST_BE_SET
  case 11: // REQUIRED_CLUSTER_WIDTH, HEIGHT, DEPTH
  case 12:
  case 13:
    *value = 0;
    return kSuccess;
  default:
    return kInvalidValue;
  }
}

ET_CU cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  ET_ENTER
  if (!function)
    return kInvalidHandle;
  int statically =
      static_cast<int>(driver.device->info(function->kernel).sharedBytes);
  switch (attribute) {
  case 8: // MAX_DYNAMIC_SHARED_SIZE_BYTES
    if (value < 0 || value > deviceAttribute(driver, 97) - statically)
      return kInvalidValue;
    function->maxDynamicShared = value;
    return kSuccess;
  case 9: // PREFERRED_SHARED_MEMORY_CARVEOUT: a percentage, or no preference
    if (value < -1 || value > 100)
      return kInvalidValue;
    function->carveout = value;
    return kSuccess;
  case 11: // REQUIRED_CLUSTER_WIDTH, HEIGHT, DEPTH
  case 12:
  case 13:
    if (value < 0)
      return kInvalidValue;
    // 0 takes the requirement away.
    return value <= 1 ? kSuccess : refuseClusters(driver);
  case 14: // NON_PORTABLE_CLUSTER_SIZE_ALLOWED
    if (value != 0 && value != 1)
      return kInvalidValue;
    function->nonPortableCluster = value;
    return kSuccess;
  case 15: // CLUSTER_SCHEDULING_POLICY_PREFERENCE: default, spread, balanced
    if (value < 0 || value > 2)
      return kInvalidValue;
    function->clusterScheduling = value;
    return kSuccess;
  default: // The others are there to be read, if they are there.
    return kInvalidValue;
  }
}

ET_CU cuFuncSetCacheConfig(CUfunction function, int config) {
  ET_ENTER
  if (!function)
    return kInvalidHandle;
  return config < 0 || config > 3 ? kInvalidValue : kSuccess;
}

ET_CU cuFuncGetName(const char **name, CUfunction function) {
  ET_ENTER
  if (!name || !function)
    return kInvalidValue;
  *name = function->name.c_str();
  return kSuccess;
}

static uint64_t blocksPerProcessor(const Driver &driver, CUfunction function,
                                   uint64_t threads, uint64_t shared) {
  uint64_t most = static_cast<uint64_t>(deviceAttribute(driver, 81));
  uint64_t lanes = static_cast<uint64_t>(deviceAttribute(driver, 39));
  uint64_t need = shared + driver.device->info(function->kernel).sharedBytes +
                  static_cast<uint64_t>(deviceAttribute(driver, 111));
  uint64_t blocks = static_cast<uint64_t>(deviceAttribute(driver, 106));
  blocks = std::min(blocks, lanes / ((threads + 31) / 32 * 32));
  if (need)
    blocks = std::min(blocks, most / need);
  return blocks;
}

uint64_t residentBlocks(const Driver &driver, CUfunction function,
                        uint64_t threads, uint64_t shared) {
  return blocksPerProcessor(driver, function, threads, shared) *
         static_cast<uint64_t>(deviceAttribute(driver, 16));
}

ET_CU cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                  CUfunction function,
                                                  int threads, size_t shared) {
  ET_ENTER
  if (!blocks || !function || threads <= 0)
    return kInvalidValue;
  *blocks = static_cast<int>(blocksPerProcessor(
      driver, function, static_cast<uint64_t>(threads), shared));
  return kSuccess;
}

// Limits. Those of STACK_SIZE, PRINTF_FIFO_SIZE, MALLOC_HEAP_SIZE,
// MAX_L2_FETCH_GRANULARITY and PERSISTING_L2_CACHE_SIZE are kept, though
// nothing here runs into them.
static bool hasLimit(int limit) {
  return (limit >= 0 && limit <= 2) || limit == 5 || limit == 6;
}
/// 3, 4: of kernels that launch kernels; 7 to 9: of graphics.
static CUresult noLimit(int limit) {
  return limit >= 0 && limit <= 9 ? kUnsupportedLimit : kInvalidValue;
}
ET_CU cuCtxSetLimit(int limit, size_t value) {
  ET_ENTER
  if (!hasLimit(limit))
    return noLimit(limit);
  if (limit == 5 && value > 128)
    return kInvalidValue;
  driver.limits[limit] = value;
  return kSuccess;
}
ET_CU cuCtxGetLimit(size_t *value, int limit) {
  ET_ENTER
  if (!value)
    return kInvalidValue;
  if (!hasLimit(limit))
    return noLimit(limit);
  *value = driver.limits[limit];
  return kSuccess;
}
