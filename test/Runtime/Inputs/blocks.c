/* Large blocks are used again, are never in two hands, and go back to the
   system when it has no other memory. */

#include "check.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

void *_mlir_memref_to_llvm_alloc(size_t size);
void *_mlir_memref_to_llvm_aligned_alloc(size_t alignment, size_t size);
void _mlir_memref_to_llvm_free(void *data);

#define MB ((size_t)1 << 20)

static long pageFaults(void) {
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_minflt;
}

static void fill(unsigned char *data, size_t size, unsigned char value) {
  memset(data, value, size);
}

static int isFull(const unsigned char *data, size_t size, unsigned char value) {
  for (size_t i = 0; i < size; ++i)
    if (data[i] != value)
      return 0;
  return 1;
}

/* The pages of a second block are there already. */
static void testReuse(void) {
  long faults[2];
  for (int round = 0; round < 2; ++round) {
    long before = pageFaults();
    void *data = _mlir_memref_to_llvm_alloc(64 * MB);
    CHECK(data);
    fill(data, 64 * MB, 1);
    faults[round] = pageFaults() - before;
    _mlir_memref_to_llvm_free(data);
  }
  CHECK(faults[0] >= 32);
  CHECK(faults[1] <= faults[0] / 4);
}

/* More blocks than are kept, of sizes that fit each other or not, aligned
   differently, in use at the same time. */
static void testDistinct(void) {
  enum { COUNT = 40 };
  unsigned char *blocks[COUNT];
  size_t sizes[COUNT];
  unsigned state = 7;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < COUNT; ++i) {
      state = state * 1103515245u + 12345u;
      sizes[i] = MB + (state >> 8) % (6 * MB);
      size_t alignment = (size_t)64 << (state >> 16) % 18;
      blocks[i] = _mlir_memref_to_llvm_aligned_alloc(alignment, sizes[i]);
      CHECK(blocks[i] && (uintptr_t)blocks[i] % alignment == 0);
      fill(blocks[i], sizes[i], (unsigned char)i);
      if (i % 3 == 2) {
        CHECK(isFull(blocks[i - 1], sizes[i - 1], (unsigned char)(i - 1)));
        _mlir_memref_to_llvm_free(blocks[i - 1]);
        blocks[i - 1] = NULL;
      }
    }
    for (int i = 0; i < COUNT; ++i)
      if (blocks[i]) {
        CHECK(isFull(blocks[i], sizes[i], (unsigned char)i));
        _mlir_memref_to_llvm_free(blocks[i]);
      }
  }
}

static void testGivenBack(void) {
  _mlir_memref_to_llvm_free(_mlir_memref_to_llvm_alloc(200 * MB));
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%ld", &pages) == 1);
  fclose(file);
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 100 * MB;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  void *data = _mlir_memref_to_llvm_alloc(250 * MB);
  CHECK(data);
  _mlir_memref_to_llvm_free(data);
}

int main(void) {
  testReuse();
  testDistinct();
  testGivenBack();
  return 0;
}
