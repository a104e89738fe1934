/* et_call with functions that are written here as compiled code would be. */

#include "check.h"
#include "et/Runtime/et_runtime.h"

#include <pthread.h>
#include <stdint.h>

void *_mlir_memref_to_llvm_alloc(size_t size);
void *_mlir_memref_to_llvm_aligned_alloc(size_t alignment, size_t size);
void _mlir_memref_to_llvm_free(void *data);
void et_check_failed(const char *message);
void et_check_noted(const char *message);
void et_check_processor(const char *features);
void et_enter_parallel(void);
void et_leave_parallel(void);

typedef struct {
  float *allocated, *aligned;
  int64_t offset, sizes[2], strides[2];
} matrix;

static const int64_t anyBy3[] = {ET_DYNAMIC, 3};
static const int64_t none[1];

/* y = x * by, allocated with an offset as a lowering that pads might. */
static void scale(void **slots) {
  matrix x = *(matrix *)slots[0];
  float by = *(float *)slots[1];
  int64_t count = x.sizes[0] * x.sizes[1];
  void *scratch = _mlir_memref_to_llvm_alloc(1000);
  matrix y = x;
  y.allocated = _mlir_memref_to_llvm_aligned_alloc(256, (count + 8) * 4);
  CHECK((uintptr_t)y.allocated % 256 == 0);
  y.aligned = y.allocated;
  y.offset = 8;
  for (int64_t i = 0; i < count; ++i)
    y.aligned[8 + i] = x.aligned[i] * by;
  _mlir_memref_to_llvm_free(scratch);
  *(matrix *)slots[2] = y;
  *(int64_t *)slots[3] = count;
}

/* Returns its argument, and one new tensor twice. */
static void alias(void **slots) {
  matrix x = *(matrix *)slots[0], y = x;
  y.allocated = y.aligned = _mlir_memref_to_llvm_alloc(x.sizes[0] * 12);
  memset(y.aligned, 0, x.sizes[0] * 12);
  *(matrix *)slots[1] = x;
  *(matrix *)slots[2] = y;
  *(matrix *)slots[3] = y;
}

static void fails(void **slots) {
  (void)slots;
  _mlir_memref_to_llvm_alloc(1 << 20);
  et_check_failed("the check of this test");
}

static void leaksAndDies(void **slots) {
  (void)slots;
  _mlir_memref_to_llvm_alloc(1 << 20);
  _mlir_memref_to_llvm_alloc((size_t)1 << 60);
  CHECK(!"reached");
}

static void overflows(void **slots) {
  (void)slots;
  _mlir_memref_to_llvm_alloc(SIZE_MAX - 3);
  CHECK(!"reached");
}

static void *allocateInThread(void *size) {
  float *data = _mlir_memref_to_llvm_alloc((size_t)(uintptr_t)size);
  if (data)
    data[0] = 1;
  _mlir_memref_to_llvm_free(data);
  return NULL;
}

/* A thread that is not the caller's cannot be unwound. */
static void failsInThread(void **slots) {
  (void)slots;
  pthread_t thread;
  CHECK(!pthread_create(&thread, NULL, allocateInThread,
                        (void *)((uintptr_t)1 << 60)));
  pthread_join(thread, NULL);
}

/* The frames of its own parallel region are not jumped over, but those of an
   earlier one are no more. */
static void failsInRegion(void **slots) {
  (void)slots;
  et_enter_parallel();
  et_enter_parallel();
  et_leave_parallel();
  CHECK(!_mlir_memref_to_llvm_alloc((size_t)1 << 60));
  et_leave_parallel();
}

static void *checkInThread(void *message) {
  et_check_noted(message);
  return NULL;
}

/* A check behind which nothing relies on it: the threads run on. */
static void notesInRegion(void **slots) {
  (void)slots;
  pthread_t thread;
  et_enter_parallel();
  et_check_noted("its own");
  CHECK(!pthread_create(&thread, NULL, checkInThread, "somebody's"));
  pthread_join(thread, NULL);
  et_leave_parallel();
}

/* On a thread that is no call's. */
static void notesInThread(void **slots) {
  (void)slots;
  pthread_t thread;
  CHECK(!pthread_create(&thread, NULL, checkInThread, "somebody's"));
  pthread_join(thread, NULL);
}

/* What a call knows of itself comes before what may be another's. */
static void failsWhileOthersNote(void **slots) {
  failsInRegion(slots);
  notesInThread(slots);
}

