/* et_tensor_copy of any tensor on the host, and what the et_tensor functions
   refuse. */

#include "check.h"
#include "et/Runtime/et_runtime.h"

#include <stdint.h>

static void expectRefusal(const et_tensor *source, int memory, et_tensor *copy,
                          const char *message) {
  et_status status;
  size_t before = et_memory_current(ET_HOST);
  CHECK(et_tensor_copy(source, (et_memory)memory, copy, &status) ==
        ET_INVALID_ARGUMENT);
  CHECK(status.code == ET_INVALID_ARGUMENT && status.argument == -1);
  if (!strstr(status.message, message)) {
    fprintf(stderr, "'%s' is not in '%s'\n", message, status.message);
    exit(1);
  }
  CHECK(et_tensor_copy(source, (et_memory)memory, copy, NULL) ==
        ET_INVALID_ARGUMENT);
  CHECK(et_memory_current(ET_HOST) == before);
}

/* The copy has each element at its place in row-major order. */
static void expectCopy(const et_tensor *source) {
  et_tensor copy;
  et_status status;
  if (et_tensor_copy(source, ET_HOST, &copy, &status)) {
    fprintf(stderr, "%s\n", status.message);
    exit(1);
  }
  size_t size = et_dtype_size((et_dtype)source->dtype);
  int64_t stride = 1, elements = et_tensor_elements(source);
  CHECK(copy.rank == source->rank && copy.dtype == source->dtype);
  CHECK(copy.memory == ET_HOST && copy.owner && copy.data != source->data);
  for (int i = source->rank - 1; i >= 0; --i) {
    CHECK(copy.sizes[i] == source->sizes[i] && copy.strides[i] == stride);
    stride *= copy.sizes[i];
  }
  for (int64_t at = 0; at < elements; ++at) {
    int64_t rest = at, place = 0;
    for (int i = source->rank - 1; i >= 0; --i) {
      place += rest % source->sizes[i] * source->strides[i];
      rest /= source->sizes[i];
    }
    CHECK(!memcmp((char *)copy.data + at * size,
                  (char *)source->data + place * (int64_t)size, size));
  }
  et_tensor_release(&copy);
}

static void testStrides(void) {
  enum { COUNT = 5000 };
  static const et_dtype types[] = {ET_F32, ET_BF16, ET_F64, ET_I8};
  static double room[COUNT];
  unsigned char *bytes = (unsigned char *)room;
  unsigned state = 7;
  for (size_t i = 0; i < sizeof(room); ++i) {
    state = state * 1103515245u + 12345u;
    bytes[i] = (unsigned char)(state >> 16);
  }
  for (int round = 0; round < 4000; ++round) {
    int64_t sizes[ET_MAX_RANK];
    int rank = (int)(state >> 8) % 5;
    for (int i = 0; i < rank; ++i) {
      state = state * 1103515245u + 12345u;
      sizes[i] = (state >> 16) % 6;
    }
    et_tensor t =
        et_tensor_borrow(&room[COUNT / 2], types[round % 4], rank, sizes);
    /* As it is; transposed; with gaps; repeated; backwards; anyhow. */
    for (int i = 0; i < rank; ++i) {
      state = state * 1103515245u + 12345u;
      int kind = (int)(state >> 16) % 5;
      if (kind == 1 && i) {
        int64_t size = t.sizes[i], stride = t.strides[i];
        t.sizes[i] = t.sizes[i - 1], t.strides[i] = t.strides[i - 1];
        t.sizes[i - 1] = size, t.strides[i - 1] = stride;
      }
      t.strides[i] = kind == 2   ? t.strides[i] * 2
                     : kind == 3 ? 0
                     : kind == 4 ? -t.strides[i]
                                 : t.strides[i];
    }
    expectCopy(&t);
  }
  /* Strides of a single element, or of none, say nothing. */
  et_tensor t = et_tensor_borrow(room, ET_F32, 2, (int64_t[]){1, 3});
  t.strides[0] = INT64_MIN;
  expectCopy(&t);
  t.sizes[0] = 0, t.strides[1] = INT64_MAX, t.data = NULL;
  expectCopy(&t);
}

