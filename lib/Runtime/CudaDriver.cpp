//===- CudaDriver.cpp - loading the driver, contexts, memory --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDriver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace et::runtime;

__thread int32_t et::runtime::currentDevice = 0;

static pthread_mutex_t driverLock = PTHREAD_MUTEX_INITIALIZER;
static CudaDriver driverTable;
static bool isDriverReady = false;
static bool isProcessEnding = false;
static int32_t deviceCount = 0;
static CuHandle contexts[maxDevices];
enum class Pools : uint8_t { Unknown, Missing, Present };
static Pools pools[maxDevices];

// CUDA's numbers.
static constexpr CuResult cudaOutOfMemory = 2, cudaNoDevice = 100;
static constexpr int attributeMemoryPools = 115;

// Device memory that a finished call handed out.
static DeviceResource *handedOut = nullptr;

int et::runtime::cudaError(const CudaDriver &driver, const char *function,
                           CuResult result, const char *detail,
                           et_status *status) {
  const char *name = nullptr, *text = nullptr;
  if (!driver.cuGetErrorName || driver.cuGetErrorName(result, &name) || !name)
    name = "an unknown error";
  if (!driver.cuGetErrorString || driver.cuGetErrorString(result, &text) ||
      !text)
    text = "no description";
  et_code code = result == cudaOutOfMemory ? ET_OUT_OF_MEMORY
                 : result == cudaNoDevice  ? ET_CUDA_MISSING
                                           : ET_CUDA_ERROR;
  return setStatus(status, code, "%s failed with %s (%d): %s%s%s", function,
                   name, result, text, detail ? "; " : "",
                   detail ? detail : "");
}

