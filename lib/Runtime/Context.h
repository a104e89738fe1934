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

/// How a runtime runs a function of its own; see et_function.
struct et_runtime {
  decltype(&et_call) call;
  decltype(&et_call_on_stream) callOnStream;
};

// Several compiled libraries, each with its own runtime, may share a process.
#pragma GCC visibility push(hidden)
namespace et::runtime {

/// What the owner of a tensor begins with, so that any runtime can release the
/// tensors of another.
struct Owned {
  void (*release)(Owned *);
};

/// Memory for a tensor.
struct Room {
  void *data;
  Owned *owner;
};

/// Stands before every allocation that compiled code makes on the host.
struct alignas(64) HostBlock : Owned {
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
struct DeviceResource : Owned {
  enum Kind { Memory, Stream, Event };
  DeviceResource *next;
  Kind kind;
  bool isPooled; ///< Memory that a stream allocated.
  void *handle;
  size_t size;
};

/// Errors of parallel regions, and the message of the last check among them if
/// there is one.
struct ParallelFailures {
  unsigned count;
  const char *check;
};

/// One et_call. Compiled code has no cleanup of its own, so whatever it holds
/// is listed here and an error may jump straight out of it.
struct Call {
  jmp_buf unwind;
  et_status status;
  Call *outer;
  pthread_mutex_t lock;   ///< Guards `blocks`: worker threads may free.
  unsigned parallelDepth; ///< Parallel regions of its own that it is inside of.
  ParallelFailures failures; ///< In these, on its own thread.
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

/// True on the thread of a call and outside the parallel regions that the call
/// opened: the frames of a thread pool must not be jumped over. Those of a
/// region of the caller's lie below the call.
bool canUnwind();

/// Reports an error that compiled code met where it cannot be unwound, of a
/// check with its message: the call fails when it returns. On a thread that is
/// no call's, nobody knows which call it works for, and all fail that run
/// meanwhile.
void noteParallelFailure(const char *check = nullptr);

/// Failures on threads that are no call's.
struct UnknownFailures {
  unsigned count, checks;
  const char *lastCheck; ///< Its message.
};
UnknownFailures unknownFailures();

/// The bytes of a tensor's elements. False where no tensor can be so: a type or
/// rank that there is not, a negative size, or sizes of which those that are
/// not 0 make more bytes than an int64_t counts.
bool countBytes(const et_tensor &tensor, size_t &bytes);
/// Row-major without gaps. The bytes of the tensor can be counted.
bool isContiguous(const et_tensor &tensor);

/// An allocation of the current call, if any; null when there is no memory.
void *allocateHost(size_t size, size_t alignment);
void freeHost(void *data);
/// The block of `data` if it is an allocation of `call`, and taking it out of
/// its list.
HostBlock *findHost(Call &call, void *data);
void detachHost(Call &call, HostBlock *block);
void freeAllHost(Call &call);

void countMemory(et_memory memory, int64_t bytes);

/// Room of the current call, if any.
int allocate(et_memory memory, size_t bytes, Room &room, et_status *status);

/// The device side of et_call and et_tensor_*, over the driver. Like every
/// function here that takes a status, these fill it in and return its code.
int deviceAllocate(size_t bytes, DeviceResource *&memory, et_status *status);
void deviceFree(void *data);
int copyBytes(void *destination, et_memory destinationMemory,
              const void *source, et_memory sourceMemory, size_t bytes,
              et_status *status);
/// Between places on the device, on the current call's stream.
int copyOnStream(void *destination, const void *source, size_t bytes,
                 et_status *status);
/// Whether the stream of the current call can be worked on as it is now.
int checkStream(et_status *status);
DeviceResource *findDevice(Call &call, void *data);
void detachDevice(Call &call, DeviceResource *memory);
/// Gives back what the call still holds, and leaves the device's context.
void leaveDevice(Call &call);

} // namespace et::runtime
#pragma GCC visibility pop

#endif // ET_RUNTIME_CONTEXT_H
