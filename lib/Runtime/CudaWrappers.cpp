//===- CudaWrappers.cpp - the GPU functions of compiled code --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions that MLIR's gpu-to-llvm and the translation of gpu.binary call,
// and two of our own, et_cuda_..., for kernels that are made for one chip.
// They return no error, so one ends the call that runs them; where there is
// none to end (a static destructor, a foreign runner) it is written to stderr.
//
// A module is only loaded when a kernel of it is first looked up: libraries
// register theirs from a global constructor, where there is nobody to tell
// that the machine has no GPU.
//
//===----------------------------------------------------------------------===//

#include "CudaDriver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace et::runtime;

namespace {
struct Kernel {
  Kernel *next;
  CuHandle function;
  int32_t device;
  int32_t sharedLimit; ///< Dynamic shared memory that it may use by now.
  char name[];
};

struct Module {
  pthread_mutex_t lock;
  const void *data;
  int optLevel; ///< For PTX, which the driver compiles; -1 for a binary.
  CuHandle loaded[maxDevices];
  Kernel *kernels;
};
} // namespace

// CUDA's numbers.
static constexpr CuResult noBinaryForDevice = 209;
static constexpr int jitErrorLog = 5, jitErrorLogSize = 6, jitOptLevel = 7;
static constexpr int attributeMajor = 75, attributeMinor = 76;
static constexpr int attributeProcessors = 16;
static constexpr int functionMaxDynamicShared = 8;
static constexpr int launchClusterDimension = 4;
// A stream that waits for what the default stream did before, where a caller's
// device tensors may come from.
static constexpr unsigned streamDefault = 0, eventNoTiming = 2;
static constexpr unsigned attachGlobal = 1;
static constexpr int32_t sharedWithoutAsking = 48 << 10;

static void fail(const et_status &status) {
  if (canUnwind())
    raise(static_cast<et_code>(status.code), "%s", status.message);
  noteParallelFailure();
  fprintf(stderr, "et-runtime: %s\n", status.message);
}

/// Runs `body(driver, status)`, which returns a code, in the device's context.
template <typename Body>
static void onDevice(Body body) {
  et_status status;
  const CudaDriver *driver = enterContext(&status);
  int code = ET_OK;
  if (driver) {
    code = body(*driver, &status);
    leaveContext(*driver);
  }
  if (!driver || code)
    fail(status);
}

/// Whether the caller gave the stream that all work of the call goes on.
static bool isOnCallersStream() { return currentCall && currentCall->onStream; }
/// Null in compiled code stands for work that has no stream of its own.
static CuHandle streamFor(void *stream) {
  return isOnCallersStream() ? currentCall->stream : stream;
}

/// A grid that the driver's 32-bit sizes cannot say would be cut short.
static int checkGrid(const Kernel &kernel, intptr_t x, intptr_t y, intptr_t z,
                     et_status *status) {
  if (x >= 0 && x <= INT32_MAX && y >= 0 && y <= UINT16_MAX && z >= 0 &&
      z <= UINT16_MAX)
    return ET_OK;
  return setStatus(
      status, ET_CHECK_FAILED,
      "%s needs a grid of %lld x %lld x %lld blocks, and a launch "
      "has at most 2147483647 x 65535 x 65535; use smaller tensors",
      kernel.name, static_cast<long long>(x), static_cast<long long>(y),
      static_cast<long long>(z));
}

static int loadModule(const CudaDriver &driver, Module &module,
                      CuHandle *loaded, et_status *status) {
  char log[256] = "";
  int options[] = {jitErrorLog, jitErrorLogSize, jitOptLevel};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log)),
                    reinterpret_cast<void *>(intptr_t(module.optLevel))};
  if (!driver.cuModuleLoadDataEx)
    return ET_CUDA(driver, status, nullptr, cuModuleLoadDataEx, loaded, nullptr,
                   0U, nullptr, nullptr);
  CuResult result = driver.cuModuleLoadDataEx(
      loaded, module.data, module.optLevel < 0 ? 2 : 3, options, values);
  if (!result)
    return ET_OK;
  *loaded = nullptr;
  log[sizeof(log) - 1] = 0;
  char detail[320];
  snprintf(detail, sizeof(detail), "%s", log[0] ? log : "no log");
  CuDevice device = 0;
  int major = 0, minor = 0;
  if (result == noBinaryForDevice && driver.cuDeviceGet &&
      driver.cuDeviceGetAttribute &&
      !driver.cuDeviceGet(&device, currentDevice) &&
      !driver.cuDeviceGetAttribute(&major, attributeMajor, device) &&
      !driver.cuDeviceGetAttribute(&minor, attributeMinor, device))
    snprintf(detail, sizeof(detail),
             "the device is an sm_%d%d; compile for it with --chip", major,
             minor);
  return cudaError(driver, "cuModuleLoadDataEx", result, detail, status);
}

