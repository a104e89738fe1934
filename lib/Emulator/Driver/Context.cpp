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
#include <new>

Driver &Driver::get() {
  // It is never destroyed: destructors that run after its end still call it.
  alignas(Driver) static unsigned char place[sizeof(Driver)];
  static Driver *driver = [] {
    auto *made = new (place) Driver;
    std::atexit([] { get().end(); });
    return made;
  }();
  return *driver;
}

void Driver::end() {
  // A thread that runs a kernel now has the lock, and will not give it back.
  std::unique_lock<std::recursive_mutex> hold(lock, std::try_to_lock);
  ended = true;
  if (!hold)
    return;
  writeStats();
  device.reset();
}

void Driver::writeStats() {
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
  if (ended)
    return kDeinitialized;
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
    std::string number = chip;
    char last = number.empty() ? 0 : number.back();
    bool hasSuffix = last == 'a' || last == 'f';
    if (hasSuffix)
      number.pop_back();
    uint64_t value = 0;
    if (number.compare(0, 3, "sm_") != 0 ||
        !et::emu::parseCount(number.substr(3), 70, 129, value, error)) {
      say(std::string("ET_EMU_CHIP: '") + chip +
          "' is no chip from sm_70 to sm_129, such as sm_90a");
      return kInvalidValue;
    }
    capability = static_cast<unsigned>(value);
    suffix = hasSuffix ? last : 0;
  }
  if (const char *text = std::getenv("ET_EMU_PROCESSORS")) {
    uint64_t number = 0;
    if (!et::emu::parseCount(text, 1, 1024, number, error)) {
      say("ET_EMU_PROCESSORS: " + error);
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
/// Of how to wait, of host memory, of memory that stays, of dumps.
static constexpr unsigned kContextFlags = 0xff;
ET_CU cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  ET_ENTER
  if (device != 0)
    return kInvalidDevice;
  return flags & ~kContextFlags ? kInvalidValue : kSuccess;
}
ET_CU cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags, int *active) {
  ET_ENTER
  *flags = 0;
  *active = driver.context.references > 0;
  return kSuccess;
}
ET_CU cuDevicePrimaryCtxReset_v2(CUdevice) {
  Driver &driver = Driver::get();
  std::lock_guard<std::recursive_mutex> hold(driver.lock);
  if (driver.ended)
    return kDeinitialized;
  driver.sticky = kSuccess;
  return kSuccess;
}

/// How often a thread's stack has the one context. A number, which is still
/// there when the thread's own objects are destroyed.
static thread_local unsigned contexts = 0;

ET_CU cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device) {
  ET_ENTER
  if (device != 0)
    return kInvalidDevice;
  if (!context || flags & ~kContextFlags)
    return kInvalidValue;
  *context = &driver.context;
  ++contexts;
  return kSuccess;
}
ET_CU cuCtxDestroy_v2(CUcontext context) {
  ET_ENTER
  if (context != &driver.context)
    return kInvalidContext;
  if (contexts)
    --contexts;
  return kSuccess;
}
ET_CU cuCtxSetCurrent(CUcontext context) {
  ET_ENTER
  if (context && context != &driver.context)
    return kInvalidContext;
  if (contexts)
    --contexts;
  if (context)
    ++contexts;
  return kSuccess;
}
ET_CU cuCtxGetCurrent(CUcontext *context) {
  ET_ENTER
  *context = contexts ? &driver.context : nullptr;
  return kSuccess;
}
ET_CU cuCtxPushCurrent_v2(CUcontext context) {
  ET_ENTER
  if (context != &driver.context)
    return kInvalidContext;
  ++contexts;
  return kSuccess;
}
ET_CU cuCtxPopCurrent_v2(CUcontext *context) {
  ET_ENTER
  if (!contexts)
    return kInvalidContext;
  if (context)
    *context = &driver.context;
  --contexts;
  return kSuccess;
}
ET_CU cuCtxGetDevice(CUdevice *device) {
  ET_ENTER
  if (!contexts)
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
ET_CU cuCtxGetApiVersion(CUcontext, unsigned *version) {
  ET_ENTER
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
    {kDeinitialized, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidImage, "CUDA_ERROR_INVALID_IMAGE",
     "device kernel image is invalid"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {kUnsupportedLimit, "CUDA_ERROR_UNSUPPORTED_LIMIT",
     "limit is not supported on this architecture"},
    {kInvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {kFileNotFound, "CUDA_ERROR_FILE_NOT_FOUND", "file not found"},
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
    {kAlreadyRegistered, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
     "part or all of the requested memory range is already mapped"},
    {kNotRegistered, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED",
     "pointer does not correspond to a registered memory region"},
    {kMisaligned, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {kCooperativeTooLarge, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE",
     "too many blocks in cooperative launch"},
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
