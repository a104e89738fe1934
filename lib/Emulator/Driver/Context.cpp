//===- Context.cpp - Devices, contexts, errors ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include "et/Emulator/Settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>

Driver &Driver::get() {
  static Driver driver;
  return driver;
}

Driver::~Driver() {
  if (statsFile.empty())
    return;
  if (hasProblem && !stats.empty())
    stats.push_back(countersToJson("all launches", total, problem, timing));
  if (std::FILE *out = std::fopen(statsFile.c_str(), "w")) {
    std::fputs("[", out);
    for (size_t k = 0; k < stats.size(); ++k)
      std::fprintf(out, "%s\n%s", k ? "," : "", stats[k].c_str());
    std::fputs("\n]\n", out);
    std::fclose(out);
  } else {
    say("cannot write the counters to '" + statsFile + "'");
  }
}

void Driver::say(const std::string &message) {
  std::fprintf(stderr, "emulated CUDA device: %s\n", message.c_str());
}

CUresult Driver::initialize() {
  if (initialized)
    return kSuccess;
  et::emu::Options options;
  std::string error;
  for (const char *name :
       {"schedule", "seed", "check", "threads", "matrix", "limit"}) {
    std::string variable = "ET_EMU_";
    for (const char *c = name; *c; ++c)
      variable += static_cast<char>(*c - 32);
    const char *value = std::getenv(variable.c_str());
    if (value && !applySetting(options, name, value, error)) {
      say(variable + ": " + error);
      return kInvalidValue;
    }
  }
  if (const char *chip = std::getenv("ET_EMU_CHIP")) {
    char *end = nullptr;
    unsigned long number = std::strncmp(chip, "sm_", 3) == 0
                               ? std::strtoul(chip + 3, &end, 10)
                               : 0;
    if (number < 70 || number > 129 || (*end && end[1])) {
      say(std::string("ET_EMU_CHIP: '") + chip + "' is no chip such as sm_90a");
      return kInvalidValue;
    }
    capability = static_cast<unsigned>(number);
    suffix = *end;
  }
  if (const char *text = std::getenv("ET_EMU_PROCESSORS")) {
    char *end = nullptr;
    unsigned long number = std::strtoul(text, &end, 10);
    if (number < 1 || number > 1024 || *end) {
      say(std::string("ET_EMU_PROCESSORS: '") + text +
          "' is no number from 1 to 1024");
      return kInvalidValue;
    }
    processors = static_cast<int>(number);
  }
  if (const char *text = std::getenv("ET_EMU_PROBLEM")) {
    if (!parseProblem(problem, text, error)) {
      say("ET_EMU_PROBLEM: " + error);
      return kInvalidValue;
    }
    hasProblem = true;
  }
  timing = std::getenv("ET_EMU_TIME") != nullptr;
  if (const char *file = std::getenv("ET_EMU_STATS")) {
    // Better now than after the work: it is written when the process ends.
    if (!std::ofstream(file, std::ios::app)) {
      say(std::string("ET_EMU_STATS: cannot write '") + file + "'");
      return kInvalidValue;
    }
    statsFile = file;
    options.countMemory = true;
  }
  device = std::make_unique<et::emu::Device>(options);
  initialized = true;
  return kSuccess;
}

ET_CU cuInit(unsigned flags) {
  Driver &driver = Driver::get();
  std::lock_guard<std::recursive_mutex> hold(driver.lock);
  return flags ? kInvalidValue : driver.initialize();
}

ET_CU cuDriverGetVersion(int *version) {
  *version = 13000;
  return kSuccess;
}

ET_CU cuDeviceGetCount(int *count) {
  ET_ENTER
  *count = 1;
  return kSuccess;
}
ET_CU cuDeviceGet(CUdevice *device, int ordinal) {
  ET_ENTER
  if (ordinal != 0)
    return kInvalidDevice;
  *device = 0;
  return kSuccess;
}
ET_CU cuDeviceGetName(char *name, int length, CUdevice device) {
  ET_ENTER
  if (device != 0 || length <= 0)
    return kInvalidDevice;
  std::string chip = "et-mlir emulated sm_" + std::to_string(driver.capability);
  if (driver.suffix)
    chip += driver.suffix;
  std::snprintf(name, static_cast<size_t>(length), "%s", chip.c_str());
  return kSuccess;
}
ET_CU cuDeviceGetUuid_v2(char *uuid, CUdevice) {
  ET_ENTER
  std::memcpy(uuid, "et-mlir emulated", 16);
  return kSuccess;
}
ET_CU cuDeviceGetUuid(char *uuid, CUdevice device) {
  return cuDeviceGetUuid_v2(uuid, device);
}
ET_CU cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
  ET_ENTER
  *bytes = size_t(1) << 36;
  return kSuccess;
}
ET_CU cuMemGetInfo_v2(size_t *free, size_t *total) {
  ET_ENTER
  *free = *total = size_t(1) << 36;
  return kSuccess;
}
ET_CU cuDeviceComputeCapability(int *major, int *minor, CUdevice) {
  ET_ENTER
  *major = static_cast<int>(driver.capability / 10);
  *minor = static_cast<int>(driver.capability % 10);
  return kSuccess;
}

