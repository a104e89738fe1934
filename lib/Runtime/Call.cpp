//===- Call.cpp - checked calls of compiled functions ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace et::runtime;

__thread Call *et::runtime::currentCall = nullptr;

void et::runtime::raise(et_code code, const char *format, ...) {
  Call *call = currentCall;
  call->status.code = code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(call->status.message, sizeof(call->status.message), format,
            arguments);
  va_end(arguments);
  longjmp(call->unwind, 1);
}

namespace {
/// Upstream's descriptor of a ranked memref, with the sizes and then the
/// strides of its rank in `shape`.
struct Descriptor {
  void *allocated;
  void *aligned;
  int64_t offset;
  int64_t shape[2 * ET_MAX_RANK];
};

/// Everything a call needs to survive a jump out of compiled code. It lives on
/// the heap because locals changed after setjmp are lost.
struct Frame {
  Call call;
  const et_function *fn;
  const et_tensor *args;
  et_tensor *results;
  Descriptor *descriptors;
  void **slots;
  bool resultsToHost;
};

/// What a caller passes in the place of an argument or of a result.
struct Role {
  const char *name;
  const et_value *values;
};
} // namespace

/// "f32[?x64]"; "f32" for a scalar.
static void printType(char *buffer, size_t size, int32_t dtype, bool isScalar,
                      int64_t rank, const int64_t *sizes) {
  size_t used =
      snprintf(buffer, size, "%s", et_dtype_name(static_cast<et_dtype>(dtype)));
  if (isScalar || used >= size)
    return;
  auto append = [&](const char *format, long long value) {
    if (used < size)
      used += snprintf(buffer + used, size - used, format, value);
  };
  append("[", 0);
  for (int64_t i = 0; i < rank && i < ET_MAX_RANK; ++i) {
    if (i)
      append("x", 0);
    sizes[i] == ET_DYNAMIC ? append("?", 0) : append("%lld", sizes[i]);
  }
  append("]", 0);
}

static bool shapeMatches(const et_value &value, const et_tensor &tensor) {
  if (tensor.dtype != value.dtype || tensor.rank != value.rank)
    return false;
  for (int32_t i = 0; i < tensor.rank; ++i)
    if (value.sizes[i] != ET_DYNAMIC && value.sizes[i] != tensor.sizes[i])
      return false;
  return true;
}

static int checkTensor(const et_function *fn, Role role, size_t index,
                       const et_tensor &tensor, et_status *status) {
  const et_value &value = role.values[index];
  auto refuse = [&](const char *what) {
    return setStatus(status, ET_INVALID_ARGUMENT, "%s: %s %zu '%s' %s",
                     fn->name, role.name, index, value.name, what);
  };
  if (tensor.rank < 0 || tensor.rank > ET_MAX_RANK)
    return refuse("has a rank that is not between 0 and 8");
  if (!shapeMatches(value, tensor)) {
    char expected[160], actual[160];
    printType(expected, sizeof(expected), value.dtype, value.is_scalar,
              value.rank, value.sizes);
    printType(actual, sizeof(actual), tensor.dtype, false, tensor.rank,
              tensor.sizes);
    bool isPacked = value.packed_by != nullptr;
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "%s: %s %zu '%s' must be %s, but is %s%s%s%s", fn->name,
                     role.name, index, value.name, expected, actual,
                     isPacked ? "; it takes packed weights: call '" : "",
                     isPacked ? value.packed_by : "",
                     isPacked ? "' once and pass its results" : "");
  }
  size_t bytes = 0;
  if (!countBytes(tensor, bytes))
    return refuse("has a negative size or more bytes than fit in memory");
  if (!isContiguous(tensor))
    return refuse("is not contiguous in row-major order; copy it first");
  if (!tensor.data && bytes)
    return refuse("has no data");
  if (tensor.memory != ET_HOST && tensor.memory != ET_CUDA)
    return refuse("lies in an unknown memory");
  if (tensor.memory == ET_CUDA && (fn->memory == ET_HOST || value.is_scalar))
    return refuse("lies in CUDA memory, but is needed on the host; copy it "
                  "there with et_tensor_copy");
  // Kernels move 16 bytes at a time.
  if (tensor.memory == ET_CUDA && uintptr_t(tensor.data) % 16 != 0)
    return refuse("does not start at a multiple of 16 bytes; copy it to memory "
                  "that does");
  return ET_OK;
}

