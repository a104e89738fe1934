/* A CUDA driver in host memory, for tests. "Kernels" are functions of this
   file. It keeps count of what is alive, and fails on demand:
     FAKE_FAIL=NAME      that entry point returns an error
     FAKE_DEVICES=N      number of devices (1 without)
     FAKE_POOLS=1        streams can allocate
     FAKE_MAJOR=N        the device's architecture is N.0 (9.0 without)
   Copies from the host land as late as a driver may let them: when the default
   stream is waited for, or work is put on a stream that waits for it.
     FAKE_LOG=FILE       one line for each launch and module */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int result;
typedef struct {
  unsigned grid[3], block[3], shared;
  void *stream, *attributes;
  unsigned count;
} launchConfig;
typedef struct {
  int id;
  char pad[4];
  unsigned value[16];
} launchAttribute;

static int liveMemory, liveStreams, liveEvents, contexts;
static int modulesLoaded, pooled, isCapturing;

static struct {
  void *to, *data;
  size_t bytes;
} pending[16];
static int numPending;

static void land(void) {
  for (int i = 0; i < numPending; ++i) {
    memcpy(pending[i].to, pending[i].data, pending[i].bytes);
    free(pending[i].data);
  }
  numPending = 0;
}
/* Streams that wait for no other have odd handles. */
static void onStream(void *stream) {
  if (!((uintptr_t)stream & 1))
    land();
}

static result fails(const char *name) {
  const char *wanted = getenv("FAKE_FAIL");
  if (!wanted || strcmp(wanted, name))
    return 0;
  return !strcmp(name, "cuMemAlloc_v2")        ? 2
         : !strcmp(name, "cuMemAllocAsync")    ? 2
         : !strcmp(name, "cuInit")             ? 100
         : !strcmp(name, "cuModuleLoadDataEx") ? 209
                                               : 700;
}

static void logLine(const char *format, const char *name, unsigned a,
                    unsigned b, unsigned c) {
  const char *path = getenv("FAKE_LOG");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file)
    return;
  fprintf(file, format, name, a, b, c);
  fclose(file);
}