ET_CU cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  ET_ENTER
  if (device != 0)
    return kInvalidDevice;
  int major = static_cast<int>(driver.capability / 10);
  bool hopper = major >= 9 && major < 12;
  switch (attribute) {
  case 1: // MAX_THREADS_PER_BLOCK
  case 2: // MAX_BLOCK_DIM_X
  case 3:
    *value = 1024;
    break;
  case 4:
    *value = 64;
    break;
  case 5: // MAX_GRID_DIM_X
    *value = 2147483647;
    break;
  case 6:
  case 7:
    *value = 65535;
    break;
  case 8: // MAX_SHARED_MEMORY_PER_BLOCK
    *value = 49152;
    break;
  case 9: // TOTAL_CONSTANT_MEMORY
    *value = 65536;
    break;
  case 10: // WARP_SIZE
    *value = 32;
    break;
  case 12: // MAX_REGISTERS_PER_BLOCK
  case 82: // MAX_REGISTERS_PER_MULTIPROCESSOR
    *value = 65536;
    break;
  case 13: // CLOCK_RATE, kHz
    *value = 1000000;
    break;
  case 14: // TEXTURE_ALIGNMENT
    *value = 512;
    break;
  case 16: // MULTIPROCESSOR_COUNT
    *value = driver.processors ? driver.processors
             : major == 8      ? 108
             : major == 9      ? 132
                               : 170;
    break;
  case 36: // MEMORY_CLOCK_RATE, kHz
    *value = 1000000;
    break;
  case 37: // GLOBAL_MEMORY_BUS_WIDTH
    *value = 4096;
    break;
  case 38: // L2_CACHE_SIZE
    *value = 50 << 20;
    break;
  case 39: // MAX_THREADS_PER_MULTIPROCESSOR
    *value = major == 12 ? 1536 : 2048;
    break;
  case 41:  // UNIFIED_ADDRESSING
  case 31:  // CONCURRENT_KERNELS
  case 40:  // ASYNC_ENGINE_COUNT
  case 78:  // STREAM_PRIORITIES_SUPPORTED
  case 95:  // COOPERATIVE_LAUNCH
  case 115: // MEMORY_POOLS_SUPPORTED
    *value = 1;
    break;
  case 75:
    *value = major;
    break;
  case 76:
    *value = static_cast<int>(driver.capability % 10);
    break;
  case 81: // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    *value = major == 8 ? 167936 : hopper ? 233472 : 102400;
    break;
  case 97: // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    *value = major == 8 ? 166912 : hopper ? 232448 : 101376;
    break;
  case 106: // MAX_BLOCKS_PER_MULTIPROCESSOR
    *value = 32;
    break;
  case 111: // RESERVED_SHARED_MEMORY_PER_BLOCK
    *value = 1024;
    break;
  default:
    *value = 0;
    break;
  }
  return kSuccess;
}

ET_CU cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  ET_ENTER
  if (device != 0)
    return kInvalidDevice;
  ++driver.context.references;
  *context = &driver.context;
  return kSuccess;
}
ET_CU cuDevicePrimaryCtxRelease_v2(CUdevice) {
  ET_ENTER
  if (driver.context.references == 0)
    return kInvalidContext;
  --driver.context.references;
  return kSuccess;
}
ET_CU cuDevicePrimaryCtxRelease(CUdevice d) {
  return cuDevicePrimaryCtxRelease_v2(d);
}
ET_CU cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) { return kSuccess; }
ET_CU cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags, int *active) {
  ET_ENTER
  *flags = 0;
  *active = driver.context.references > 0;
  return kSuccess;
}
ET_CU cuDevicePrimaryCtxReset_v2(CUdevice) {
  Driver &driver = Driver::get();
  std::lock_guard<std::recursive_mutex> hold(driver.lock);
  driver.sticky = kSuccess;
  return kSuccess;
}

