/* A CUDA function as the compiler would make it, over whatever driver
   ET_CUDA_DRIVER names. Arguments: the code that the call must return (0 to 5),
   and a part of the message. */

#include "check.h"
#include "et/Runtime/et_runtime.h"

#include <dlfcn.h>
#include <stdbool.h>

void *mgpuModuleLoadJIT(void *data, int optLevel);
void *mgpuModuleLoad(void *data, size_t size);
void mgpuModuleUnload(void *module);
void *mgpuModuleGetFunction(void *module, const char *name);
void mgpuLaunchKernel(void *kernel, intptr_t, intptr_t, intptr_t, intptr_t,
                      intptr_t, intptr_t, int32_t, void *, void **, void **,
                      size_t);
void mgpuLaunchClusterKernel(void *kernel, intptr_t, intptr_t, intptr_t,
                             intptr_t, intptr_t, intptr_t, intptr_t, intptr_t,
                             intptr_t, int32_t, void *, void **, void **);
void *mgpuStreamCreate(void);
void mgpuStreamDestroy(void *);
void mgpuStreamSynchronize(void *);
void *mgpuEventCreate(void);
void mgpuEventDestroy(void *);
void mgpuEventRecord(void *, void *);
void mgpuEventSynchronize(void *);
void mgpuStreamWaitEvent(void *, void *);
void *mgpuMemAlloc(uint64_t, void *, bool);
void mgpuMemFree(void *, void *);
void mgpuMemcpy(void *, void *, size_t, void *);
void mgpuMemset32(void *, unsigned, size_t, void *);
void mgpuMemset16(void *, unsigned short, size_t, void *);
void mgpuSetDefaultDevice(int32_t);
int64_t et_cuda_processors(int64_t, int64_t);
void et_cuda_tensor_map(void *, int64_t, int64_t, int64_t, int64_t, int64_t);

typedef struct {
  float *allocated, *aligned;
  int64_t offset, size, stride;
} vector;

static void *module;

/* As a compiled library does it: before main, with no one to tell. */
__attribute__((constructor)) static void load(void) {
  module = mgpuModuleLoadJIT("the PTX", 2);
}
__attribute__((destructor)) static void unload(void) {
  mgpuModuleUnload(module);
}

/* y = x + 2, in two launches. */
static void addTwo(void **slots) {
  vector x = *(vector *)slots[0], y = x;
  void *stream = mgpuStreamCreate();
  void *event = mgpuEventCreate();
  y.allocated = y.aligned = mgpuMemAlloc(x.size * 4, stream, false);
  void *scratch = mgpuMemAlloc(64, stream, false);
  mgpuMemset32(scratch, 7, 16, stream);
  mgpuMemset16(scratch, 7, 32, stream);
  mgpuMemset32(scratch, 7, 0, stream);
  mgpuMemcpy(y.aligned, x.aligned, x.size * 4, stream);
  mgpuEventRecord(event, stream);
  mgpuStreamWaitEvent(stream, event);
  mgpuEventSynchronize(event);
  void *params[] = {&y.aligned, &y.size};
  mgpuLaunchKernel(mgpuModuleGetFunction(module, "add_one"), x.size, 1, 1, 32,
                   1, 1, 100 << 10, stream, params, NULL, 2);
  mgpuLaunchClusterKernel(mgpuModuleGetFunction(module, "add_one"), 2, 1, 1,
                          x.size, 1, 1, 32, 1, 1, 8, stream, params, NULL);
  mgpuStreamSynchronize(stream);
  mgpuMemFree(scratch, stream);
  mgpuEventDestroy(event);
  mgpuStreamDestroy(stream);
  *(vector *)slots[1] = y;
}

static void badKernel(void **slots) {
  (void)slots;
  mgpuMemAlloc(64, NULL, false);
  mgpuModuleGetFunction(module, "no_such_kernel");
  CHECK(!"reached");
}

/* A device that is not there. */
static void badDevice(void **slots) {
  (void)slots;
  mgpuMemAlloc(64, NULL, false);
  mgpuSetDefaultDevice(0);
  mgpuSetDefaultDevice(3);
  CHECK(!"reached");
}

/* A tensor map that the driver refuses. */
static void badMap(void **slots) {
  uint64_t map[16];
  (void)slots;
  et_cuda_tensor_map(map, 256, 5, 72, 40, 2);
  CHECK(!"reached");
}

/* More blocks than 32 bits can say. */
static void hugeGrid(void **slots) {
  (void)slots;
  mgpuLaunchKernel(mgpuModuleGetFunction(module, "add_one"), 1LL << 32, 1, 1,
                   32, 1, 1, 0, NULL, NULL, NULL, 0);
  CHECK(!"reached");
}

static const int64_t anySize[] = {ET_DYNAMIC};
static const et_value x = {"x", NULL, NULL, ET_F32, 0, 1, anySize, NULL};
static et_function fn = {ET_ABI_VERSION, ET_CUDA, "add_two", 1, 1, &x, &x,
                         addTwo,         NULL};

