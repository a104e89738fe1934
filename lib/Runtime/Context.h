//===- Context.h - the state of one running et_call -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is linked into libraries that C programs load, so nothing in
// this folder may need libstdc++: no exceptions, no `new`, no containers.
//
//===----------------------------------------------------------------------===//

#ifndef ET_RUNTIME_CONTEXT_H
#define ET_RUNTIME_CONTEXT_H

#include "et/Runtime/et_runtime.h"

#include <csetjmp>
#include <pthread.h>

// Several compiled libraries, each with its own runtime, may share a process.
#pragma GCC visibility push(hidden)
namespace et::runtime {

/// Stands before every allocation that compiled code makes on the host.
struct alignas(64) HostBlock {
  HostBlock *next;
  HostBlock *previous;
  struct Call *owner; ///< Null once handed out or made outside a call.
  void *base;
  size_t size;
  size_t capacity; ///< From `base` on, of a block in large pages; else 0.

  void *data() { return this + 1; }
  static HostBlock *of(void *data) {
    return static_cast<HostBlock *>(data) - 1;
  }
};

/// What the driver gave to a call and has not had back. Device memory cannot
/// hold its own header.
struct DeviceResource {
  enum Kind { Memory, Stream, Event };
  DeviceResource *next;
  Kind kind;
  bool isPooled; ///< Memory that a stream allocated.
  void *handle;
  size_t size;
};

/// One et_call. Compiled code has no cleanup of its own, so whatever it holds
/// is listed here and an error may jump straight out of it.
struct Call {
  jmp_buf unwind;
  et_status status;
  Call *outer;
  pthread_mutex_t lock; ///< Guards `blocks`: worker threads may free.
  HostBlock *blocks;
  DeviceResource *resources;
  bool inContext; ///< This call pushed the device's context.
  bool onStream;  ///< All work goes on the caller's `stream`.
  void *stream;
};

/// The call that runs on this thread, or null. (C++'s thread_local would need
/// an initialiser function.)
extern __thread Call *currentCall;

void clearStatus(et_status *status);

/// Writes code and message to `status` if there is one, and returns the code.
__attribute__((format(printf, 3, 4))) int
setStatus(et_status *status, et_code code, const char *format, ...);

/// Ends the current call with an error. Only while `canUnwind()`.
[[noreturn]] __attribute__((format(printf, 2, 3))) void
raise(et_code code, const char *format, ...);

/// True on the thread of a call and outside a parallel region: the frames of a
/// thread pool must not be jumped over.
bool canUnwind();

/// Reports an error that compiled code met where it cannot be unwound; the
/// calls that run meanwhile fail when they return.
void noteParallelFailure();
unsigned parallelFailures();

/// An allocation of the current call, if any; null when there is no memory.
void *allocateHost(size_t size, size_t alignment);
void freeHost(void *data);
/// Whether `data` is an allocation of `call`, and taking it out of its list.
bool ownsHost(Call &call, void *data);
void detachHost(Call &call, void *data);
void freeAllHost(Call &call);

void countMemory(et_memory memory, int64_t bytes);

/// The device side of et_call and et_tensor_*, over the driver. Like every
/// function here that takes a status, these fill it in and return its code.
int deviceAllocate(size_t bytes, void **data, et_status *status);
void deviceFree(void *data);
int copyBytes(void *destination, et_memory destinationMemory,
              const void *source, et_memory sourceMemory, size_t bytes,
              et_status *status);
/// Between places on the device, on the current call's stream.
int copyOnStream(void *destination, const void *source, size_t bytes,
                 et_status *status);
/// Whether the stream of the current call can be worked on as it is now.
int checkStream(et_status *status);
bool ownsDevice(Call &call, void *data);
void detachDevice(Call &call, void *data);
/// Gives back what the call still holds, and leaves the device's context.
void leaveDevice(Call &call);

} // namespace et::runtime
#pragma GCC visibility pop

#endif // ET_RUNTIME_CONTEXT_H