// A thread's stack of contexts.
static thread_local std::vector<CUcontext> contexts;

ET_CU cuCtxCreate_v2(CUcontext *context, unsigned, CUdevice device) {
  ET_ENTER
  if (device != 0)
    return kInvalidDevice;
  *context = &driver.context;
  contexts.push_back(*context);
  return kSuccess;
}
ET_CU cuCtxDestroy_v2(CUcontext context) {
  ET_ENTER
  if (context != &driver.context)
    return kInvalidContext;
  if (!contexts.empty())
    contexts.pop_back();
  return kSuccess;
}
ET_CU cuCtxSetCurrent(CUcontext context) {
  ET_ENTER
  if (context && context != &driver.context)
    return kInvalidContext;
  if (!contexts.empty())
    contexts.pop_back();
  if (context)
    contexts.push_back(context);
  return kSuccess;
}
ET_CU cuCtxGetCurrent(CUcontext *context) {
  ET_ENTER
  *context = contexts.empty() ? nullptr : contexts.back();
  return kSuccess;
}
ET_CU cuCtxPushCurrent_v2(CUcontext context) {
  ET_ENTER
  if (context != &driver.context)
    return kInvalidContext;
  contexts.push_back(context);
  return kSuccess;
}
ET_CU cuCtxPopCurrent_v2(CUcontext *context) {
  ET_ENTER
  if (contexts.empty())
    return kInvalidContext;
  if (context)
    *context = contexts.back();
  contexts.pop_back();
  return kSuccess;
}
ET_CU cuCtxGetDevice(CUdevice *device) {
  ET_ENTER
  if (contexts.empty())
    return kInvalidContext;
  *device = 0;
  return kSuccess;
}
ET_CU cuCtxSynchronize() {
  ET_ENTER
  ET_UNSAFE
  return kSuccess;
}
ET_CU cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  ET_ENTER
  *least = 0;
  *greatest = -5;
  return kSuccess;
}
ET_CU cuCtxSetLimit(int, size_t) { return kSuccess; }
ET_CU cuCtxGetLimit(size_t *value, int) {
  *value = 1024;
  return kSuccess;
}
ET_CU cuCtxGetApiVersion(CUcontext, unsigned *version) {
  *version = 13000;
  return kSuccess;
}

namespace {
struct ErrorText {
  CUresult code;
  const char *name, *text;
};
} // namespace
static const ErrorText errors[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidImage, "CUDA_ERROR_INVALID_IMAGE",
     "device kernel image is invalid"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {kInvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {kOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {kLaunchTimeout, "CUDA_ERROR_LAUNCH_TIMEOUT",
     "the launch timed out and was terminated"},
    {kAssert, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {kMisaligned, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {kNotSupported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {kStreamCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {kCaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {kCaptureUnmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "stream capture ended on another stream than it began"},
    {kCaptureImplicit, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing stream"},
};

ET_CU cuGetErrorName(CUresult code, const char **text) {
  *text = nullptr;
  for (const ErrorText &e : errors)
    if (e.code == code)
      *text = e.name;
  return *text ? kSuccess : kInvalidValue;
}
ET_CU cuGetErrorString(CUresult code, const char **text) {
  *text = nullptr;
  for (const ErrorText &e : errors)
    if (e.code == code)
      *text = e.text;
  return *text ? kSuccess : kInvalidValue;
}

/// Finds an entry point by its plain name: the newest version that is here.
static void *findSymbol(const char *symbol) {
  Dl_info self;
  if (!dladdr(reinterpret_cast<void *>(&cuInit), &self))
    return nullptr;
  void *library = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (!library)
    return nullptr;
  void *found = dlsym(library, (std::string(symbol) + "_v2").c_str());
  if (!found)
    found = dlsym(library, symbol);
  dlclose(library);
  return found;
}
ET_CU cuGetProcAddress_v2(const char *symbol, void **function, int, uint64_t,
                          int *status) {
  *function = findSymbol(symbol);
  if (status)
    *status = *function ? 0 : 1;
  return *function ? kSuccess : kNotFound;
}
ET_CU cuGetProcAddress(const char *symbol, void **function, int, uint64_t) {
  *function = findSymbol(symbol);
  return *function ? kSuccess : kNotFound;
}