static int checkCall(const et_function *fn, const et_tensor *args,
                     size_t numArgs, const et_tensor *results,
                     size_t numResults, et_status *status) {
  if (numArgs != fn->num_args)
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "%s: takes %zu arguments, but got %zu", fn->name,
                     size_t(fn->num_args), numArgs);
  if (numResults != fn->num_results)
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "%s: has %zu results, but there is room for %zu", fn->name,
                     size_t(fn->num_results), numResults);
  if ((numArgs && !args) || (numResults && !results))
    return setStatus(status, ET_INVALID_ARGUMENT, "%s: the array of %s is null",
                     fn->name, numArgs && !args ? "arguments" : "results");
  for (size_t i = 0; i < numArgs; ++i) {
    int code = checkTensor(fn, {"argument", fn->args}, i, args[i], status);
    if (!code)
      continue;
    if (status)
      status->argument = int32_t(i);
    return code;
  }
  return ET_OK;
}

/// What a call on a stream needs beyond that: nothing is copied from or to the
/// host, for that would have to wait.
static int checkOnDevice(const et_function *fn, Role role, size_t index,
                         const et_tensor &tensor, et_status *status) {
  const et_value &value = role.values[index];
  if (value.is_scalar || tensor.memory == ET_CUDA)
    return ET_OK;
  return setStatus(status, ET_INVALID_ARGUMENT,
                   "%s: %s %zu '%s' lies on the host, but a call on a stream "
                   "works in CUDA memory alone; copy it there with "
                   "et_tensor_copy",
                   fn->name, role.name, index, value.name);
}

static int checkCallOnStream(const et_function *fn, const et_tensor *args,
                             const et_tensor *results, et_status *status) {
  if (fn->memory != ET_CUDA)
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "%s works on the host and knows no streams; compile it "
                     "with --target=cuda",
                     fn->name);
  for (size_t i = 0; i < fn->num_args; ++i)
    if (int code =
            checkOnDevice(fn, {"argument", fn->args}, i, args[i], status)) {
      if (status)
        status->argument = int32_t(i);
      return code;
    }
  Role role = {"result", fn->results};
  for (size_t i = 0; i < fn->num_results; ++i) {
    int code = checkTensor(fn, role, i, results[i], status);
    if (!code)
      code = checkOnDevice(fn, role, i, results[i], status);
    if (code)
      return code;
  }
  return ET_OK;
}

/// Of a tensor that was checked.
static size_t bytesOf(const et_tensor &tensor) {
  size_t bytes = 0;
  countBytes(tensor, bytes);
  return bytes;
}

/// Inside a call: a code that isn't ET_OK ends it.
static void raiseIf(int code, const et_status &status) {
  if (code)
    raise(static_cast<et_code>(code), "%s", status.message);
}

/// A copy that belongs to the current call.
static Room copyTo(et_memory memory, const void *source, et_memory sourceMemory,
                   size_t bytes) {
  Room room = {};
  et_status status;
  raiseIf(allocate(memory, bytes, room, &status), status);
  raiseIf(copyBytes(room.data, memory, source, sourceMemory, bytes, &status),
          status);
  return room;
}

static void fillArgument(Frame &frame, size_t index) {
  const et_value &value = frame.fn->args[index];
  const et_tensor &tensor = frame.args[index];
  if (value.is_scalar) {
    frame.slots[index] = tensor.data;
    return;
  }
  auto memory = static_cast<et_memory>(frame.fn->memory);
  void *data = tensor.data;
  if (tensor.memory != int32_t(memory))
    data = copyTo(memory, data, ET_HOST, bytesOf(tensor)).data;
  Descriptor &descriptor = frame.descriptors[index];
  descriptor.allocated = descriptor.aligned = data;
  // Strides of sizes 0 and 1 may be anything in a tensor, but not in a memref.
  int64_t stride = 1;
  for (int32_t i = tensor.rank - 1; i >= 0; --i) {
    descriptor.shape[i] = tensor.sizes[i];
    descriptor.shape[tensor.rank + i] = stride;
    stride *= tensor.sizes[i];
  }
  frame.slots[index] = &descriptor;
}