#define ENTER(name)                                                            \
  do {                                                                         \
    if (fails(#name))                                                          \
      return fails(#name);                                                     \
  } while (0)
/* What follows needs a current context, as on a real driver. */
#define ENTER_CONTEXT(name)                                                    \
  do {                                                                         \
    ENTER(name);                                                               \
    if (contexts == 0)                                                         \
      return 201;                                                              \
  } while (0)

/* How often someone asked for the number of multiprocessors. */
static int processorQueries;
int fakeQueries(void) { return processorQueries; }
void fakeCapture(int on) { isCapturing = on; }
/* What of the memory came from a stream, freed or not. */
int fakePooled(void) { return pooled; }
int fakeAlive(void) { return liveMemory + liveStreams + liveEvents + contexts; }

result cuGetErrorName(result code, const char **name) {
  *name = code == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : code == 100 ? "CUDA_ERROR_NO_DEVICE"
          : code == 209 ? "CUDA_ERROR_NO_BINARY_FOR_GPU"
          : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : code == 201 ? "CUDA_ERROR_INVALID_CONTEXT"
                        : "CUDA_ERROR_INVALID_VALUE";
  return 0;
}
result cuGetErrorString(result code, const char **text) {
  (void)code;
  *text = "as the test asked";
  return 0;
}
result cuInit(unsigned flags) {
  (void)flags;
  ENTER(cuInit);
  return 0;
}
result cuDeviceGetCount(int *count) {
  *count = getenv("FAKE_DEVICES") ? atoi(getenv("FAKE_DEVICES")) : 1;
  return 0;
}
result cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return 0;
}
result cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  const char *major = getenv("FAKE_MAJOR");
  processorQueries += attribute == 16;
  *value = attribute == 75   ? (major ? atoi(major) : 9)
           : attribute == 16 ? 132
                             : attribute == 115 && getenv("FAKE_POOLS");
  return 0;
}
result cuDevicePrimaryCtxRetain(void **context, int device) {
  ENTER(cuDevicePrimaryCtxRetain);
  *context = (void *)(uintptr_t)(device + 1);
  return 0;
}
result cuCtxPushCurrent_v2(void *context) {
  if (!context)
    return 201;
  ++contexts;
  return 0;
}
result cuCtxPopCurrent_v2(void **context) {
  *context = NULL;
  --contexts;
  return 0;
}
result cuModuleLoadDataEx(void **module, const void *image, unsigned count,
                          int *options, void **values) {
  /* 5 is the error log's buffer. */
  if (fails("cuModuleLoadDataEx") && count && options[0] == 5)
    strcpy(values[0], "");
  ENTER_CONTEXT(cuModuleLoadDataEx);
  logLine("load %s options %u\n", image, count, 0, 0);
  *module = (void *)image;
  ++modulesLoaded;
  return 0;
}
result cuModuleUnload(void *module) {
  (void)module;
  ENTER_CONTEXT(cuModuleUnload);
  logLine("unload%s\n", "", 0, 0, 0);
  return 0;
}

static void addOne(void **params, unsigned count) {
  float *data = *(float **)params[0];
  int64_t size = *(int64_t *)params[1];
  for (int64_t i = 0; i < size && i < count; ++i)
    data[i] += 1;
}

result cuModuleGetFunction(void **function, void *module, const char *name) {
  (void)module;
  ENTER_CONTEXT(cuModuleGetFunction);
  if (strcmp(name, "add_one"))
    return 1;
  *function = (void *)addOne;
  return 0;
}
result cuFuncSetAttribute(void *function, int attribute, int value) {
  (void)function;
  ENTER_CONTEXT(cuFuncSetAttribute);
  logLine("attribute%s %u = %u\n", "", attribute, value, 0);
  return 0;
}
static result launch(const char *name, void *function, unsigned grid,
                     unsigned block, unsigned shared, void **params) {
  if (!grid || !block)
    return 1;
  logLine("%s grid %u block %u shared %u\n", name, grid, block, shared);
  ((void (*)(void **, unsigned))function)(params, grid * block);
  return 0;
}
result cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz,
                      unsigned bx, unsigned by, unsigned bz, unsigned shared,
                      void *stream, void **params, void **extra) {
  (void)extra;
  ENTER_CONTEXT(cuLaunchKernel);
  onStream(stream);
  return launch("launch", function, gx * gy * gz, bx * by * bz, shared, params);
}
result cuLaunchKernelEx(const launchConfig *config, void *function,
                        void **params, void **extra) {
  (void)extra;
  ENTER_CONTEXT(cuLaunchKernelEx);
  onStream(config->stream);
  const launchAttribute *cluster = config->attributes;
  if (config->count != 1 || cluster->id != 4)
    return 1;
  logLine("cluster%s %u %u %u\n", "", cluster->value[0], cluster->value[1],
          cluster->value[2]);
  return launch("launch", function,
                config->grid[0] * config->grid[1] * config->grid[2],
                config->block[0] * config->block[1] * config->block[2],
                config->shared, params);
}
result cuStreamCreate(void **stream, unsigned flags) {
  ENTER_CONTEXT(cuStreamCreate);
  *stream = (void *)(uintptr_t)(2 * ++liveStreams + flags);
  return 0;
}
result cuStreamDestroy_v2(void *stream) {
  (void)stream;
  --liveStreams;
  return 0;
}
result cuStreamSynchronize(void *stream) {
  ENTER_CONTEXT(cuStreamSynchronize);
  onStream(stream);
  return 0;
}
result cuStreamIsCapturing(void *stream, int *status) {
  (void)stream;
  *status = isCapturing;
  return 0;
}
result cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  (void)stream, (void)event, (void)flags;
  return 0;
}
result cuEventCreate(void **event, unsigned flags) {
  (void)flags;
  *event = (void *)(uintptr_t)++liveEvents;
  return 0;
}
result cuEventDestroy_v2(void *event) {
  (void)event;
  --liveEvents;
  return 0;
}
result cuEventSynchronize(void *event) {
  (void)event;
  return 0;
}
result cuEventRecord(void *event, void *stream) {
  (void)event, (void)stream;
  return 0;
}
result cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
  ENTER_CONTEXT(cuMemAlloc_v2);
  if (!bytes)
    return 1;
  *pointer = (uint64_t)(uintptr_t)malloc(bytes);
  ++liveMemory;
  return 0;
}
result cuMemFree_v2(uint64_t pointer) {
  if (contexts == 0)
    return 201;
  land();
  free((void *)(uintptr_t)pointer);
  --liveMemory;
  return 0;
}
result cuMemAllocAsync(uint64_t *pointer, size_t bytes, void *stream) {
  (void)stream;
  ENTER_CONTEXT(cuMemAllocAsync);
  ++pooled;
  return cuMemAlloc_v2(pointer, bytes);
}
result cuMemFreeAsync(uint64_t pointer, void *stream) {
  (void)stream;
  return cuMemFree_v2(pointer);
}
static result copy(uint64_t to, uint64_t from, size_t bytes) {
  memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
  return 0;
}
result cuMemcpy(uint64_t to, uint64_t from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpy);
  land();
  return copy(to, from, bytes);
}
result cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpyHtoD_v2);
  if (numPending == 16)
    land();
  pending[numPending].to = (void *)(uintptr_t)to;
  pending[numPending].bytes = bytes;
  pending[numPending].data = malloc(bytes);
  memcpy(pending[numPending++].data, from, bytes);
  return 0;
}
result cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpyDtoH_v2);
  land();
  return copy((uintptr_t)to, from, bytes);
}
result cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, void *stream) {
  ENTER_CONTEXT(cuMemcpyAsync);
  onStream(stream);
  return copy(to, from, bytes);
}
result cuMemsetD32Async(uint64_t to, unsigned value, size_t count,
                        void *stream) {
  ENTER_CONTEXT(cuMemsetD32Async);
  onStream(stream);
  for (size_t i = 0; i < count; ++i)
    ((unsigned *)(uintptr_t)to)[i] = value;
  return 0;
}
result cuMemsetD16Async(uint64_t to, unsigned short value, size_t count,
                        void *stream) {
  ENTER_CONTEXT(cuMemsetD16Async);
  onStream(stream);
  for (size_t i = 0; i < count; ++i)
    ((unsigned short *)(uintptr_t)to)[i] = value;
  return 0;
}
/* What a map is made of, in place of one. */
result cuTensorMapEncodeTiled(void *map, int type, unsigned rank,
                              uint64_t address, const uint64_t *sizes,
                              const uint64_t *strides, const unsigned *box,
                              const unsigned *steps, int interleave,
                              int swizzle, int promotion, int fill) {
  ENTER_CONTEXT(cuTensorMapEncodeTiled);
  uint64_t all[] = {type,     rank,       address,    sizes[0],
                    sizes[1], sizes[2],   box[0],     box[1],
                    box[2],   strides[0], strides[1], steps[0],
                    steps[1], steps[2],   swizzle,    fill};
  (void)promotion;
  memcpy(map, all, sizeof(all));
  return interleave;
}