static void notesOutside(void **slots) {
  (void)slots;
  et_check_noted("noted at once");
  CHECK(!"reached");
}

static void failsAfterRegion(void **slots) {
  et_enter_parallel();
  et_leave_parallel();
  fails(slots);
}

/* Another call fails in a region while this one runs, which is well. */
static void callsFailing(void **slots) {
  static const et_function failing = {
      ET_ABI_VERSION, ET_HOST, "failing",     0,   0,
      NULL,           NULL,    failsInRegion, NULL};
  CHECK(et_call(&failing, NULL, 0, NULL, 0, NULL) == ET_OUT_OF_MEMORY);
  *(int64_t *)slots[0] = 5;
}

/* A result that no tensor can be. */
static void negative(void **slots) {
  matrix y = {NULL, NULL, 0, {-1, 3}, {3, 1}};
  *(matrix *)slots[0] = y;
  *(int64_t *)slots[1] = 0;
}

static const et_value matrixAndScalar[] = {
    {"x", NULL, NULL, ET_F32, 0, 2, anyBy3, NULL},
    {"by", NULL, NULL, ET_F32, 1, 0, none, NULL}};
static const et_value matrixAndCount[] = {
    {"y", NULL, NULL, ET_F32, 0, 2, anyBy3, NULL},
    {"count", NULL, NULL, ET_I64, 1, 0, none, NULL}};
static const et_value threeMatrices[] = {
    {"a", NULL, NULL, ET_F32, 0, 2, anyBy3, NULL},
    {"b", NULL, NULL, ET_F32, 0, 2, anyBy3, NULL},
    {"c", NULL, NULL, ET_F32, 0, 2, anyBy3, NULL}};

static const et_function scaleFn = {
    ET_ABI_VERSION,  ET_HOST,        "scale", 2,   2,
    matrixAndScalar, matrixAndCount, scale,   NULL};
static const et_function aliasFn = {
    ET_ABI_VERSION,  ET_HOST,       "alias", 1,   3,
    matrixAndScalar, threeMatrices, alias,   NULL};