static void testRefusals(void) {
  float data[64] = {0};
  int64_t sizes[] = {4, 3};
  et_tensor good = et_tensor_borrow(data, ET_F32, 2, sizes), t, copy;
#define CHANGED(change) (t = good, (change), &t)
  expectRefusal(NULL, ET_HOST, &copy, "the source is null");
  expectRefusal(&good, ET_HOST, NULL, "the place for the copy is null");
  expectRefusal(&good, 9, &copy, "there is no memory 9");
  expectRefusal(CHANGED(t.dtype = 77), ET_HOST, &copy, "unknown element type");
  expectRefusal(CHANGED(t.dtype = -1), ET_HOST, &copy, "unknown element type");
  expectRefusal(CHANGED(t.rank = 100000000), ET_HOST, &copy, "has a rank");
  expectRefusal(CHANGED(t.rank = -1), ET_HOST, &copy, "has a rank");
  expectRefusal(CHANGED(t.sizes[0] = -1), ET_HOST, &copy, "a negative size");
  expectRefusal(CHANGED(t.sizes[0] = INT64_MAX / 11), ET_HOST, &copy,
                "more bytes than fit");
  /* Two sizes whose product wraps to 0, and one that a 0 would hide. */
  expectRefusal(
      CHANGED((t.sizes[0] = (int64_t)1 << 32, t.sizes[1] = (int64_t)1 << 32)),
      ET_HOST, &copy, "more bytes than fit");
  expectRefusal(CHANGED((t.sizes[0] = 0, t.sizes[1] = INT64_MAX)), ET_HOST,
                &copy, "more bytes than fit");
  expectRefusal(CHANGED(t.data = NULL), ET_HOST, &copy, "has no data");
  expectRefusal(CHANGED(t.memory = 9), ET_HOST, &copy, "an unknown memory");
  expectRefusal(CHANGED(t.strides[0] = INT64_MAX), ET_HOST, &copy,
                "strides that reach beyond");
  expectRefusal(CHANGED((t.memory = ET_CUDA, t.strides[0] = 4)), ET_HOST, &copy,
                "lies in CUDA memory and is not contiguous");
  et_status status;
  CHECK(et_tensor_copy(CHANGED((t.sizes[0] = (int64_t)1 << 50)), ET_HOST, &copy,
                       &status) == ET_OUT_OF_MEMORY);
}

static void testOthers(void) {
  int64_t sizes[ET_MAX_RANK + 1] = {1, 2, 3, 1, 1, 1, 1, 1, 1};
  float data[6];
  et_tensor t = et_tensor_borrow(data, ET_F32, 3, sizes);
  CHECK(et_tensor_elements(&t) == 6);
  CHECK(et_tensor_elements(NULL) == -1);
  t = et_tensor_borrow(data, ET_F32, ET_MAX_RANK + 1, sizes);
  CHECK(et_tensor_elements(&t) == -1);
  t = et_tensor_borrow(data, ET_F32, 2, NULL);
  CHECK(et_tensor_elements(&t) == -1);
  t = et_tensor_borrow(data, ET_F32, -1, NULL);
  CHECK(et_tensor_elements(&t) == -1);
  sizes[0] = INT64_MAX;
  t = et_tensor_borrow(data, ET_F32, 2, sizes);
  CHECK(et_tensor_elements(&t) == -1);
  sizes[0] = -1;
  t = et_tensor_borrow(data, ET_F32, 2, sizes);
  CHECK(et_tensor_elements(&t) == -1);
  t = et_tensor_borrow(data, ET_F32, 0, NULL);
  CHECK(et_tensor_elements(&t) == 1);
  et_tensor_release(&t);
  et_tensor_release(NULL);
  CHECK(et_dtype_size((et_dtype)77) == 0 && et_dtype_size((et_dtype)-1) == 0);
  CHECK(!strcmp(et_dtype_name((et_dtype)77), "unknown"));
  CHECK(et_memory_current((et_memory)9) == 0);
  CHECK(et_memory_peak((et_memory)-1) == 0);
}

int main(void) {
  testStrides();
  testRefusals();
  testOthers();
  CHECK(et_memory_current(ET_HOST) == 0);
  return 0;
}
