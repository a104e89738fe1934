/* A program with two compiled libraries, whose functions run each in its own
   runtime, also in a parallel region of the program's. */

#include "scale.h"
#include "twice.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition);        \
      return 1;                                                                \
    }                                                                          \
  } while (0)

/* What a library's own runtime counts. */
static size_t bytesOf(const char *library) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
  size_t (*count)(et_memory) = NULL;
  *(void **)&count = handle ? dlsym(handle, "et_memory_current") : NULL;
  return count ? count(ET_HOST) + count(ET_CUDA) : (size_t)-1;
}

static int callTwice(int64_t size) {
  static float data[7] = {1, 2, 3, 4, 5, 6, 7};
  et_tensor x = et_tensor_borrow(data, ET_F32, 1, &size), y;
  et_status status;
  if (size == 7) {
    CHECK(et_twice(&x, &y, &status) == ET_CHECK_FAILED);
    CHECK(strstr(status.message, "seven are one too many"));
    return 0;
  }
  CHECK(et_twice(&x, &y, &status) == ET_OK);
  for (int i = 0; i < size; ++i)
    CHECK(((float *)y.data)[i] == 2 * data[i]);
  et_tensor_release(&y);
  return 0;
}

static int callScale(void) {
  float data[4] = {1, 2, 3, 4}, weights[4] = {1, 10, 100, 1000}, two = 2;
  int64_t sizes[] = {1, 4};
  et_tensor x = et_tensor_borrow(data, ET_F32, 2, sizes), y, rows;
  et_tensor w = et_tensor_borrow(weights, ET_F32, 1, sizes + 1);
  et_tensor by = et_tensor_borrow(&two, ET_F32, 0, NULL);
  CHECK(et_scale(&x, &w, &by, &y, &rows, NULL) == ET_OK);
  CHECK(((float *)y.data)[3] == 8000);
  CHECK(bytesOf("./scale.so") >= 16 + 8 && bytesOf(TWICE) == 0);
  et_tensor_release(&rows);
  et_tensor_release(&y);
  CHECK(bytesOf("./scale.so") == 0);
  return 0;
}

int main(void) {
  float data[5] = {1, 2, 3, 4, 5};
  int64_t size = 5;
  et_tensor x = et_tensor_borrow(data, ET_F32, 1, &size), y;
  int wrong = 0;
  CHECK(et_twice(&x, &y, NULL) == ET_OK);
  CHECK(bytesOf("./scale.so") == 0 && bytesOf(TWICE) >= 20);
  et_tensor_release(&y);
  CHECK(bytesOf(TWICE) == 0);
  CHECK(callTwice(5) == 0 && callTwice(7) == 0 && callScale() == 0);
#pragma omp parallel for num_threads(2) reduction(+ : wrong)
  for (int i = 0; i < 8; ++i)
    wrong += callTwice(i);
  CHECK(wrong == 0);
  return 0;
}