static float data[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static float two = 2;

static void testSuccess(void) {
  size_t before = et_memory_current(ET_HOST);
  et_memory_reset_peak();
  int64_t sizes[] = {4, 3};
  et_tensor args[] = {et_tensor_borrow(data, ET_F32, 2, sizes),
                      et_tensor_borrow(&two, ET_F32, 0, NULL)};
  et_tensor results[2];
  et_status status;
  CHECK(et_call(&scaleFn, args, 2, results, 2, &status) == ET_OK);
  CHECK(status.code == ET_OK && status.argument == -1);
  CHECK(results[0].rank == 2 && results[0].sizes[0] == 4);
  CHECK(results[0].strides[0] == 3 && results[0].strides[1] == 1);
  for (int i = 0; i < 12; ++i)
    CHECK(((float *)results[0].data)[i] == 2 * data[i]);
  CHECK(results[1].rank == 0 && *(int64_t *)results[1].data == 12);
  CHECK(et_memory_peak(ET_HOST) - before == 1000 + 20 * 4);
  et_tensor copy;
  CHECK(et_tensor_copy(&results[0], ET_HOST, &copy, &status) == ET_OK);
  et_tensor_release(&results[0]);
  et_tensor_release(&results[0]);
  CHECK(((float *)copy.data)[11] == 22);
  et_tensor_release(&copy);
  et_tensor_release(&results[1]);
  et_tensor_release(&args[0]);
  CHECK(et_memory_current(ET_HOST) == before);
}

static void testEmpty(void) {
  int64_t sizes[] = {0, 3};
  et_tensor args[] = {et_tensor_borrow(NULL, ET_F32, 2, sizes),
                      et_tensor_borrow(&two, ET_F32, 0, NULL)};
  et_tensor results[2];
  CHECK(et_call(&scaleFn, args, 2, results, 2, NULL) == ET_OK);
  CHECK(results[0].sizes[0] == 0 && results[0].sizes[1] == 3);
  et_tensor_release(&results[0]);
  et_tensor_release(&results[1]);
}

static void testAlias(void) {
  int64_t sizes[] = {4, 3};
  et_tensor arg = et_tensor_borrow(data, ET_F32, 2, sizes);
  et_tensor results[3];
  et_status status;
  size_t before = et_memory_current(ET_HOST);
  CHECK(et_call(&aliasFn, &arg, 1, results, 3, &status) == ET_OK);
  CHECK(results[0].data != data && ((float *)results[0].data)[5] == 5);
  CHECK(results[1].data != results[2].data);
  for (int i = 0; i < 3; ++i)
    et_tensor_release(&results[i]);
  CHECK(et_memory_current(ET_HOST) == before);
}

static void expect(const et_function *fn, const et_tensor *args, size_t numArgs,
                   size_t numResults, et_code code, int argument,
                   const char *message) {
  et_tensor results[4];
  et_status status;
  size_t before = et_memory_current(ET_HOST);
  memset(results, 0xff, sizeof(results));
  CHECK(et_call(fn, args, numArgs, results, numResults, &status) == (int)code);
  CHECK(status.code == (int)code && status.argument == argument);
  if (!strstr(status.message, message)) {
    fprintf(stderr, "'%s' is not in '%s'\n", message, status.message);
    exit(1);
  }
  for (size_t i = 0; i < numResults; ++i)
    CHECK(!results[i].data && !results[i].owner);
  CHECK(et_memory_current(ET_HOST) == before);
  /* Without room for a status the code must be the same. */
  CHECK(et_call(fn, args, numArgs, results, numResults, NULL) == (int)code);
}

static void testRefusals(void) {
  int64_t sizes[] = {4, 3}, wide[] = {4, 5}, negative[] = {-4, 3};
  et_tensor good[] = {et_tensor_borrow(data, ET_F32, 2, sizes),
                      et_tensor_borrow(&two, ET_F32, 0, NULL)};
  et_tensor args[2];
#define RESET memcpy(args, good, sizeof(args))
  expect(&scaleFn, good, 1, 2, ET_INVALID_ARGUMENT, -1,
         "takes 2 arguments, but got 1");
  expect(&scaleFn, good, 2, 3, ET_INVALID_ARGUMENT, -1, "has 2 results");
  RESET, args[0] = et_tensor_borrow(data, ET_F32, 2, wide);
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0,
         "argument 0 'x' must be f32[?x3], but is f32[4x5]");
  RESET, args[0].dtype = ET_BF16;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "but is bf16[4x3]");
  RESET, args[0].dtype = 77;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "but is unknown[4x3]");
  RESET, args[0].rank = 1;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "but is f32[4]");
  RESET, args[0].rank = 100;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "rank");
  RESET, args[0] = et_tensor_borrow(data, ET_F32, 2, negative);
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "negative size");
  RESET, args[0].sizes[0] = INT64_MAX / 8;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "more bytes");
  RESET, args[0].strides[0] = 1, args[0].strides[1] = 4;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "not contiguous");
  RESET, args[0].data = NULL;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "has no data");
  RESET, args[0].memory = ET_CUDA;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "lies in CUDA memory");
  RESET, args[0].memory = 9;
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 0, "unknown memory");
  RESET, args[1] = args[0];
  expect(&scaleFn, args, 2, 2, ET_INVALID_ARGUMENT, 1,
         "argument 1 'by' must be f32, but is f32[4x3]");
  et_value packed[] = {matrixAndScalar[0], matrixAndScalar[1]};
  packed[0].packed_by = "scale_pack";
  et_function takesPacked = scaleFn;
  takesPacked.args = packed;
  RESET, args[0] = et_tensor_borrow(data, ET_F32, 2, wide);
  expect(&takesPacked, args, 2, 2, ET_INVALID_ARGUMENT, 0,
         "but is f32[4x5]; it takes packed weights: call 'scale_pack' once and "
         "pass its results");
  et_function old = scaleFn;
  old.abi_version = ET_ABI_VERSION + 1;
  expect(&old, good, 2, 2, ET_INVALID_ARGUMENT, -1, "compile it again");
  expect(NULL, good, 2, 2, ET_INVALID_ARGUMENT, -1, "no function to call");
  expect(&scaleFn, NULL, 2, 2, ET_INVALID_ARGUMENT, -1,
         "the array of arguments is null");
  et_status status;
  CHECK(et_call(&scaleFn, good, 2, NULL, 2, &status) == ET_INVALID_ARGUMENT);
  CHECK(strstr(status.message, "the array of results is null"));
  CHECK(et_call_on_stream(&scaleFn, NULL, good, 2, NULL, 2, &status) ==
        ET_INVALID_ARGUMENT);
  CHECK(strstr(status.message, "the array of results is null"));
}