static Kernel *findKernel(Module &module, const char *name) {
  for (Kernel *kernel = module.kernels; kernel; kernel = kernel->next)
    if (kernel->device == currentDevice && !strcmp(kernel->name, name))
      return kernel;
  return nullptr;
}

static int addKernelLocked(const CudaDriver &driver, Module &module,
                           const char *name, et_status *status) {
  CuHandle &loaded = module.loaded[currentDevice];
  if (!loaded)
    if (int code = loadModule(driver, module, &loaded, status))
      return code;
  CuHandle function = nullptr;
  if (int code = ET_CUDA(driver, status, name, cuModuleGetFunction, &function,
                         loaded, name))
    return code;
  auto *kernel =
      static_cast<Kernel *>(malloc(sizeof(Kernel) + strlen(name) + 1));
  if (!kernel)
    return setStatus(status, ET_OUT_OF_MEMORY, "out of memory");
  kernel->next = module.kernels;
  kernel->function = function;
  kernel->device = currentDevice;
  kernel->sharedLimit = sharedWithoutAsking;
  strcpy(kernel->name, name);
  module.kernels = kernel;
  return ET_OK;
}

static Module *makeModule(const void *data, int optLevel) {
  auto *module = static_cast<Module *>(calloc(1, sizeof(Module)));
  if (!module)
    return nullptr;
  pthread_mutex_init(&module->lock, nullptr);
  module->data = data;
  module->optLevel = optLevel;
  return module;
}

/// Shared memory over 48 KiB must be asked for, once a kernel.
static int allowShared(const CudaDriver &driver, Kernel &kernel, int32_t bytes,
                       et_status *status) {
  if (bytes <= kernel.sharedLimit)
    return ET_OK;
  int code = ET_CUDA(driver, status, kernel.name, cuFuncSetAttribute,
                     kernel.function, functionMaxDynamicShared, int(bytes));
  if (!code)
    kernel.sharedLimit = bytes;
  return code;
}

extern "C" {

void *mgpuModuleLoad(void *data, size_t /*size*/) {
  return makeModule(data, -1);
}

void *mgpuModuleLoadJIT(void *data, int optLevel) {
  return makeModule(data, optLevel);
}

void mgpuModuleUnload(void *handle) {
  auto *module = static_cast<Module *>(handle);
  if (!module)
    return;
  for (int32_t device = 0; device < maxDevices; ++device)
    if (module->loaded[device])
      unloadModule(device, module->loaded[device]);
  while (Kernel *kernel = module->kernels) {
    module->kernels = kernel->next;
    free(kernel);
  }
  pthread_mutex_destroy(&module->lock);
  free(module);
}

void *mgpuModuleGetFunction(void *handle, const char *name) {
  auto *module = static_cast<Module *>(handle);
  Kernel *kernel = nullptr;
  onDevice([&](const CudaDriver &driver, et_status *status) -> int {
    if (!module)
      return setStatus(status, ET_OUT_OF_MEMORY, "out of memory");
    pthread_mutex_lock(&module->lock);
    int code = findKernel(*module, name)
                   ? ET_OK
                   : addKernelLocked(driver, *module, name, status);
    kernel = findKernel(*module, name);
    pthread_mutex_unlock(&module->lock);
    return code;
  });
  return kernel;
}

void mgpuLaunchKernel(void *handle, intptr_t gridX, intptr_t gridY,
                      intptr_t gridZ, intptr_t blockX, intptr_t blockY,
                      intptr_t blockZ, int32_t shared, void *stream,
                      void **params, void **extra, size_t /*numParams*/) {
  auto *kernel = static_cast<Kernel *>(handle);
  // An empty grid is an ordinary outcome of an empty tensor.
  if (!kernel || !gridX || !gridY || !gridZ)
    return;
  onDevice([&](const CudaDriver &driver, et_status *status) -> int {
    if (int code = checkGrid(*kernel, gridX, gridY, gridZ, status))
      return code;
    if (int code = allowShared(driver, *kernel, shared, status))
      return code;
    return ET_CUDA(driver, status, kernel->name, cuLaunchKernel,
                   kernel->function, unsigned(gridX), unsigned(gridY),
                   unsigned(gridZ), unsigned(blockX), unsigned(blockY),
                   unsigned(blockZ), unsigned(shared), streamFor(stream),
                   params, extra);
  });
}

void mgpuLaunchClusterKernel(void *handle, intptr_t clusterX, intptr_t clusterY,
                             intptr_t clusterZ, intptr_t gridX, intptr_t gridY,
                             intptr_t gridZ, intptr_t blockX, intptr_t blockY,
                             intptr_t blockZ, int32_t shared, void *stream,
                             void **params, void **extra) {
  auto *kernel = static_cast<Kernel *>(handle);
  if (!kernel || !gridX || !gridY || !gridZ)
    return;
  CuLaunchAttribute cluster = {};
  cluster.id = launchClusterDimension;
  cluster.value.cluster = {unsigned(clusterX), unsigned(clusterY),
                           unsigned(clusterZ)};
  CuLaunchConfig config = {unsigned(gridX),  unsigned(gridY),
                           unsigned(gridZ),  unsigned(blockX),
                           unsigned(blockY), unsigned(blockZ),
                           unsigned(shared), streamFor(stream),
                           &cluster,         1};
  onDevice([&](const CudaDriver &driver, et_status *status) -> int {
    if (int code = checkGrid(*kernel, gridX, gridY, gridZ, status))
      return code;
    if (int code = allowShared(driver, *kernel, shared, status))
      return code;
    return ET_CUDA(driver, status, kernel->name, cuLaunchKernelEx, &config,
                   kernel->function, params, extra);
  });
}

void *mgpuStreamCreate() {
  if (isOnCallersStream())
    return currentCall->stream;
  CuHandle stream = nullptr;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuStreamCreate, &stream,
                   streamDefault);
  });
  if (stream)
    trackResource(DeviceResource::Stream, stream, 0);
  return stream;
}