/// Turns what compiled code left for result `index` into a tensor. Its memory
/// still belongs to the call.
static void collectResult(Frame &frame, size_t index) {
  const et_value &value = frame.fn->results[index];
  Descriptor &descriptor = frame.descriptors[frame.fn->num_args + index];
  auto dtype = static_cast<et_dtype>(value.dtype);
  et_tensor &result = frame.results[index];
  if (value.is_scalar) {
    Room room = copyTo(ET_HOST, &descriptor, ET_HOST, et_dtype_size(dtype));
    result = et_tensor_borrow(room.data, dtype, 0, nullptr);
    result.owner = room.owner;
    return;
  }
  auto memory = static_cast<et_memory>(frame.fn->memory);
  char *data = static_cast<char *>(descriptor.aligned) +
               descriptor.offset * int64_t(et_dtype_size(dtype));
  result = et_tensor_borrow(data, dtype, int32_t(value.rank), descriptor.shape);
  size_t bytes = 0;
  if (!countBytes(result, bytes))
    raise(ET_CHECK_FAILED,
          "%s: result %zu '%s' has a negative size or more bytes than fit in "
          "memory",
          frame.fn->name, index, value.name);
  Owned *owner = nullptr;
  if (memory == ET_HOST)
    owner = findHost(frame.call, descriptor.allocated);
  else
    owner = findDevice(frame.call, descriptor.allocated);
  for (size_t i = 0; i < index; ++i)
    if (frame.results[i].owner == owner)
      owner = nullptr;
  bool isMoved = frame.resultsToHost && memory == ET_CUDA;
  // A result that is an argument, a constant or another result gets memory of
  // its own, so that every result can be released.
  if (owner && !isMoved) {
    result.owner = owner;
    result.memory = memory;
    return;
  }
  et_memory target = isMoved ? ET_HOST : memory;
  Room room = copyTo(target, data, memory, bytes);
  result.data = room.data;
  result.owner = room.owner;
  result.memory = target;
}

/// Copies result `index` to the caller's tensor, on the caller's stream.
static void deliverResult(const Frame &frame, const et_tensor *rooms,
                          size_t index) {
  const et_function &fn = *frame.fn;
  const et_value &value = fn.results[index];
  const et_tensor &room = rooms[index];
  const Descriptor &descriptor = frame.descriptors[fn.num_args + index];
  size_t elementSize = et_dtype_size(static_cast<et_dtype>(value.dtype));
  if (value.is_scalar) {
    memcpy(room.data, &descriptor, elementSize);
    return;
  }
  for (int64_t i = 0; i < value.rank; ++i)
    if (descriptor.shape[i] != room.sizes[i])
      raise(ET_INVALID_ARGUMENT,
            "%s: result %zu '%s' has size %lld in dimension %lld, but there is "
            "room for %lld",
            fn.name, index, value.name,
            static_cast<long long>(descriptor.shape[i]),
            static_cast<long long>(i), static_cast<long long>(room.sizes[i]));
  et_status status;
  raiseIf(copyOnStream(room.data,
                       static_cast<char *>(descriptor.aligned) +
                           descriptor.offset * int64_t(elementSize),
                       bytesOf(room), &status),
          status);
}

static void runEntry(Frame &frame) {
  const et_function &fn = *frame.fn;
  for (size_t i = 0; i < fn.num_args; ++i)
    fillArgument(frame, i);
  for (size_t i = 0; i < fn.num_results; ++i)
    frame.slots[fn.num_args + i] = &frame.descriptors[fn.num_args + i];

  UnknownFailures before = unknownFailures();
  fn.entry(frame.slots);
  UnknownFailures after = unknownFailures();
  // What is known to be the call's own says best why it failed.
  const ParallelFailures &own = frame.call.failures;
  const char *check = own.check;
  if (!own.count && after.checks != before.checks)
    check = after.lastCheck;
  if (check)
    raise(ET_CHECK_FAILED, "%s", check);
  if (own.count || after.count != before.count)
    raise(ET_OUT_OF_MEMORY, "%s: out of memory in a parallel region", fn.name);
}

static void runCall(Frame &frame) {
  const et_function &fn = *frame.fn;
  runEntry(frame);
  for (size_t i = 0; i < fn.num_results; ++i)
    collectResult(frame, i);
  // From here on nothing fails, so no result is handed out halfway.
  for (size_t i = 0; i < fn.num_results; ++i) {
    et_tensor &result = frame.results[i];
    auto *owner = static_cast<Owned *>(result.owner);
    if (result.memory == ET_CUDA)
      detachDevice(frame.call, static_cast<DeviceResource *>(owner));
    else
      detachHost(frame.call, static_cast<HostBlock *>(owner));
  }
}

static bool hasHostTensor(const et_function *fn, const et_tensor *args) {
  bool hasTensor = false;
  for (size_t i = 0; i < fn->num_args; ++i) {
    if (fn->args[i].is_scalar)
      continue;
    hasTensor = true;
    if (args[i].memory == ET_HOST)
      return true;
  }
  return !hasTensor;
}