static void testFailures(void) {
  et_function fn = {ET_ABI_VERSION, ET_HOST,        "fails", 0,   2,
                    NULL,           matrixAndCount, fails,   NULL};
  expect(&fn, NULL, 0, 2, ET_CHECK_FAILED, -1, "the check of this test");
  fn.entry = leaksAndDies;
  expect(&fn, NULL, 0, 2, ET_OUT_OF_MEMORY, -1, "1152921504606846976 bytes");
  fn.entry = overflows;
  expect(&fn, NULL, 0, 2, ET_OUT_OF_MEMORY, -1, "out of memory");
  fn.entry = failsInThread;
  expect(&fn, NULL, 0, 2, ET_OUT_OF_MEMORY, -1, "in a parallel region");
  fn.entry = failsInRegion;
  expect(&fn, NULL, 0, 2, ET_OUT_OF_MEMORY, -1, "in a parallel region");
  fn.entry = notesInRegion;
  expect(&fn, NULL, 0, 2, ET_CHECK_FAILED, -1, "its own");
  fn.entry = notesInThread;
  expect(&fn, NULL, 0, 2, ET_CHECK_FAILED, -1, "somebody's");
  fn.entry = failsWhileOthersNote;
  expect(&fn, NULL, 0, 2, ET_OUT_OF_MEMORY, -1, "in a parallel region");
  fn.entry = notesOutside;
  expect(&fn, NULL, 0, 2, ET_CHECK_FAILED, -1, "noted at once");
  fn.entry = failsAfterRegion;
  expect(&fn, NULL, 0, 2, ET_CHECK_FAILED, -1, "the check of this test");
  fn.entry = negative;
  expect(&fn, NULL, 0, 2, ET_CHECK_FAILED, -1,
         "fails: result 0 'y' has a negative size");
}

static void testOtherFailure(void) {
  et_function fn = {ET_ABI_VERSION,     ET_HOST,      "calls", 0, 1, NULL,
                    matrixAndCount + 1, callsFailing, NULL};
  et_tensor result;
  CHECK(et_call(&fn, NULL, 0, &result, 1, NULL) == ET_OK);
  CHECK(*(int64_t *)result.data == 5);
  et_tensor_release(&result);
}

/* A strided size 1 is contiguous whatever its stride says. */
static void testStrideOfOne(void) {
  int64_t sizes[] = {1, 3};
  et_tensor args[] = {et_tensor_borrow(data, ET_F32, 2, sizes),
                      et_tensor_borrow(&two, ET_F32, 0, NULL)};
  args[0].strides[0] = 1000;
  et_tensor results[2];
  CHECK(et_call(&scaleFn, args, 2, results, 2, NULL) == ET_OK);
  CHECK(((float *)results[0].data)[2] == 4);
  et_tensor_release(&results[0]);
  et_tensor_release(&results[1]);
}

#if defined(__linux__) && defined(__x86_64__)
static char features[32];

static void checksProcessor(void **slots) {
  *(int64_t *)slots[0] = 0;
  et_check_processor(features);
}

/* Another list at the address of one that passed is another list. No processor
 * has both of these. */
static void testProcessor(void) {
  static const char *const rare[] = {"avx512vp2intersect", "amx-tile"};
  et_function fn = {ET_ABI_VERSION,     ET_HOST,         "checks", 0, 1, NULL,
                    matrixAndCount + 1, checksProcessor, NULL};
  int refused = 0;
  for (int i = 0; i < 2; ++i) {
    et_tensor result;
    et_status status;
    strcpy(features, "sse4.2");
    CHECK(et_call(&fn, NULL, 0, &result, 1, &status) == ET_OK);
    et_tensor_release(&result);
    strcpy(features, rare[i]);
    if (et_call(&fn, NULL, 0, &result, 1, &status) == ET_OK) {
      et_tensor_release(&result);
      continue;
    }
    CHECK(status.code == ET_PROCESSOR && strstr(status.message, rare[i]));
    ++refused;
  }
  CHECK(refused);
}
#else
static void testProcessor(void) {}
#endif

int main(void) {
  testProcessor();
  testSuccess();
  testEmpty();
  testAlias();
  testRefusals();
  testFailures();
  testOtherFailure();
  testStrideOfOne();
  CHECK(et_memory_current(ET_HOST) == 0);
  return 0;
}
