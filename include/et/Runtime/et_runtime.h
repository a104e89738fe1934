/*===- et_runtime.h - what a compiled model offers and needs -----*- C -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiled model exports one `et_function` a public function. `et_call`
// checks tensors against its signature, runs it and hands out the results.
// Nothing here aborts: every failure comes back as a code and a message.
//
//===----------------------------------------------------------------------===*/

#ifndef ET_RUNTIME_ET_RUNTIME_H
#define ET_RUNTIME_ET_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

/* Makes an enumeration as wide as in C: a number that has no name may be
   passed, and is refused. */
#ifdef __cplusplus
#define ET_WIDE : int
#else
#define ET_WIDE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The functions below are all that a library shows of the runtime inside it. */
#pragma GCC visibility push(default)

/* Changes whenever a struct below does; a library carries the number it was
   compiled with. */
#define ET_ABI_VERSION 3
#define ET_MAX_RANK 8
#define ET_DYNAMIC (-1)

typedef enum et_dtype ET_WIDE {
  ET_F32 = 0,
  ET_F16 = 1,
  ET_BF16 = 2,
  ET_F64 = 3,
  ET_I1 = 4, /* one byte an element, 0 or 1 */
  ET_I8 = 5,
  ET_I16 = 6,
  ET_I32 = 7,
  ET_I64 = 8,
  ET_F8E4M3FN = 9 /* 4 bits of exponent, 3 of fraction, no infinities */
} et_dtype;

typedef enum et_memory ET_WIDE { ET_HOST = 0, ET_CUDA = 1 } et_memory;

typedef enum et_code ET_WIDE {
  ET_OK = 0,
  ET_INVALID_ARGUMENT = 1,
  ET_OUT_OF_MEMORY = 2,
  ET_CHECK_FAILED = 3, /* a check that was compiled into the function */
  ET_CUDA_MISSING = 4, /* no driver, or no device */
  ET_CUDA_ERROR = 5,   /* the driver refused a call, or a kernel failed */
  ET_PROCESSOR = 6     /* the processor lacks what the code was compiled for */
} et_code;

typedef struct et_status {
  int32_t code;
  int32_t argument; /* the argument that was refused, or -1 */
  char message[504];
} et_status;

/* Sizes and strides count elements. `owner` is what et_tensor_release gives
   back, null for borrowed data. */
typedef struct et_tensor {
  void *data;
  void *owner;
  int32_t dtype;
  int32_t memory;
  int32_t rank;
  int32_t reserved;
  int64_t sizes[ET_MAX_RANK];
  int64_t strides[ET_MAX_RANK];
} et_tensor;

/* One argument or result. A scalar is passed as a tensor of rank 0. */
typedef struct et_value {
  const char *name;
  const char *weight; /* name in the weights file, or null */
  const char *role;   /* what a tool may use the value for, or null */
  int32_t dtype;
  int32_t is_scalar;
  int64_t rank;
  const int64_t *sizes; /* ET_DYNAMIC where any size will do */
  /* The function whose results are its arguments of this kind, in order: it
     packs weights. Null for what is not packed. */
  const char *packed_by;
} et_value;

typedef struct et_function {
  uint32_t abi_version;
  uint32_t memory; /* where its tensors must lie (et_memory) */
  const char *name;
  uint64_t num_args;
  uint64_t num_results;
  const et_value *args;
  const et_value *results;
  /* slots[i] points at the memref descriptor or the scalar of argument i, and
     slots[num_args + j] at room for those of result j. */
  void (*entry)(void **slots);
  /* The runtime that its code is linked with, in which et_call runs it whatever
     library that et_call is of. Null for the one of that et_call. */
  const struct et_runtime *runtime;
} et_function;

/* Calls `fn`. Arguments must be contiguous (row-major) and are only borrowed,
   except that a function may write to them if its author meant it to. On
   success every result is owned by the caller. A function that works in CUDA
   memory takes host tensors too: they are copied over, and the results come
   back to the host unless all tensor arguments lay on the device.
   Returns the code that is also in `status`, which may be null. */
int et_call(const et_function *fn, const et_tensor *args, size_t num_args,
            et_tensor *results, size_t num_results, et_status *status);

/* The same for a function that works in CUDA memory, as work on the caller's
   `stream` (a CUstream or cudaStream_t of the device's primary context; null is
   the default stream). It returns without waiting for that work. All tensors
   lie in CUDA memory, scalars on the host, and all stay the caller's: the call
   writes its results to the memory of `results`, whose sizes must be right. So
   the stream may be captured in a graph. Run the function once before, for that
   loads its kernels; the graph then works on these very tensors. */
int et_call_on_stream(const et_function *fn, void *stream,
                      const et_tensor *args, size_t num_args,
                      const et_tensor *results, size_t num_results,
                      et_status *status);

/* A tensor over memory that stays the caller's. Of a rank that has no room, or
   without sizes, it is one that all other functions refuse. */
et_tensor et_tensor_borrow(void *data, et_dtype dtype, int32_t rank,
                           const int64_t *sizes);

/* A contiguous copy in `memory`, owned by the caller; it is written on success
   alone. A source on the host may have any strides, also of 0 and below; one in
   CUDA memory must be contiguous. */
int et_tensor_copy(const et_tensor *source, et_memory memory, et_tensor *copy,
                   et_status *status);

/* Gives an owned tensor's memory back and clears it. Harmless on a borrowed
   or an already released one. It may be of any library that is still loaded. */
void et_tensor_release(et_tensor *tensor);

/* 0 and "unknown" for what is no type. */
size_t et_dtype_size(et_dtype dtype);
const char *et_dtype_name(et_dtype dtype);
/* -1 for a shape that no tensor has: a rank below 0 or above ET_MAX_RANK, a
   negative size, or sizes whose product does not fit. */
int64_t et_tensor_elements(const et_tensor *tensor);

/* Bytes that the compiled functions of this library and their results hold, now
   and at most since the last reset. Arguments are not counted. */
size_t et_memory_current(et_memory memory);
size_t et_memory_peak(et_memory memory);
void et_memory_reset_peak(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* ET_RUNTIME_ET_RUNTIME_H */
