/* A library that is loaded, used and unloaded again and again leaves nothing.
 */

#include "et/Runtime/et_runtime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition);        \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static void *find(void *library, const char *name) {
  void *symbol = dlsym(library, name);
  CHECK(symbol);
  return symbol;
}

/* 16 MB of results, which the runtime keeps for the next call. */
static void use(const char *path) {
  static float data[4 << 20];
  int64_t size = 4 << 20;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  CHECK(library);
  int (*call)(const et_function *, const et_tensor *, size_t, et_tensor *,
              size_t, et_status *);
  et_tensor (*borrow)(void *, et_dtype, int32_t, const int64_t *);
  void (*release)(et_tensor *);
  *(void **)&call = find(library, "et_call");
  *(void **)&borrow = find(library, "et_tensor_borrow");
  *(void **)&release = find(library, "et_tensor_release");
  const et_function *twice = find(library, "et_function_twice");
  et_tensor x = borrow(data, ET_F32, 1, &size), y;
  CHECK(call(twice, &x, 1, &y, 1, NULL) == ET_OK);
  release(&y);
  CHECK(dlclose(library) == 0);
  CHECK(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
}

static long mappedPages(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%ld", &pages) == 1);
  fclose(file);
  return pages;
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  use(argv[1]);
  long before = mappedPages();
  for (int i = 0; i < 4; ++i)
    use(argv[1]);
  CHECK((mappedPages() - before) * 4096 < 8 << 20);
  return 0;
}
