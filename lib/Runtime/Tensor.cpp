//===- Tensor.cpp - tensors and statuses of the C interface ---------------===//
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

namespace {
struct DtypeInfo {
  const char *name;
  size_t size;
};
} // namespace

static constexpr DtypeInfo dtypes[] = {
    {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"f64", 8}, {"i1", 1},
    {"i8", 1},  {"i16", 2}, {"i32", 4},  {"i64", 8}, {"f8E4M3FN", 1}};

static bool isKnown(int64_t dtype) {
  return dtype >= 0 && dtype < int64_t(sizeof(dtypes) / sizeof(dtypes[0]));
}

size_t et_dtype_size(et_dtype dtype) {
  return isKnown(dtype) ? dtypes[dtype].size : 0;
}

const char *et_dtype_name(et_dtype dtype) {
  return isKnown(dtype) ? dtypes[dtype].name : "unknown";
}

void et::runtime::clearStatus(et_status *status) {
  if (!status)
    return;
  status->code = ET_OK;
  status->argument = -1;
  status->message[0] = 0;
}

int et::runtime::setStatus(et_status *status, et_code code, const char *format,
                           ...) {
  if (!status)
    return code;
  status->code = code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(status->message, sizeof(status->message), format, arguments);
  va_end(arguments);
  return code;
}

et_tensor et_tensor_borrow(void *data, et_dtype dtype, int32_t rank,
                           const int64_t *sizes) {
  et_tensor tensor;
  memset(&tensor, 0, sizeof(tensor));
  tensor.data = data;
  tensor.dtype = dtype;
  // What has no room here, or no sizes, has a rank that is refused everywhere.
  tensor.rank = rank > 0 && !sizes ? -1 : rank;
  // Sizes too large to count are refused as well, whatever the strides.
  uint64_t stride = 1;
  for (int32_t i = rank <= ET_MAX_RANK ? tensor.rank - 1 : -1; i >= 0; --i) {
    tensor.sizes[i] = sizes[i];
    tensor.strides[i] = int64_t(stride);
    stride *= uint64_t(sizes[i]);
  }
  return tensor;
}

/// `unit` times the product of the sizes. False, as countBytes says, where
/// there is no such tensor.
static bool count(int64_t unit, const et_tensor &tensor, int64_t &total) {
  if (tensor.rank < 0 || tensor.rank > ET_MAX_RANK)
    return false;
  bool isEmpty = false;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    int64_t size = tensor.sizes[i];
    isEmpty |= size == 0;
    if (size < 0 || __builtin_mul_overflow(unit, size ? size : 1, &unit))
      return false;
  }
  total = isEmpty ? 0 : unit;
  return true;
}

bool et::runtime::countBytes(const et_tensor &tensor, size_t &bytes) {
  int64_t total = 0;
  if (!isKnown(tensor.dtype) ||
      !count(int64_t(dtypes[tensor.dtype].size), tensor, total))
    return false;
  bytes = size_t(total);
  return true;
}

int64_t et_tensor_elements(const et_tensor *tensor) {
  int64_t total = 0;
  return tensor && count(1, *tensor, total) ? total : -1;
}

/// How many of the last dimensions lie in memory row by row without gaps, and
/// the elements of those.
static int32_t contiguousDims(const et_tensor &tensor, int64_t &elements) {
  elements = 1;
  int32_t dims = 0;
  for (; dims < tensor.rank; ++dims) {
    int32_t i = tensor.rank - 1 - dims;
    if (tensor.sizes[i] != 1 && tensor.strides[i] != elements)
      break;
    elements *= tensor.sizes[i];
  }
  return dims;
}

bool et::runtime::isContiguous(const et_tensor &tensor) {
  int64_t elements = 0;
  return et_tensor_elements(&tensor) == 0 ||
         contiguousDims(tensor, elements) == tensor.rank;
}

void et_tensor_release(et_tensor *tensor) {
  if (!tensor)
    return;
  if (auto *owner = static_cast<Owned *>(tensor->owner))
    owner->release(owner);
  memset(tensor, 0, sizeof(*tensor));
}

int et::runtime::allocate(et_memory memory, size_t bytes, Room &room,
                          et_status *status) {
  if (memory == ET_CUDA) {
    DeviceResource *resource = nullptr;
    int code = deviceAllocate(bytes, resource, status);
    if (!code)
      room = {resource->handle, resource};
    return code;
  }
  void *data = allocateHost(bytes, 1);
  if (!data)
    return setStatus(status, ET_OUT_OF_MEMORY,
                     "out of memory: cannot allocate %zu bytes", bytes);
  room = {data, HostBlock::of(data)};
  return ET_OK;
}