static void *fake(const char *name) {
  void *driver = dlopen(getenv("ET_CUDA_DRIVER"), RTLD_NOW | RTLD_NOLOAD);
  return driver ? dlsym(driver, name) : NULL;
}

/* What the fake driver still holds; a real one doesn't tell. */
static int alive(void) {
  int (*count)(void) = (int (*)(void))fake("fakeAlive");
  return count ? count() : 0;
}

static void testHost(int64_t size) {
  float data[] = {1, 2, 3, 4, 5};
  et_tensor arg = et_tensor_borrow(data, ET_F32, 1, &size), y;
  et_status status;
  if (et_call(&fn, &arg, 1, &y, 1, &status))
    fprintf(stderr, "%s\n", status.message);
  CHECK(status.code == ET_OK);
  CHECK(y.memory == ET_HOST && y.sizes[0] == size);
  for (int64_t i = 0; i < size; ++i)
    CHECK(((float *)y.data)[i] == data[i] + 2);
  et_tensor_release(&y);
  CHECK(alive() == 0 && et_memory_current(ET_CUDA) == 0);
}

/* A copy of the program's own, on the default stream. */
static void copyByDefault(void *to, const void *from, size_t bytes) {
  void *context;
  ((int (*)(void *))fake("cuCtxPushCurrent_v2"))((void *)1);
  ((int (*)(uint64_t, const void *, size_t))fake("cuMemcpyHtoD_v2"))(
      (uintptr_t)to, from, bytes);
  ((int (*)(void **))fake("cuCtxPopCurrent_v2"))(&context);
}

/* Device tensors are passed and returned where they are, after what the
   program did with them on the default stream. */
static void testDevice(void) {
  float zeros[5] = {0}, data[] = {1, 2, 3, 4, 5};
  int64_t size = 5;
  et_tensor host = et_tensor_borrow(zeros, ET_F32, 1, &size), arg, y, back;
  CHECK(et_tensor_copy(&host, ET_CUDA, &arg, NULL) == ET_OK);
  copyByDefault(arg.data, data, sizeof(data));
  CHECK(arg.memory == ET_CUDA && et_memory_current(ET_CUDA) == 20);
  /* Kernels could not move 16 bytes at a time from there. */
  et_tensor inside = arg;
  et_status status;
  inside.data = (char *)arg.data + 4;
  inside.owner = NULL;
  CHECK(et_call(&fn, &inside, 1, &y, 1, &status) == ET_INVALID_ARGUMENT);
  CHECK(strstr(status.message, "multiple of 16 bytes") && !status.argument);
  CHECK(et_call(&fn, &arg, 1, &y, 1, NULL) == ET_OK);
  CHECK(y.memory == ET_CUDA && et_memory_current(ET_CUDA) == 40);
  CHECK(et_tensor_copy(&y, ET_HOST, &back, NULL) == ET_OK);
  for (int i = 0; i < 5; ++i)
    CHECK(((float *)back.data)[i] == data[i] + 2);
  et_tensor_release(&arg);
  et_tensor_release(&y);
  et_tensor_release(&back);
  CHECK(alive() == 0 && et_memory_current(ET_CUDA) == 0);
}

/* A matrix's columns on the host, as rows on the device; but not from there. */
static void testStrides(void) {
  float data[] = {1, 2, 3, 4, 5, 6}, rows[] = {1, 4, 2, 5, 3, 6};
  int64_t sizes[] = {3, 2};
  et_tensor host = et_tensor_borrow(data, ET_F32, 2, sizes), arg, back;
  et_status status;
  host.strides[0] = 1, host.strides[1] = 3;
  CHECK(et_tensor_copy(&host, ET_CUDA, &arg, NULL) == ET_OK);
  CHECK(et_memory_current(ET_HOST) == 0);
  CHECK(et_tensor_copy(&arg, ET_HOST, &back, NULL) == ET_OK);
  CHECK(!memcmp(back.data, rows, sizeof(rows)));
  et_tensor part = arg;
  part.owner = NULL;
  part.sizes[1] = 1;
  CHECK(et_tensor_copy(&part, ET_HOST, &back, &status) == ET_INVALID_ARGUMENT);
  CHECK(strstr(status.message, "lies in CUDA memory and is not contiguous"));
  et_tensor_release(&arg);
  et_tensor_release(&back);
  CHECK(alive() == 0 && et_memory_current(ET_CUDA) == 0);
}

