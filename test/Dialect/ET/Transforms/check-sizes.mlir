// RUN: et-opt %s --et-check-sizes | FileCheck %s

// One byte below 2^63; sizes of 0 and unknown ones count as 1.
// CHECK-LABEL: func.func @fits
func.func @fits(%a: tensor<9223372036854775807xi8>, %b: tensor<0x?x1152921504606846975xf64>,
                %c: memref<*xf32>, %d: tensor<*xf32>, %e: vector<4xf32>) {
  return
}
