//===- Launch.cpp - Modules, functions, launches --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include "et/Emulator/Stats.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace et::emu;

/// What runs on the device: PTX for it or for an older one; a target with the
/// suffix 'a' only on that very chip, with 'f' on those of its family.
static bool targetFits(const Driver &driver, const std::string &target,
                       std::string &error) {
  char *end = nullptr;
  unsigned long number = std::strtoul(target.c_str() + 3, &end, 10);
  bool fits = number <= driver.capability;
  if (*end == 'f')
    fits &= number / 10 == driver.capability / 10;
  else if (*end)
    fits = number == driver.capability && *end == driver.suffix;
  if (fits)
    return true;
  error = "PTX for " + target + " does not run on sm_" +
          std::to_string(driver.capability) +
          (driver.suffix ? std::string(1, driver.suffix) : "") +
          "; ET_EMU_CHIP chooses the emulated chip";
  return false;
}

/// The word after `.target`, read before the module is parsed.
static std::string findTarget(const std::string &ptx) {
  size_t at = ptx.find("\n.target");
  if (at == std::string::npos)
    return "";
  at = ptx.find("sm_", at);
  return at == std::string::npos
             ? ""
             : ptx.substr(at, ptx.find_first_not_of(
                                  "abcdefghijklmnopqrstuvwxyz_0123456789", at) -
                                  at);
}

ET_CU cuModuleLoadData(CUmodule *module, const void *image) {
  ET_ENTER
  std::string ptx, error;
  auto fits = [&](const std::string &text) {
    std::string target = findTarget(text), why;
    return target.empty() || targetFits(driver, target, why);
  };
  if (!extractPtx(image, fits, ptx, error)) {
    driver.say(error);
    return kNoBinaryForGpu;
  }
  std::string target = findTarget(ptx);
  if (!target.empty() && !targetFits(driver, target, error)) {
    driver.say(error);
    return kNoBinaryForGpu;
  }
  Diagnostic diag;
  Module *loaded = driver.device->loadModule(ptx, "module", diag);
  if (!loaded) {
    driver.say("module:" + std::to_string(diag.line) + ":" +
               std::to_string(diag.column) + ": error: " + diag.message);
    return kInvalidPtx;
  }
  auto object = std::make_unique<ModuleObject>();
  object->module = loaded;
  *module = object.release();
  driver.modules.insert(*module);
  return kSuccess;
}
ET_CU cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned, int *,
                         void **) {
  return cuModuleLoadData(module, image);
}
ET_CU cuModuleLoadFatBinary(CUmodule *module, const void *image) {
  return cuModuleLoadData(module, image);
}
ET_CU cuModuleLoad(CUmodule *module, const char *path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return kNotFound;
  std::string image((std::istreambuf_iterator<char>(in)),
                    std::istreambuf_iterator<char>());
  return cuModuleLoadData(module, image.c_str());
}
ET_CU cuModuleUnload(CUmodule module) {
  ET_ENTER
  if (!driver.modules.erase(module))
    return kInvalidHandle;
  driver.device->unloadModule(module->module);
  delete module;
  return kSuccess;
}
ET_CU cuModuleGetFunction(CUfunction *function, CUmodule module,
                          const char *name) {
  ET_ENTER
  if (!driver.modules.count(module))
    return kInvalidHandle;
  auto &slot = module->functions[name];
  if (!slot) {
    Diagnostic diag;
    Kernel *kernel = driver.device->getKernel(module->module, name, diag);
    if (!kernel) {
      module->functions.erase(name);
      if (!diag.line)
        return kNotFound;
      driver.say("kernel '" + std::string(name) + "', line " +
                 std::to_string(diag.line) + ":" + std::to_string(diag.column) +
                 ": error: " + diag.message);
      return kInvalidPtx;
    }
    slot = std::make_unique<FunctionObject>();
    slot->kernel = kernel;
    slot->module = module;
    slot->name = name;
  }
  *function = slot.get();
  return kSuccess;
}
ET_CU cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule module,
                           const char *name) {
  ET_ENTER
  uint64_t at, size;
  if (!driver.modules.count(module))
    return kInvalidHandle;
  if (!driver.device->getGlobal(module->module, name, at, size))
    return kNotFound;
  if (address)
    *address = at;
  if (bytes)
    *bytes = size;
  return kSuccess;
}