/* On a stream that waits for no other, right after a copy to the device. */
static void testStream(void) {
  void *const nonBlocking = (void *)1;
  float data[] = {1, 2, 3, 4, 5}, zeros[5] = {0};
  int64_t size = 5;
  int hasPools = getenv("FAKE_POOLS") != NULL;
  et_tensor host = et_tensor_borrow(data, ET_F32, 1, &size), arg, y, back;
  et_tensor empty = et_tensor_borrow(zeros, ET_F32, 1, &size);
  et_status status;
  CHECK(et_tensor_copy(&empty, ET_CUDA, &y, NULL) == ET_OK);
  CHECK(et_tensor_copy(&host, ET_CUDA, &arg, NULL) == ET_OK);
  CHECK(et_call_on_stream(&fn, nonBlocking, &arg, 1, &y, 1, NULL) == ET_OK);
  CHECK(et_memory_current(ET_CUDA) == 40);
  CHECK(et_tensor_copy(&y, ET_HOST, &back, NULL) == ET_OK);
  for (int i = 0; i < 5; ++i)
    CHECK(((float *)back.data)[i] == data[i] + 2);
  et_tensor_release(&back);

  /* Without pools, memory would be allocated outside the graph. */
  ((void (*)(int))fake("fakeCapture"))(1);
  et_call_on_stream(&fn, nonBlocking, &arg, 1, &y, 1, &status);
  ((void (*)(int))fake("fakeCapture"))(0);
  CHECK(status.code == (hasPools ? ET_OK : ET_CUDA_ERROR));
  CHECK(hasPools || strstr(status.message, "has no memory pools"));
  et_tensor_release(&arg);
  et_tensor_release(&y);
  CHECK(alive() == 0 && et_memory_current(ET_CUDA) == 0);
  CHECK(((int (*)(void))fake("fakePooled"))() > 0 == hasPools);
}

/* A copy fails alike whether or not it can say why. */
static void testCopy(void) {
  float data[] = {1, 2, 3, 4, 5};
  int64_t size = 5;
  et_tensor host = et_tensor_borrow(data, ET_F32, 1, &size), copy;
  et_status status;
  for (int i = 0; i < 2; ++i) {
    int code = et_tensor_copy(&host, ET_CUDA, &copy, i ? NULL : &status);
    CHECK(code == status.code && (code == 0) == (status.message[0] == 0));
    if (!code)
      et_tensor_release(&copy);
    CHECK(alive() == 0 && et_memory_current(ET_CUDA) == 0);
  }
}

/* 5 matrices of 72 x 40 elements of 16 bits, in boxes of 64 x 64 that are
   swizzled and end in zeros; 72 x 48 bytes, in boxes of 128 x 64; of nothing,
   there is no map. */
static void testMap(void) {
  int isHopper = !getenv("FAKE_MAJOR");
  const uint64_t expected[] = {1, 3,  256,  40, 72, 5, 64, 64,
                               1, 80, 5760, 1,  1,  1, 3,  0};
  const uint64_t ofBytes[] = {0, 3,  256,  48, 72, 5, 64, 128,
                              1, 48, 3456, 1,  1,  1, 2,  0};
  uint64_t map[16], none[16] = {0};
  CHECK(et_cuda_processors(90, 91) == (isHopper ? 132 : 0));
  CHECK(et_cuda_processors(80, 90) == (isHopper ? 0 : 132));
  et_cuda_tensor_map(map, 256, 5, 72, 40, 2);
  CHECK(!memcmp(map, isHopper ? expected : none, sizeof(map)));
  et_cuda_tensor_map(map, 256, 5, 72, 48, 1);
  CHECK(!memcmp(map, isHopper ? ofBytes : none, sizeof(map)));
  /* A device is asked once what it is. */
  CHECK(((int (*)(void))fake("fakeQueries"))() == 1);
  et_cuda_tensor_map(map, 256, 0, 72, 40, 2);
  CHECK(!memcmp(map, none, sizeof(map)));
  et_cuda_tensor_map(map, 256, 5, 72, 0, 2);
  CHECK(!memcmp(map, none, sizeof(map)));
  CHECK(alive() == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  int code = atoi(argv[1]);
  if (code == ET_OK) {
    testHost(5);
    testHost(0);
    testDevice();
    testStream();
    testStrides();
    testCopy();
    testMap();
    /* As when a library is unloaded, and loaded again. */
    unload();
    load();
    testHost(5);
    return 0;
  }
  if (!strcmp(argv[2], "no_such_kernel"))
    fn.entry = badKernel;
  if (strstr(argv[2], "no CUDA device"))
    fn.entry = badDevice;
  if (strstr(argv[2], "TensorMap"))
    fn.entry = badMap;
  if (strstr(argv[2], "grid"))
    fn.entry = hugeGrid;
  testCopy();
  float data[] = {1, 2, 3, 4, 5};
  int64_t size = 5;
  et_tensor arg = et_tensor_borrow(data, ET_F32, 1, &size), y;
  et_status status;
  for (int i = 0; i < 2; ++i) {
    int actual = et_call(&fn, &arg, 1, &y, 1, &status);
    if (actual != code || !strstr(status.message, argv[2])) {
      fprintf(stderr, "got %d: %s\n", actual, status.message);
      return 1;
    }
    CHECK(!y.data && alive() == 0 && et_memory_current(ET_CUDA) == 0);
  }
  puts(status.message);
  return 0;
}
