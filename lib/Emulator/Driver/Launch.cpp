//===- Launch.cpp - Modules, functions, launches --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include "et/Emulator/Stats.h"

#include <algorithm>
#include <cstdio>
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

/// An image of at most `size` bytes.
static CUresult loadImage(CUmodule *module, const void *image, size_t size) {
  ET_ENTER
  if (!module)
    return kInvalidValue;
  std::string ptx, error;
  auto fits = [&](const std::string &text) {
    std::string target = findTarget(text), why;
    return target.empty() || targetFits(driver, target, why);
  };
  if (!extractPtx(image, size, fits, ptx, error)) {
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
// A program that hands over its image says nothing of its size.
ET_CU cuModuleLoadData(CUmodule *module, const void *image) {
  return loadImage(module, image, SIZE_MAX);
}
ET_CU cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                         int *options, void **) {
  // Whatever they say of the compiler that a GPU's driver runs means nothing.
  constexpr int known = 35;
  for (unsigned k = 0; k < count; ++k)
    if (!options || options[k] < 0 || options[k] >= known)
      return kInvalidValue;
  return loadImage(module, image, SIZE_MAX);
}
ET_CU cuModuleLoadFatBinary(CUmodule *module, const void *image) {
  return loadImage(module, image, SIZE_MAX);
}
ET_CU cuModuleLoad(CUmodule *module, const char *path) {
  if (!path)
    return kInvalidValue;
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return kFileNotFound;
  std::string image((std::istreambuf_iterator<char>(in)),
                    std::istreambuf_iterator<char>());
  return loadImage(module, image.c_str(), image.size());
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
    slot->maxDynamicShared = std::max(
        48 * 1024 - static_cast<int>(driver.device->info(kernel).sharedBytes),
        0);
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
                        void **extra, bool cooperative = false) {
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
  if (cooperative) {
    uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
    uint64_t threads = uint64_t(block.x) * block.y * block.z;
    uint64_t most =
        threads ? residentBlocks(driver, function, threads, shared) : 0;
    if (blocks > most) {
      driver.say("kernel '" + info.name + "': a cooperative launch of " +
                 std::to_string(blocks) + " blocks, of which " +
                 std::to_string(most) + " can be there at a time");
      return kCooperativeTooLarge;
    }
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
    LaunchResult result =
        driver.device->launch(function->kernel, grid, block, shared,
                              bytes.data(), bytes.size(), cooperative);
    if (!result.printed.empty()) {
      std::fwrite(result.printed.data(), 1, result.printed.size(), stdout);
      std::fflush(stdout);
    }
    for (const std::string &note : result.notes)
      driver.say("note: " + note);
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
                 nullptr, /*cooperative=*/true);
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
    int flag;
  } value;
};
struct LaunchConfig {
  unsigned gx, gy, gz, bx, by, bz, shared;
  CUstream stream;
  LaunchAttribute *attributes;
  unsigned count;
};
} // namespace

CUresult refuseClusters(Driver &driver) {
  driver.say("clusters of more than one block are not supported");
  return kNotSupported;
}

/// Whether an attribute may be left unheeded; `cooperative` is set by it.
static CUresult takeAttribute(Driver &driver, const LaunchAttribute &a,
                              bool &cooperative) {
  switch (a.id) {
  case 2: // COOPERATIVE
    cooperative = a.value.flag != 0;
    return kSuccess;
  case 4:  // CLUSTER_DIMENSION
  case 11: // PREFERRED_CLUSTER_DIMENSION
    if (!a.value.dim.x || !a.value.dim.y || !a.value.dim.z)
      return kInvalidValue;
    return uint64_t(a.value.dim.x) * a.value.dim.y * a.value.dim.z == 1
               ? kSuccess
               : refuseClusters(driver);
  case 0:  // IGNORE
  case 1:  // ACCESS_POLICY_WINDOW
  case 3:  // SYNCHRONIZATION_POLICY
  case 5:  // CLUSTER_SCHEDULING_POLICY_PREFERENCE
  case 6:  // PROGRAMMATIC_STREAM_SERIALIZATION
  case 8:  // PRIORITY
  case 9:  // MEM_SYNC_DOMAIN_MAP
  case 10: // MEM_SYNC_DOMAIN
  case 14: // PREFERRED_SHARED_MEMORY_CARVEOUT
  case 16: // NVLINK_UTIL_CENTRIC_SCHEDULING
    // They say when and where work runs, which is one order and one place.
    return kSuccess;
  case 7:  // PROGRAMMATIC_EVENT
  case 12: // LAUNCH_COMPLETION_EVENT
  case 13: // DEVICE_UPDATABLE_KERNEL_NODE
    driver.say("launch attribute " + std::to_string(a.id) +
               " is not supported");
    return kNotSupported;
  default:
    return kInvalidValue;
  }
}

ET_CU cuLaunchKernelEx(const LaunchConfig *config, CUfunction function,
                       void **params, void **extra) {
  ET_ENTER
  if (!config || (config->count && !config->attributes))
    return kInvalidValue;
  bool cooperative = false;
  for (unsigned k = 0; k < config->count; ++k)
    if (CUresult result =
            takeAttribute(driver, config->attributes[k], cooperative))
      return result;
  return enqueue(function, {config->gx, config->gy, config->gz},
                 {config->bx, config->by, config->bz}, config->shared,
                 config->stream, params, extra, cooperative);
}
ET_CU cuLaunchHostFunc(CUstream stream, void (*function)(void *), void *data) {
  ET_ENTER
  return driver.submit(stream, [=] {
    function(data);
    return kSuccess;
  });
}
