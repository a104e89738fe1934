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
  tensor.rank = rank;
  // A rank that has no room here is refused by et_call.
  int64_t stride = 1;
  for (int32_t i = rank <= ET_MAX_RANK ? rank - 1 : -1; i >= 0; --i) {
    tensor.sizes[i] = sizes[i];
    tensor.strides[i] = stride;
    stride *= sizes[i];
  }
  return tensor;
}

int64_t et_tensor_elements(const et_tensor *tensor) {
  int64_t count = 1;
  for (int32_t i = 0; i < tensor->rank; ++i)
    count *= tensor->sizes[i];
  return count;
}

void et_tensor_release(et_tensor *tensor) {
  if (!tensor)
    return;
  if (tensor->memory == ET_CUDA)
    deviceFree(tensor->owner);
  else
    freeHost(tensor->owner);
  memset(tensor, 0, sizeof(*tensor));
}

static int allocate(et_memory memory, size_t bytes, void **data,
                    et_status *status) {
  if (memory == ET_CUDA)
    return deviceAllocate(bytes, data, status);
  *data = allocateHost(bytes, 1);
  return *data ? ET_OK
               : setStatus(status, ET_OUT_OF_MEMORY,
                           "out of memory: cannot allocate %zu bytes", bytes);
}

int et_tensor_copy(const et_tensor *source, et_memory memory, et_tensor *copy,
                   et_status *status) {
  clearStatus(status);
  size_t bytes = size_t(et_tensor_elements(source)) *
                 et_dtype_size(static_cast<et_dtype>(source->dtype));
  void *data = nullptr;
  if (int code = allocate(memory, bytes, &data, status))
    return code;
  if (int code =
          copyBytes(data, memory, source->data,
                    static_cast<et_memory>(source->memory), bytes, status)) {
    memory == ET_CUDA ? deviceFree(data) : freeHost(data);
    return code;
  }
  *copy = et_tensor_borrow(data, static_cast<et_dtype>(source->dtype),
                           source->rank, source->sizes);
  copy->owner = data;
  copy->memory = memory;
  return ET_OK;
}