ET_CU cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  ET_ENTER
  const KernelInfo &info = driver.device->info(function->kernel);
  switch (attribute) {
  case 0: // MAX_THREADS_PER_BLOCK
    *value = static_cast<int>(info.maxThreads);
    break;
  case 1: // SHARED_SIZE_BYTES
    *value = static_cast<int>(info.sharedBytes);
    break;
  case 2: // CONST_SIZE_BYTES
    *value = 0;
    break;
  case 3: // LOCAL_SIZE_BYTES
    *value = static_cast<int>(info.localBytes);
    break;
  case 4: // NUM_REGS; what ptxas would choose is not known.
    *value = 0;
    break;
  case 5: // PTX_VERSION
  case 6: // BINARY_VERSION
    *value = static_cast<int>(driver.capability);
    break;
  case 8: // MAX_DYNAMIC_SHARED_SIZE_BYTES
    *value = function->maxDynamicShared;
    break;
  default:
    *value = 0;
    break;
  }
  return kSuccess;
}
ET_CU cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  ET_ENTER
  if (attribute != 8)
    return kSuccess;
  int most = 0;
  cuDeviceGetAttribute(&most, 97, 0);
  const KernelInfo &info = driver.device->info(function->kernel);
  if (value < 0 || value + static_cast<int>(info.sharedBytes) > most)
    return kInvalidValue;
  function->maxDynamicShared = value;
  return kSuccess;
}
ET_CU cuFuncSetCacheConfig(CUfunction, int) { return kSuccess; }
ET_CU cuFuncGetName(const char **name, CUfunction function) {
  *name = function->name.c_str();
  return kSuccess;
}
ET_CU cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                  CUfunction function,
                                                  int threads, size_t shared) {
  ET_ENTER
  if (threads <= 0)
    return kInvalidValue;
  int most = 0, lanes = 0;
  cuDeviceGetAttribute(&most, 81, 0);
  cuDeviceGetAttribute(&lanes, 39, 0);
  size_t need =
      shared + driver.device->info(function->kernel).sharedBytes + 1024;
  int byThreads = lanes / ((threads + 31) / 32 * 32);
  int byShared = static_cast<int>(static_cast<size_t>(most) / need);
  *blocks = std::min({byThreads, byShared, 32});
  return kSuccess;
}

static CUresult codeOf(const std::string &kind) {
  return kind == "memory"   ? kIllegalAddress
         : kind == "align"  ? kMisaligned
         : kind == "assert" ? kAssert
         : kind == "hang"   ? kLaunchTimeout
         : kind == "launch" ? kInvalidValue
                            : kLaunchFailed;
}

static CUresult enqueue(CUfunction function, Dim3 grid, Dim3 block,
                        unsigned shared, CUstream stream, void **params,
                        void **extra) {
  ET_ENTER
  if (!function)
    return kInvalidHandle;
  const KernelInfo &info = driver.device->info(function->kernel);
  if (shared > static_cast<unsigned>(function->maxDynamicShared)) {
    driver.say("kernel '" + info.name + "': " + std::to_string(shared) +
               " bytes of dynamic shared memory; set attribute "
               "MAX_DYNAMIC_SHARED_SIZE_BYTES of the function for more than " +
               std::to_string(function->maxDynamicShared));
    return kInvalidValue;
  }
  std::vector<uint8_t> bytes(info.paramBytes);
  if (params) {
    for (size_t k = 0; k < info.params.size(); ++k)
      std::memcpy(bytes.data() + info.params[k].offset, params[k],
                  info.params[k].size);
  } else if (extra) {
    const void *buffer = nullptr;
    size_t size = 0;
    for (void **at = extra; *at; at += 2) {
      if (*at == reinterpret_cast<void *>(1))
        buffer = at[1];
      else if (*at == reinterpret_cast<void *>(2))
        size = *static_cast<size_t *>(at[1]);
    }
    if (!buffer || size < bytes.size())
      return kInvalidValue;
    std::memcpy(bytes.data(), buffer, bytes.size());
  } else if (!info.params.empty()) {
    return kInvalidValue;
  }
  return driver.submit(stream, [=, bytes = std::move(bytes)] {
    Driver &driver = Driver::get();
    LaunchResult result = driver.device->launch(
        function->kernel, grid, block, shared, bytes.data(), bytes.size());
    if (!driver.statsFile.empty()) {
      driver.stats.push_back(
          countersToJson(function->name, result, {}, driver.timing));
      addResult(driver.total, result);
    }
    if (result.ok)
      return kSuccess;
    driver.say("fault: " + result.fault);
    CUresult code = codeOf(result.faultKind);
    if (result.faultKind != "launch")
      driver.sticky = code;
    return code;
  });
}

ET_CU cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                     unsigned bx, unsigned by, unsigned bz, unsigned shared,
                     CUstream stream, void **params, void **extra) {
  return enqueue(function, {gx, gy, gz}, {bx, by, bz}, shared, stream, params,
                 extra);
}
ET_CU cuLaunchCooperativeKernel(CUfunction function, unsigned gx, unsigned gy,
                                unsigned gz, unsigned bx, unsigned by,
                                unsigned bz, unsigned shared, CUstream stream,
                                void **params) {
  return enqueue(function, {gx, gy, gz}, {bx, by, bz}, shared, stream, params,
                 nullptr);
}

namespace {
struct LaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } dim;
  } value;
};
struct LaunchConfig {
  unsigned gx, gy, gz, bx, by, bz, shared;
  CUstream stream;
  LaunchAttribute *attributes;
  unsigned count;
};
} // namespace

ET_CU cuLaunchKernelEx(const LaunchConfig *config, CUfunction function,
                       void **params, void **extra) {
  for (unsigned k = 0; k < config->count; ++k) {
    const LaunchAttribute &a = config->attributes[k];
    // 4: the cluster's dimensions. Others change when work runs, not what.
    if (a.id == 4 && a.value.dim.x * a.value.dim.y * a.value.dim.z != 1) {
      Driver::get().say("clusters of more than one block are not supported");
      return kNotSupported;
    }
  }
  return enqueue(function, {config->gx, config->gy, config->gz},
                 {config->bx, config->by, config->bz}, config->shared,
                 config->stream, params, extra);
}
ET_CU cuLaunchHostFunc(CUstream stream, void (*function)(void *), void *data) {
  ET_ENTER
  return driver.submit(stream, [=] {
    function(data);
    return kSuccess;
  });
}
