/* A C program, and a C++ one, that uses a compiled library through its header.
 */

#include "scale.h"

#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition);        \
      return 1;                                                                \
    }                                                                          \
  } while (0)

int main(void) {
  float data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, weights[4] = {1, 10, 100, 1000};
  float two = 2, seven[28];
  int64_t size[] = {2, 4}, square[] = {2, 2}, sevenRows[] = {7, 4},
          four[] = {4};
  et_tensor x = et_tensor_borrow(data, ET_F32, 2, size);
  et_tensor w = et_tensor_borrow(weights, ET_F32, 1, four);
  et_tensor by = et_tensor_borrow(&two, ET_F32, 0, NULL);
  et_tensor y, rows;
  et_status status;
  int i;
  memset(seven, 0, sizeof(seven));

  CHECK(et_scale(&x, &w, &by, &y, &rows, &status) == ET_OK);
  for (i = 0; i < 8; ++i)
    CHECK(((float *)y.data)[i] == data[i] * weights[i % 4] * 2);
  CHECK(*(int64_t *)rows.data == 2);
  et_tensor_release(&y);
  et_tensor_release(&rows);

  {
    int32_t one = 1, two = 2;
    et_tensor a = et_tensor_borrow(&one, ET_I32, 0, NULL), b = a, sum;
    b.data = &two;
    CHECK(et_layer_0(&a, &b, &sum, &status) == ET_OK);
    CHECK(*(int32_t *)sum.data == 3);
    et_tensor_release(&sum);
  }

  x = et_tensor_borrow(data, ET_F32, 2, square);
  CHECK(et_scale(&x, &w, &by, &y, &rows, &status) == ET_INVALID_ARGUMENT);
  CHECK(status.argument == 0);
  puts(status.message);
  x = et_tensor_borrow(seven, ET_F32, 2, sevenRows);
  CHECK(et_scale(&x, &w, &by, &y, &rows, &status) == ET_CHECK_FAILED);
  puts(status.message);
  CHECK(!y.data && et_memory_current(ET_HOST) == 0);
  return 0;
}