void mgpuStreamDestroy(void *stream) {
  if (isOnCallersStream())
    return;
  untrackResource(DeviceResource::Stream, stream);
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuStreamDestroy_v2, stream);
  });
}

void mgpuStreamSynchronize(void *stream) {
  // Nothing that compiled code does on the host depends on the device's data.
  if (isOnCallersStream())
    return;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuStreamSynchronize, stream);
  });
}

void mgpuStreamWaitEvent(void *stream, void *event) {
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuStreamWaitEvent,
                   streamFor(stream), event, 0U);
  });
}

void *mgpuEventCreate() {
  CuHandle event = nullptr;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuEventCreate, &event,
                   eventNoTiming);
  });
  if (event)
    trackResource(DeviceResource::Event, event, 0);
  return event;
}

void mgpuEventDestroy(void *event) {
  untrackResource(DeviceResource::Event, event);
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuEventDestroy_v2, event);
  });
}

void mgpuEventSynchronize(void *event) {
  if (isOnCallersStream())
    return;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuEventSynchronize, event);
  });
}

void mgpuEventRecord(void *event, void *stream) {
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuEventRecord, event,
                   streamFor(stream));
  });
}

void *mgpuMemAlloc(uint64_t bytes, void *stream, bool isHostShared) {
  CuPointer pointer = 0;
  bool isPooled = false;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    // The driver refuses an allocation of nothing.
    size_t size = bytes ? bytes : 1;
    if (isHostShared)
      return ET_CUDA(driver, status, nullptr, cuMemAllocManaged, &pointer, size,
                     attachGlobal);
    isPooled = hasMemoryPools(driver);
    return isPooled ? ET_CUDA(driver, status, nullptr, cuMemAllocAsync,
                              &pointer, size, streamFor(stream))
                    : ET_CUDA(driver, status, nullptr, cuMemAlloc_v2, &pointer,
                              size);
  });
  void *data = reinterpret_cast<void *>(pointer);
  if (data)
    trackResource(DeviceResource::Memory, data, bytes, isPooled);
  return data;
}

void mgpuMemFree(void *data, void *stream) {
  if (!data)
    return;
  bool isPooled = untrackResource(DeviceResource::Memory, data);
  onDevice([&](const CudaDriver &driver, et_status *status) {
    auto pointer = reinterpret_cast<CuPointer>(data);
    return isPooled ? ET_CUDA(driver, status, nullptr, cuMemFreeAsync, pointer,
                              streamFor(stream))
                    : ET_CUDA(driver, status, nullptr, cuMemFree_v2, pointer);
  });
}