static Frame *newFrame(const et_function *fn, const et_tensor *args,
                       et_status *status) {
  size_t count = fn->num_args + fn->num_results;
  auto *frame = static_cast<Frame *>(
      calloc(1, sizeof(Frame) + count * (sizeof(Descriptor) + sizeof(void *))));
  if (!frame) {
    setStatus(status, ET_OUT_OF_MEMORY, "%s: out of memory", fn->name);
    return nullptr;
  }
  frame->fn = fn;
  frame->args = args;
  frame->descriptors = reinterpret_cast<Descriptor *>(frame + 1);
  frame->slots = reinterpret_cast<void **>(frame->descriptors + count);
  pthread_mutex_init(&frame->call.lock, nullptr);
  clearStatus(&frame->call.status);
  frame->call.outer = currentCall;
  currentCall = &frame->call;
  return frame;
}

/// Gives back what the call holds and returns its code.
static int endCall(Frame *frame, et_status *status) {
  Call &call = frame->call;
  leaveDevice(call);
  freeAllHost(call);
  currentCall = call.outer;
  pthread_mutex_destroy(&call.lock);
  int code = call.status.code;
  if (status)
    *status = call.status;
  free(frame);
  return code;
}

/// et_call of a function of this runtime.
static int call(const et_function *fn, const et_tensor *args, size_t numArgs,
                et_tensor *results, size_t numResults, et_status *status) {
  if (int code = checkCall(fn, args, numArgs, results, numResults, status))
    return code;
  Frame *frame = newFrame(fn, args, status);
  if (!frame)
    return ET_OUT_OF_MEMORY;
  frame->results = results;
  frame->resultsToHost = hasHostTensor(fn, args);
  if (setjmp(frame->call.unwind) == 0)
    runCall(*frame);
  else if (results)
    memset(results, 0, numResults * sizeof(*results));
  return endCall(frame, status);
}

/// et_call_on_stream of a function of this runtime.
static int callOnStream(const et_function *fn, void *stream,
                        const et_tensor *args, size_t numArgs,
                        const et_tensor *results, size_t numResults,
                        et_status *status) {
  if (int code = checkCall(fn, args, numArgs, results, numResults, status))
    return code;
  if (int code = checkCallOnStream(fn, args, results, status))
    return code;
  Frame *frame = newFrame(fn, args, status);
  if (!frame)
    return ET_OUT_OF_MEMORY;
  frame->call.onStream = true;
  frame->call.stream = stream;
  if (setjmp(frame->call.unwind) == 0) {
    et_status cannot;
    raiseIf(checkStream(&cannot), cannot);
    runEntry(*frame);
    for (size_t i = 0; i < numResults; ++i)
      deliverResult(*frame, results, i);
  }
  return endCall(frame, status);
}

extern "C" {
/// What the descriptions of functions refer to that are linked with this code.
extern const et_runtime et_own_runtime;
const et_runtime et_own_runtime = {call, callOnStream};
}

/// The runtime of `fn`; null, with the reason in `status`, where there is none.
static const et_runtime *runtimeOf(const et_function *fn, et_status *status) {
  clearStatus(status);
  if (!fn) {
    setStatus(status, ET_INVALID_ARGUMENT, "there is no function to call");
    return nullptr;
  }
  if (fn->abi_version != ET_ABI_VERSION) {
    setStatus(status, ET_INVALID_ARGUMENT,
              "the function was compiled for version %u of the runtime "
              "interface and this is version %u; compile it again",
              fn->abi_version, ET_ABI_VERSION);
    return nullptr;
  }
  return fn->runtime ? fn->runtime : &et_own_runtime;
}

int et_call(const et_function *fn, const et_tensor *args, size_t num_args,
            et_tensor *results, size_t num_results, et_status *status) {
  if (results)
    memset(results, 0, num_results * sizeof(*results));
  const et_runtime *runtime = runtimeOf(fn, status);
  return runtime
             ? runtime->call(fn, args, num_args, results, num_results, status)
             : int(ET_INVALID_ARGUMENT);
}

int et_call_on_stream(const et_function *fn, void *stream,
                      const et_tensor *args, size_t num_args,
                      const et_tensor *results, size_t num_results,
                      et_status *status) {
  const et_runtime *runtime = runtimeOf(fn, status);
  return runtime ? runtime->callOnStream(fn, stream, args, num_args, results,
                                         num_results, status)
                 : int(ET_INVALID_ARGUMENT);
}
