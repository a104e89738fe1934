/* A C program, and a C++ one, that packs a library's weights once and calls it
   for several batches. */

#include "packed.h"

#include <math.h>
#include <stdio.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition);        \
      return 1;                                                                \
    }                                                                          \
  } while (0)

int main(void) {
  float inW1[6] = {1, 2, -3, 4, -5, 6}, inW2[6] = {1, 0, 0, 1, 2, -1};
  float inRouter[2] = {1, 1}, inTheta[1], inX[6] = {1, 1, 1, -1, 0, 2};
  /* x w1 = [5 -3 3], [-3 7 -9], [8 -10 12] */
  float expected[6] = {11, -3, 0, 7, 32, -12};
  int64_t w1Sizes[] = {1, 2, 3}, w2Sizes[] = {1, 3, 2}, routerSizes[] = {2, 1};
  int64_t thetaSizes[] = {1}, xSizes[] = {0, 2};
  et_tensor w1 = et_tensor_borrow(inW1, ET_F32, 3, w1Sizes);
  et_tensor w2 = et_tensor_borrow(inW2, ET_F32, 3, w2Sizes);
  et_tensor router = et_tensor_borrow(inRouter, ET_F32, 2, routerSizes);
  et_tensor theta = et_tensor_borrow(inTheta, ET_F32, 1, thetaSizes);
  et_tensor x, y, packedW1, packedW2;
  et_status status;
  int tokens, i;
  inTheta[0] = -INFINITY;

  CHECK(!et_layer_pack(&w1, &w2, &packedW1, &packedW2, &status));
  /* What was packed needs no weights in rows any more. */
  for (i = 0; i < 6; ++i)
    inW1[i] = inW2[i] = NAN;
  for (tokens = 0; tokens <= 3; ++tokens) {
    xSizes[0] = tokens;
    x = et_tensor_borrow(inX, ET_F32, 2, xSizes);
    CHECK(!et_layer(&x, &packedW1, &theta, &packedW2, &router, &y, &status));
    for (i = 0; i < 2 * tokens; ++i)
      CHECK(((float *)y.data)[i] == expected[i]);
    et_tensor_release(&y);
  }

  CHECK(et_layer(&x, &packedW1, &theta, &w2, &router, &y, &status) ==
        ET_INVALID_ARGUMENT);
  CHECK(status.argument == 3);
  puts(status.message);
  CHECK(et_layer_pack(&w1, &packedW2, &packedW1, &y, &status) ==
        ET_INVALID_ARGUMENT);
  puts(status.message);
  return 0;
}