/// Whether the places of a tensor's elements can be said in 64 bits.
static bool hasSaneStrides(const et_tensor &tensor) {
  int64_t bytes = int64_t(dtypes[tensor.dtype].size), step = 0, span = 0;
  for (int32_t i = 0; i < tensor.rank; ++i)
    if (__builtin_mul_overflow(tensor.strides[i], bytes, &step) ||
        step == INT64_MIN ||
        __builtin_mul_overflow(step < 0 ? -step : step, tensor.sizes[i],
                               &step) ||
        __builtin_add_overflow(span, step, &span))
      return false;
  return true;
}

/// Copies the elements of a tensor on the host, which has some, in row-major
/// order.
static void packTo(char *to, const et_tensor &tensor) {
  auto bytes = int64_t(dtypes[tensor.dtype].size);
  int64_t elements = 0;
  int32_t outer = tensor.rank - contiguousDims(tensor, elements);
  auto run = size_t(elements * bytes);
  const char *from = static_cast<const char *>(tensor.data);
  int64_t index[ET_MAX_RANK] = {};
  for (;;) {
    memcpy(to, from, run);
    to += run;
    int32_t i = outer - 1;
    for (; i >= 0; --i) {
      int64_t step = tensor.strides[i] * bytes;
      if (++index[i] < tensor.sizes[i]) {
        from += step;
        break;
      }
      from -= step * (tensor.sizes[i] - 1);
      index[i] = 0;
    }
    if (i < 0)
      return;
  }
}

static int checkSource(const et_tensor &source, size_t &bytes,
                       et_status *status) {
  auto refuse = [&](const char *what) {
    return setStatus(status, ET_INVALID_ARGUMENT, "et_tensor_copy: the %s",
                     what);
  };
  if (!isKnown(source.dtype))
    return refuse("source has an unknown element type");
  if (source.rank < 0 || source.rank > ET_MAX_RANK)
    return refuse("source has a rank that is not between 0 and 8");
  if (!countBytes(source, bytes))
    return refuse("source has a negative size or more bytes than fit in "
                  "memory");
  if (!source.data && bytes)
    return refuse("source has no data");
  if (source.memory != ET_HOST && source.memory != ET_CUDA)
    return refuse("source lies in an unknown memory");
  if (isContiguous(source))
    return ET_OK;
  if (source.memory == ET_CUDA)
    return refuse("source lies in CUDA memory and is not contiguous in "
                  "row-major order; copy the tensor that it is a part of, or "
                  "make it contiguous there");
  if (!hasSaneStrides(source))
    return refuse("source has strides that reach beyond all memory");
  return ET_OK;
}

/// Fills `room`, which is in `memory`, with the elements in row-major order.
static int copyTo(const Room &room, et_memory memory, const et_tensor &source,
                  size_t bytes, et_status *status) {
  if (isContiguous(source))
    return copyBytes(room.data, memory, source.data,
                     static_cast<et_memory>(source.memory), bytes, status);
  if (memory == ET_HOST) {
    packTo(static_cast<char *>(room.data), source);
    return ET_OK;
  }
  Room packed = {};
  if (int code = allocate(ET_HOST, bytes, packed, status))
    return code;
  packTo(static_cast<char *>(packed.data), source);
  int code = copyBytes(room.data, memory, packed.data, ET_HOST, bytes, status);
  packed.owner->release(packed.owner);
  return code;
}

int et_tensor_copy(const et_tensor *source, et_memory memory, et_tensor *copy,
                   et_status *status) {
  clearStatus(status);
  if (!source || !copy)
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "et_tensor_copy: the %s is null",
                     source ? "place for the copy" : "source");
  if (memory != ET_HOST && memory != ET_CUDA)
    return setStatus(status, ET_INVALID_ARGUMENT,
                     "et_tensor_copy: there is no memory %d to copy to",
                     int(memory));
  size_t bytes = 0;
  if (int code = checkSource(*source, bytes, status))
    return code;
  Room room = {};
  if (int code = allocate(memory, bytes, room, status))
    return code;
  if (int code = copyTo(room, memory, *source, bytes, status)) {
    room.owner->release(room.owner);
    return code;
  }
  *copy = et_tensor_borrow(room.data, static_cast<et_dtype>(source->dtype),
                           source->rank, source->sizes);
  copy->owner = room.owner;
  copy->memory = memory;
  return ET_OK;
}