void mgpuMemcpy(void *destination, void *source, size_t bytes, void *stream) {
  if (bytes == 0)
    return;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuMemcpyAsync,
                   reinterpret_cast<CuPointer>(destination),
                   reinterpret_cast<CuPointer>(source), bytes,
                   streamFor(stream));
  });
}

void mgpuMemset32(void *data, unsigned value, size_t count, void *stream) {
  if (count == 0)
    return;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuMemsetD32Async,
                   reinterpret_cast<CuPointer>(data), value, count,
                   streamFor(stream));
  });
}

void mgpuMemset16(void *data, unsigned short value, size_t count,
                  void *stream) {
  if (count == 0)
    return;
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, nullptr, cuMemsetD16Async,
                   reinterpret_cast<CuPointer>(data), value, count,
                   streamFor(stream));
  });
}

/// The multiprocessors of the current device if its architecture, 90 for 9.0,
/// lies in [first, end); else 0.
int64_t et_cuda_processors(int64_t first, int64_t end) {
  // Asked for each call of a layer and each of its tensor maps; by device, the
  // architecture and the multiprocessors, 0 until they are known.
  constexpr int architectureBits = 32;
  static int64_t known[maxDevices];
  int64_t *answer = &known[currentDevice];
  int64_t found = __atomic_load_n(answer, __ATOMIC_RELAXED);
  if (!found) {
    onDevice([&](const CudaDriver &driver, et_status *status) -> int {
      CuDevice device = 0;
      int major = 0, minor = 0, processors = 0;
      if (int code = ET_CUDA(driver, status, nullptr, cuDeviceGet, &device,
                             currentDevice))
        return code;
      auto get = [&](int *value, int attribute) {
        return ET_CUDA(driver, status, nullptr, cuDeviceGetAttribute, value,
                       attribute, device);
      };
      if (int code = get(&major, attributeMajor))
        return code;
      if (int code = get(&minor, attributeMinor))
        return code;
      if (int code = get(&processors, attributeProcessors))
        return code;
      found = int64_t(10 * major + minor) << architectureBits | processors;
      __atomic_store_n(answer, found, __ATOMIC_RELAXED);
      return ET_OK;
    });
  }
  int64_t architecture = found >> architectureBits;
  return first <= architecture && architecture < end
             ? found & ((int64_t(1) << architectureBits) - 1)
             : 0;
}

/// Writes the 128 bytes of a tensor map of row-major matrices,
/// [count][rows][columns], which copies boxes of 8 KB, 64 columns wide. Of
/// elements of two bytes a box has 64 rows, swizzled by 128 bytes, of elements
/// of one byte 128 rows, swizzled by 64; beyond the matrix they are zero. `map`
/// is aligned to 64 bytes. They are zero where the device is older than 9.0,
/// which has the first such copies, or there is no such element.
void et_cuda_tensor_map(void *map, int64_t address, int64_t count, int64_t rows,
                        int64_t columns, int64_t bytes) {
  constexpr int64_t firstWithMaps = 90;
  memset(map, 0, 128);
  if (count == 0 || rows == 0 || columns == 0 ||
      !et_cuda_processors(firstWithMaps, INT64_MAX))
    return;
  constexpr int uint8Type = 0, uint16Type = 1, noInterleave = 0;
  constexpr int swizzle64 = 2, swizzle128 = 3;
  constexpr int promoteTo256 = 3, fillZero = 0;
  bool isByte = bytes == 1;
  const uint64_t sizes[] = {uint64_t(columns), uint64_t(rows), uint64_t(count)};
  const uint64_t row = sizes[0] * uint64_t(bytes);
  const uint64_t strides[] = {row, row * sizes[1]};
  const unsigned box[] = {64, isByte ? 128U : 64U, 1}, steps[] = {1, 1, 1};
  onDevice([&](const CudaDriver &driver, et_status *status) {
    return ET_CUDA(driver, status, "weights of a grouped product",
                   cuTensorMapEncodeTiled, map, isByte ? uint8Type : uint16Type,
                   3U, CuPointer(address), sizes, strides, box, steps,
                   noInterleave, isByte ? swizzle64 : swizzle128, promoteTo256,
                   fillZero);
  });
}

void mgpuSetDefaultDevice(int32_t device) {
  et_status status;
  if (chooseDevice(device, &status))
    fail(status);
}
}
