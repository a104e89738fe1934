// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<vector_bits=512,vector_registers=32>" --convert-et-to-vector | FileCheck %s

// A task is a few rows of all panels. Whole panels need no mask; without an
// interleave there is no row with a missing step.
// CHECK-LABEL: func @f32
// CHECK: scf.parallel (%[[E:.*]], %{{.*}}) =
// CHECK: scf.for %[[PANEL:.*]] =
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: %[[V:.*]] = vector.transfer_read %{{.*}}[%[[E]], %[[ROW]], %{{.*}}], %{{.*}} {in_bounds = [true]} : memref<4x9x40xf32>, vector<16xf32>
// CHECK: vector.transfer_write %{{.*}}, %{{.*}}[%[[E]], %[[PANEL]], %[[ROW]], %c0] {in_bounds = [true]} : vector<16xf32>, memref<4x2x9x32xf32>
// CHECK: scf.for
// CHECK: vector.transfer_read {{.*}} : memref<4x9x40xf32>, vector<16xf32>
// CHECK-NOT: et.pack
func.func @f32(%w: memref<4x9x40xf32>, %p: memref<4x2x9x32xf32>) {
  et.pack #et.panels<columns = 32> ins(%w : memref<4x9x40xf32>) outs(%p : memref<4x2x9x32xf32>)
  return
}

// Two rows of 16-bit elements become one register.
// CHECK-LABEL: func @bf16
// CHECK: vector.interleave %{{.*}}, %{{.*}} : vector<16xi16> -> vector<32xi16>
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : vector<16xi16>
// CHECK-NOT: et.pack
func.func @bf16(%w: memref<4x9x40xbf16>, %p: memref<4x2x16x64xbf16>) {
  et.pack #et.panels<columns = 32, interleave = 2, step = 32> ins(%w : memref<4x9x40xbf16>) outs(%p : memref<4x2x16x64xbf16>)
  return
}

// Layouts that no vector fits are left to loops.
// CHECK-LABEL: func @odd
// CHECK: et.pack
// CHECK: et.pack
func.func @odd(%w: memref<4x9x40xf32>, %p: memref<4x5x9x8xf32>, %q: memref<4x2x5x64xf32>) {
  et.pack #et.panels<columns = 8> ins(%w : memref<4x9x40xf32>) outs(%p : memref<4x5x9x8xf32>)
  et.pack #et.panels<columns = 32, interleave = 2, step = 2> ins(%w : memref<4x9x40xf32>) outs(%q : memref<4x2x5x64xf32>)
  return
}
