//===- CudaDriver.h - the CUDA driver, found at run time ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the runtime uses of the driver's interface is declared here, so that
// building needs no CUDA header and running needs a driver only when a GPU is
// used. The library is $ET_CUDA_DRIVER, else libcuda.so.1.
//
//===----------------------------------------------------------------------===//

#ifndef ET_RUNTIME_CUDADRIVER_H
#define ET_RUNTIME_CUDADRIVER_H

#include "Context.h"

#pragma GCC visibility push(hidden)
namespace et::runtime {

using CuResult = int;
using CuDevice = int;
using CuPointer = uint64_t;
using CuHandle = void *; ///< Context, module, function, stream or event.

struct CuLaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } cluster;
  } value;
};

struct CuLaunchConfig {
  unsigned gridX, gridY, gridZ;
  unsigned blockX, blockY, blockZ;
  unsigned sharedBytes;
  CuHandle stream;
  CuLaunchAttribute *attributes;
  unsigned numAttributes;
};

/// The entry points by the names that the library exports them under. One that
/// is missing stays null and is reported when it is first needed.
struct CudaDriver {
  CuResult (*cuInit)(unsigned);
  CuResult (*cuGetErrorName)(CuResult, const char **);
  CuResult (*cuGetErrorString)(CuResult, const char **);
  CuResult (*cuDeviceGetCount)(int *);
  CuResult (*cuDeviceGet)(CuDevice *, int);
  CuResult (*cuDeviceGetAttribute)(int *, int, CuDevice);
  CuResult (*cuDevicePrimaryCtxRetain)(CuHandle *, CuDevice);
  CuResult (*cuCtxPushCurrent_v2)(CuHandle);
  CuResult (*cuCtxPopCurrent_v2)(CuHandle *);
  CuResult (*cuModuleLoadDataEx)(CuHandle *, const void *, unsigned, int *,
                                 void **);
  CuResult (*cuModuleUnload)(CuHandle);
  CuResult (*cuModuleGetFunction)(CuHandle *, CuHandle, const char *);
  CuResult (*cuFuncSetAttribute)(CuHandle, int, int);
  CuResult (*cuLaunchKernel)(CuHandle, unsigned, unsigned, unsigned, unsigned,
                             unsigned, unsigned, unsigned, CuHandle, void **,
                             void **);
  CuResult (*cuLaunchKernelEx)(const CuLaunchConfig *, CuHandle, void **,
                               void **);
  CuResult (*cuStreamCreate)(CuHandle *, unsigned);
  CuResult (*cuStreamDestroy_v2)(CuHandle);
  CuResult (*cuStreamSynchronize)(CuHandle);
  CuResult (*cuStreamWaitEvent)(CuHandle, CuHandle, unsigned);
  CuResult (*cuStreamIsCapturing)(CuHandle, int *);
  CuResult (*cuEventCreate)(CuHandle *, unsigned);
  CuResult (*cuEventDestroy_v2)(CuHandle);
  CuResult (*cuEventSynchronize)(CuHandle);
  CuResult (*cuEventRecord)(CuHandle, CuHandle);
  CuResult (*cuMemAlloc_v2)(CuPointer *, size_t);
  CuResult (*cuMemAllocManaged)(CuPointer *, size_t, unsigned);
  CuResult (*cuMemFree_v2)(CuPointer);
  CuResult (*cuMemAllocAsync)(CuPointer *, size_t, CuHandle);
  CuResult (*cuMemFreeAsync)(CuPointer, CuHandle);
  CuResult (*cuMemcpy)(CuPointer, CuPointer, size_t);
  CuResult (*cuMemcpyHtoD_v2)(CuPointer, const void *, size_t);
  CuResult (*cuMemcpyDtoH_v2)(void *, CuPointer, size_t);
  CuResult (*cuMemcpyAsync)(CuPointer, CuPointer, size_t, CuHandle);
  CuResult (*cuMemsetD32Async)(CuPointer, unsigned, size_t, CuHandle);
  CuResult (*cuMemsetD16Async)(CuPointer, unsigned short, size_t, CuHandle);
  CuResult (*cuTensorMapEncodeTiled)(void *, int, unsigned, CuPointer,
                                     const uint64_t *, const uint64_t *,
                                     const unsigned *, const unsigned *, int,
                                     int, int, int);
};

/// The driver, loaded and initialised on first use; null, with the reason and
/// the remedy in `status`, where there is none.
const CudaDriver *getCudaDriver(et_status *status);

/// Writes the driver's own name and text for `result`.
int cudaError(const CudaDriver &driver, const char *function, CuResult result,
              const char *detail, et_status *status);

/// Calls one entry point of the driver.
template <typename Function, typename... Arguments>
int cudaInvoke(const CudaDriver &driver, et_status *status, const char *detail,
               const char *name, Function function, Arguments... arguments) {
  if (!function)
    return setStatus(status, ET_CUDA_ERROR,
                     "the CUDA driver has no '%s'; it is too old", name);
  if (CuResult result = function(arguments...))
    return cudaError(driver, name, result, detail, status);
  return ET_OK;
}

#define ET_CUDA(driver, status, detail, name, ...)                             \
  ::et::runtime::cudaInvoke(driver, status, detail, #name, (driver).name,      \
                            __VA_ARGS__)

/// Makes the device's primary context current, for the rest of the current
/// call or, outside one, until `leaveContext`.
const CudaDriver *enterContext(et_status *status);
void leaveContext(const CudaDriver &driver);

/// The device that this thread uses.
extern __thread int32_t currentDevice;
constexpr int32_t maxDevices = 16;
/// Makes `device` that device, if there is one.
int chooseDevice(int32_t device, et_status *status);
/// Whether streams of the current device can allocate.
bool hasMemoryPools(const CudaDriver &driver);

/// Takes a module away. At the end of a process that is the driver's.
void unloadModule(int32_t device, CuHandle module);

/// Lists of what compiled code got from the driver. Freeing memory that is in
/// neither is the driver's to refuse; `isPooled` is false for it. Null if there
/// is no memory for a note.
DeviceResource *trackResource(DeviceResource::Kind kind, void *handle,
                              size_t size, bool isPooled = false);
bool untrackResource(DeviceResource::Kind kind, void *handle);

} // namespace et::runtime
#pragma GCC visibility pop

#endif // ET_RUNTIME_CUDADRIVER_H
