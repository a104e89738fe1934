//===- DeviceMemory.cpp - Allocations, copies, fills ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

static CUresult allocate(Driver &driver, CUdeviceptr *address, size_t bytes) {
  if (!bytes)
    return kInvalidValue;
  static uint64_t count = 0;
  *address =
      driver.device->allocate(bytes, "allocation " + std::to_string(count++));
  return *address ? kSuccess : kOutOfMemory;
}
ET_CU cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  ET_ENTER
  ET_UNSAFE
  return allocate(driver, address, bytes);
}
ET_CU cuMemFree_v2(CUdeviceptr address) {
  ET_ENTER
  ET_UNSAFE
  if (!address)
    return kSuccess;
  return driver.device->free(address) ? kSuccess : kInvalidValue;
}
ET_CU cuMemAllocAsync(CUdeviceptr *address, size_t bytes, CUstream stream) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  // The address must be known when the call returns, so a captured allocation
  // is made at once and lives as long as no free of it runs.
  return allocate(driver, address, bytes);
}
ET_CU cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t bytes, CUmemoryPool,
                              CUstream stream) {
  return cuMemAllocAsync(address, bytes, stream);
}
ET_CU cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  if (s->capture) // The graph may run again: what it frees stays.
    return kSuccess;
  return driver.device->free(address) ? kSuccess : kInvalidValue;
}
ET_CU cuMemAllocHost_v2(void **pointer, size_t bytes) {
  ET_ENTER
  if (!pointer || !bytes || bytes > PTRDIFF_MAX)
    return kInvalidValue;
  *pointer = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (!*pointer)
    return kOutOfMemory;
  driver.hostMemory[*pointer] = bytes;
  return kSuccess;
}
ET_CU cuMemHostAlloc(void **pointer, size_t bytes, unsigned flags) {
  // PORTABLE, DEVICEMAP, WRITECOMBINED
  return flags > 7 ? kInvalidValue : cuMemAllocHost_v2(pointer, bytes);
}
ET_CU cuMemFreeHost(void *pointer) {
  ET_ENTER
  if (!driver.hostMemory.erase(pointer))
    return kInvalidValue;
  std::free(pointer);
  return kSuccess;
}
ET_CU cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned flags) {
  ET_ENTER
  // PORTABLE, DEVICEMAP, IOMEMORY, READ_ONLY
  if (!pointer || !bytes || flags > 15)
    return kInvalidValue;
  return driver.registered.insert(pointer).second ? kSuccess
                                                  : kAlreadyRegistered;
}
ET_CU cuMemHostUnregister(void *pointer) {
  ET_ENTER
  return driver.registered.erase(pointer) ? kSuccess : kNotRegistered;
}

ET_CU cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size,
                              CUdeviceptr address) {
  ET_ENTER
  uint64_t start, bytes;
  if (!driver.device->findAllocation(address, start, bytes))
    return kNotFound;
  if (base)
    *base = start;
  if (size)
    *size = bytes;
  return kSuccess;
}

ET_CU cuPointerGetAttribute(void *data, int attribute, CUdeviceptr address) {
  ET_ENTER
  uint64_t start, bytes;
  if (!driver.device->findAllocation(address, start, bytes))
    return kInvalidValue;
  switch (attribute) {
  case 1: // CONTEXT
    *static_cast<CUcontext *>(data) = &driver.context;
    return kSuccess;
  case 2: // MEMORY_TYPE: device
    *static_cast<int *>(data) = 2;
    return kSuccess;
  case 3: // DEVICE_POINTER
    *static_cast<CUdeviceptr *>(data) = address;
    return kSuccess;
  case 8: // IS_MANAGED
    *static_cast<int *>(data) = 0;
    return kSuccess;
  case 9: // DEVICE_ORDINAL
    *static_cast<int *>(data) = 0;
    return kSuccess;
  default: // There are 21.
    return attribute >= 1 && attribute <= 21 ? kNotSupported : kInvalidValue;
  }
}