static void loadSymbols(void *library, CudaDriver &driver) {
#define ET_SYMBOL(name)                                                        \
  driver.name = reinterpret_cast<decltype(driver.name)>(dlsym(library, #name))
  ET_SYMBOL(cuInit);
  ET_SYMBOL(cuGetErrorName);
  ET_SYMBOL(cuGetErrorString);
  ET_SYMBOL(cuDeviceGetCount);
  ET_SYMBOL(cuDeviceGet);
  ET_SYMBOL(cuDeviceGetAttribute);
  ET_SYMBOL(cuDevicePrimaryCtxRetain);
  ET_SYMBOL(cuCtxPushCurrent_v2);
  ET_SYMBOL(cuCtxPopCurrent_v2);
  ET_SYMBOL(cuModuleLoadDataEx);
  ET_SYMBOL(cuModuleUnload);
  ET_SYMBOL(cuModuleGetFunction);
  ET_SYMBOL(cuFuncSetAttribute);
  ET_SYMBOL(cuLaunchKernel);
  ET_SYMBOL(cuLaunchKernelEx);
  ET_SYMBOL(cuStreamCreate);
  ET_SYMBOL(cuStreamDestroy_v2);
  ET_SYMBOL(cuStreamSynchronize);
  ET_SYMBOL(cuStreamWaitEvent);
  ET_SYMBOL(cuStreamIsCapturing);
  ET_SYMBOL(cuEventCreate);
  ET_SYMBOL(cuEventDestroy_v2);
  ET_SYMBOL(cuEventSynchronize);
  ET_SYMBOL(cuEventRecord);
  ET_SYMBOL(cuMemAlloc_v2);
  ET_SYMBOL(cuMemAllocManaged);
  ET_SYMBOL(cuMemFree_v2);
  ET_SYMBOL(cuMemAllocAsync);
  ET_SYMBOL(cuMemFreeAsync);
  ET_SYMBOL(cuMemcpy);
  ET_SYMBOL(cuMemcpyHtoD_v2);
  ET_SYMBOL(cuMemcpyDtoH_v2);
  ET_SYMBOL(cuMemcpyAsync);
  ET_SYMBOL(cuMemsetD32Async);
  ET_SYMBOL(cuMemsetD16Async);
  ET_SYMBOL(cuTensorMapEncodeTiled);
#undef ET_SYMBOL
}

/// Not remembered when it fails: a later call may find what was missing.
static int loadDriverLocked(et_status *status) {
  const char *path = getenv("ET_CUDA_DRIVER");
  if (!path || !*path)
    path = "libcuda.so.1";
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return setStatus(status, ET_CUDA_MISSING,
                     "no CUDA driver (%s); install NVIDIA's driver, or name a "
                     "library that stands in for it in ET_CUDA_DRIVER",
                     dlerror());
  CudaDriver driver;
  loadSymbols(library, driver);
  int count = 0;
  constexpr const char *remedy =
      "ET_CUDA_DRIVER may name a library that stands in for a GPU";
  int code = ET_CUDA(driver, status, remedy, cuInit, 0U);
  if (!code)
    code = ET_CUDA(driver, status, nullptr, cuDeviceGetCount, &count);
  if (!code && count == 0)
    code = setStatus(status, ET_CUDA_MISSING,
                     "the CUDA driver %s finds no device; %s", path, remedy);
  if (code) {
    dlclose(library);
    return code;
  }
  // The driver must not be called when a process ends. This runs before all
  // destructors of the library then, and after them when it is unloaded.
  atexit([] { isProcessEnding = true; });
  driverTable = driver;
  deviceCount = count;
  isDriverReady = true;
  return ET_OK;
}

const CudaDriver *et::runtime::getCudaDriver(et_status *status) {
  if (isProcessEnding) {
    setStatus(status, ET_CUDA_ERROR,
              "the process is ending, and has no CUDA driver any more");
    return nullptr;
  }
  pthread_mutex_lock(&driverLock);
  int code = isDriverReady ? ET_OK : loadDriverLocked(status);
  pthread_mutex_unlock(&driverLock);
  return code ? nullptr : &driverTable;
}

static int retainContext(const CudaDriver &driver, CuHandle *context,
                         et_status *status) {
  int32_t ordinal = currentDevice;
  pthread_mutex_lock(&driverLock);
  int code = ET_OK;
  if (!contexts[ordinal]) {
    CuDevice device = 0;
    code = ET_CUDA(driver, status, nullptr, cuDeviceGet, &device, ordinal);
    if (!code)
      code = ET_CUDA(driver, status, nullptr, cuDevicePrimaryCtxRetain,
                     &contexts[ordinal], device);
  }
  *context = contexts[ordinal];
  pthread_mutex_unlock(&driverLock);
  return code;
}

const CudaDriver *et::runtime::enterContext(et_status *status) {
  const CudaDriver *driver = getCudaDriver(status);
  if (!driver || (currentCall && currentCall->inContext))
    return driver;
  CuHandle context = nullptr;
  if (retainContext(*driver, &context, status) ||
      ET_CUDA(*driver, status, nullptr, cuCtxPushCurrent_v2, context))
    return nullptr;
  if (currentCall)
    currentCall->inContext = true;
  return driver;
}

static void popContext(const CudaDriver &driver) {
  CuHandle previous = nullptr;
  if (driver.cuCtxPopCurrent_v2)
    driver.cuCtxPopCurrent_v2(&previous);
}

void et::runtime::leaveContext(const CudaDriver &driver) {
  if (!currentCall)
    popContext(driver);
}

int et::runtime::chooseDevice(int32_t device, et_status *status) {
  const CudaDriver *driver = getCudaDriver(status);
  if (!driver)
    return status->code;
  int32_t count = deviceCount < maxDevices ? deviceCount : maxDevices;
  if (device < 0 || device >= count)
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "there is no CUDA device %d; the devices are 0 to %d",
                     device, count - 1);
  // The next use of the driver enters the new device's context.
  if (device != currentDevice && currentCall && currentCall->inContext) {
    popContext(*driver);
    currentCall->inContext = false;
  }
  currentDevice = device;
  return ET_OK;
}

bool et::runtime::hasMemoryPools(const CudaDriver &driver) {
  pthread_mutex_lock(&driverLock);
  Pools &known = pools[currentDevice];
  if (known == Pools::Unknown) {
    CuDevice device = 0;
    int value = 0;
    bool has =
        driver.cuMemAllocAsync && driver.cuMemFreeAsync && driver.cuDeviceGet &&
        driver.cuDeviceGetAttribute &&
        !driver.cuDeviceGet(&device, currentDevice) &&
        !driver.cuDeviceGetAttribute(&value, attributeMemoryPools, device) &&
        value;
    known = has ? Pools::Present : Pools::Missing;
  }
  bool has = known == Pools::Present;
  pthread_mutex_unlock(&driverLock);
  return has;
}

int et::runtime::checkStream(et_status *status) {
  const CudaDriver *driver = enterContext(status);
  if (!driver)
    return status->code;
  int isCapturing = 0;
  if (hasMemoryPools(*driver) || !driver->cuStreamIsCapturing)
    return ET_OK;
  if (int code = ET_CUDA(*driver, status, nullptr, cuStreamIsCapturing,
                         currentCall->stream, &isCapturing))
    return code;
  return isCapturing
             ? setStatus(status, ET_CUDA_ERROR,
                         "the call cannot be captured in a graph: the device "
                         "or its driver has no memory pools")
             : int(ET_OK);
}

/// The list that holds what this thread gets now.
static DeviceResource **currentList() {
  return currentCall ? &currentCall->resources : &handedOut;
}

static void releaseDevice(Owned *memory) {
  deviceFree(static_cast<DeviceResource *>(memory)->handle);
}

DeviceResource *et::runtime::trackResource(DeviceResource::Kind kind,
                                           void *handle, size_t size,
                                           bool isPooled) {
  auto *resource =
      static_cast<DeviceResource *>(malloc(sizeof(DeviceResource)));
  // Without a note the resource outlives an error, which is the lesser evil.
  if (!resource)
    return nullptr;
  pthread_mutex_lock(&driverLock);
  DeviceResource **list = currentList();
  *resource = {{releaseDevice}, *list, kind, isPooled, handle, size};
  *list = resource;
  pthread_mutex_unlock(&driverLock);
  if (kind == DeviceResource::Memory)
    countMemory(ET_CUDA, int64_t(size));
  return resource;
}

static DeviceResource *takeOut(DeviceResource **list, DeviceResource::Kind kind,
                               void *handle) {
  for (; *list; list = &(*list)->next) {
    DeviceResource *resource = *list;
    if (resource->kind != kind || resource->handle != handle)
      continue;
    *list = resource->next;
    return resource;
  }
  return nullptr;
}

bool et::runtime::untrackResource(DeviceResource::Kind kind, void *handle) {
  pthread_mutex_lock(&driverLock);
  DeviceResource *resource =
      currentCall ? takeOut(&currentCall->resources, kind, handle) : nullptr;
  if (!resource)
    resource = takeOut(&handedOut, kind, handle);
  pthread_mutex_unlock(&driverLock);
  if (resource && kind == DeviceResource::Memory)
    countMemory(ET_CUDA, -int64_t(resource->size));
  bool isPooled = resource && resource->isPooled;
  free(resource);
  return isPooled;
}

DeviceResource *et::runtime::findDevice(Call &call, void *data) {
  DeviceResource *r = call.resources;
  while (r && (r->kind != DeviceResource::Memory || r->handle != data))
    r = r->next;
  return r;
}

void et::runtime::detachDevice(Call &call, DeviceResource *memory) {
  pthread_mutex_lock(&driverLock);
  takeOut(&call.resources, DeviceResource::Memory, memory->handle);
  memory->next = handedOut;
  handedOut = memory;
  pthread_mutex_unlock(&driverLock);
}

int et::runtime::deviceAllocate(size_t bytes, DeviceResource *&memory,
                                et_status *status) {
  et_status ignored;
  status = status ? status : &ignored;
  const CudaDriver *driver = enterContext(status);
  if (!driver)
    return status->code;
  CuPointer pointer = 0;
  // The driver refuses an allocation of nothing.
  int code = ET_CUDA(*driver, status, nullptr, cuMemAlloc_v2, &pointer,
                     bytes ? bytes : size_t(1));
  memory = code ? nullptr
                : trackResource(DeviceResource::Memory,
                                reinterpret_cast<void *>(pointer), bytes);
  if (!code && !memory) {
    ET_CUDA(*driver, nullptr, nullptr, cuMemFree_v2, pointer);
    code = setStatus(status, ET_OUT_OF_MEMORY, "out of memory");
  }
  leaveContext(*driver);
  return code;
}

void et::runtime::deviceFree(void *data) {
  et_status ignored;
  const CudaDriver *driver = data ? enterContext(&ignored) : nullptr;
  if (!driver)
    return;
  untrackResource(DeviceResource::Memory, data);
  ET_CUDA(*driver, nullptr, nullptr, cuMemFree_v2,
          reinterpret_cast<CuPointer>(data));
  leaveContext(*driver);
}

void et::runtime::unloadModule(int32_t device, CuHandle module) {
  if (isProcessEnding || !isDriverReady || !contexts[device] ||
      ET_CUDA(driverTable, nullptr, nullptr, cuCtxPushCurrent_v2,
              contexts[device]))
    return;
  ET_CUDA(driverTable, nullptr, nullptr, cuModuleUnload, module);
  popContext(driverTable);
}

int et::runtime::copyBytes(void *destination, et_memory destinationMemory,
                           const void *source, et_memory sourceMemory,
                           size_t bytes, et_status *status) {
  et_status ignored;
  status = status ? status : &ignored;
  if (bytes == 0)
    return ET_OK;
  if (destinationMemory == ET_HOST && sourceMemory == ET_HOST) {
    memcpy(destination, source, bytes);
    return ET_OK;
  }
  const CudaDriver *driver = enterContext(status);
  if (!driver)
    return status->code;
  auto to = reinterpret_cast<CuPointer>(destination);
  auto from = reinterpret_cast<CuPointer>(source);
  int code;
  if (destinationMemory == ET_HOST)
    code = ET_CUDA(*driver, status, nullptr, cuMemcpyDtoH_v2, destination, from,
                   bytes);
  else if (sourceMemory == ET_HOST)
    code =
        ET_CUDA(*driver, status, nullptr, cuMemcpyHtoD_v2, to, source, bytes);
  else
    code = ET_CUDA(*driver, status, nullptr, cuMemcpy, to, from, bytes);
  // Such a copy may still be on its way when the driver returns, and the
  // caller's streams need not wait for the default one that it is on.
  if (!code && destinationMemory == ET_CUDA)
    code = ET_CUDA(*driver, status, nullptr, cuStreamSynchronize, nullptr);
  leaveContext(*driver);
  return code;
}

int et::runtime::copyOnStream(void *destination, const void *source,
                              size_t bytes, et_status *status) {
  const CudaDriver *driver = bytes ? enterContext(status) : nullptr;
  if (!driver)
    return bytes ? status->code : int32_t(ET_OK);
  return ET_CUDA(*driver, status, nullptr, cuMemcpyAsync,
                 reinterpret_cast<CuPointer>(destination),
                 reinterpret_cast<CuPointer>(source), bytes,
                 currentCall->stream);
}

void et::runtime::leaveDevice(Call &call) {
  // Only a call that failed halfway still has streams of its own, on which the
  // memory may be in use: freeing what a stream allocated does not wait.
  for (DeviceResource *r = call.resources; r; r = r->next)
    if (r->kind == DeviceResource::Stream && driverTable.cuStreamSynchronize)
      driverTable.cuStreamSynchronize(r->handle);
  while (DeviceResource *resource = call.resources) {
    call.resources = resource->next;
    switch (resource->kind) {
    case DeviceResource::Memory: {
      countMemory(ET_CUDA, -int64_t(resource->size));
      auto pointer = reinterpret_cast<CuPointer>(resource->handle);
      if (resource->isPooled && call.onStream)
        driverTable.cuMemFreeAsync(pointer, call.stream);
      else
        driverTable.cuMemFree_v2(pointer);
      break;
    }
    case DeviceResource::Stream:
      driverTable.cuStreamDestroy_v2(resource->handle);
      break;
    case DeviceResource::Event:
      driverTable.cuEventDestroy_v2(resource->handle);
      break;
    }
    free(resource);
  }
  if (call.inContext)
    popContext(driverTable);
}