static CUresult check(bool ok, const char *call, CUdeviceptr address,
                      size_t bytes) {
  if (ok)
    return kSuccess;
  char text[160];
  std::snprintf(text, sizeof(text),
                "%s: %zu bytes at 0x%llx are not within one allocation", call,
                bytes, address);
  Driver::get().say(text);
  return kInvalidValue;
}

// Asynchronous copies read and write host memory when they run, which is at
// once but for a captured stream.
ET_CU cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes,
                           CUstream stream) {
  ET_ENTER
  return driver.submit(stream, [=] {
    return check(Driver::get().device->write(to, from, bytes), "cuMemcpyHtoD",
                 to, bytes);
  });
}
ET_CU cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes,
                           CUstream stream) {
  ET_ENTER
  return driver.submit(stream, [=] {
    return check(Driver::get().device->read(to, from, bytes), "cuMemcpyDtoH",
                 from, bytes);
  });
}
ET_CU cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                           CUstream stream) {
  ET_ENTER
  return driver.submit(stream, [=] {
    return check(Driver::get().device->copy(to, from, bytes), "cuMemcpyDtoD",
                 to, bytes);
  });
}
ET_CU cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  return cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr);
}
ET_CU cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  return cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr);
}
ET_CU cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return cuMemcpyDtoDAsync_v2(to, from, bytes, nullptr);
}
ET_CU cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                    CUstream stream) {
  ET_ENTER
  uint64_t start, size;
  bool toDevice = driver.device->findAllocation(to, start, size);
  bool fromDevice = driver.device->findAllocation(from, start, size);
  if (toDevice && fromDevice)
    return cuMemcpyDtoDAsync_v2(to, from, bytes, stream);
  if (toDevice)
    return cuMemcpyHtoDAsync_v2(to, reinterpret_cast<void *>(from), bytes,
                                stream);
  if (fromDevice)
    return cuMemcpyDtoHAsync_v2(reinterpret_cast<void *>(to), from, bytes,
                                stream);
  return driver.submit(stream, [=] {
    std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from),
                 bytes);
    return kSuccess;
  });
}
ET_CU cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return cuMemcpyAsync(to, from, bytes, nullptr);
}

template <typename T>
static CUresult fill(CUdeviceptr to, T value, size_t count, CUstream stream) {
  ET_ENTER
  if (to % sizeof(T))
    return kInvalidValue;
  return driver.submit(stream, [=] {
    return check(Driver::get().device->fill(to, count, &value, sizeof(T)),
                 "cuMemset", to, count * sizeof(T));
  });
}
ET_CU cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, CUstream s) {
  return fill<uint8_t>(to, v, n, s);
}
ET_CU cuMemsetD16Async(CUdeviceptr to, unsigned short v, size_t n, CUstream s) {
  return fill<uint16_t>(to, v, n, s);
}
ET_CU cuMemsetD32Async(CUdeviceptr to, unsigned v, size_t n, CUstream s) {
  return fill<uint32_t>(to, v, n, s);
}
ET_CU cuMemsetD8_v2(CUdeviceptr to, unsigned char v, size_t n) {
  return fill<uint8_t>(to, v, n, nullptr);
}
ET_CU cuMemsetD16_v2(CUdeviceptr to, unsigned short v, size_t n) {
  return fill<uint16_t>(to, v, n, nullptr);
}
ET_CU cuMemsetD32_v2(CUdeviceptr to, unsigned v, size_t n) {
  return fill<uint32_t>(to, v, n, nullptr);
}

ET_CU cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice) {
  ET_ENTER
  *pool = &driver.pool;
  return kSuccess;
}
ET_CU cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
  return cuDeviceGetDefaultMemPool(pool, device);
}
ET_CU cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void *value) {
  ET_ENTER
  // Three kinds of reuse, and what is kept at least: nothing is kept here. Of
  // the rest, the high marks (6, 8) may be set, to zero.
  bool isKnown =
      (attribute >= 1 && attribute <= 4) || attribute == 6 || attribute == 8;
  return pool == &driver.pool && value && isKnown ? kSuccess : kInvalidValue;
}
ET_CU cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
  ET_ENTER
  return pool == &driver.pool ? kSuccess : kInvalidValue;
}
