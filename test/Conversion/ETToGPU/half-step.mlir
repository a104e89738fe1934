// RUN: et-opt %s --convert-et-to-gpu | FileCheck %s

// K ends in half a step: the last stage stands behind the loop, which multiplies whole ones, and ends with an instruction
// half as deep.

// CHECK-LABEL: func @stage_and_half_step
// CHECK:       scf.index_switch
// CHECK-NEXT:  case 1 {
// CHECK:         scf.for
// CHECK-COUNT-8:   nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK-NEXT:    gpu.barrier
// CHECK-NOT:     shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-COUNT-4: nvvm.mma.sync A[%{{[0-9]+}}, %{{[0-9]+}}] B[%{{[0-9]+}}] C[{{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 8>
// CHECK:         gpu.barrier
// CHECK:       case 2 {
func.func @stage_and_half_step(%x: memref<?x40xbf16>, %w: memref<4x40x128xbf16>, %o: memref<5xi32>, %out: memref<?x128xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x40xbf16>, memref<4x40x128xbf16>) offsets(%o : memref<5xi32>)
    outs(%out : memref<?x128xbf16>)
  return
}

// Whole steps before the half one.
// CHECK-LABEL: func @step_and_half
// CHECK:       case 1 {
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK-COUNT-4: shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-COUNT-4: shape = #nvvm.shape<m = 16, n = 8, k = 8>
// CHECK:       case 2 {
func.func @step_and_half(%x: memref<?x24xf16>, %w: memref<4x24x128xf16>, %o: memref<5xi32>, %out: memref<?x128xf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x24xf16>, memref<4x24x128xf16>) offsets(%o : memref<5xi32>)
    outs(%out : memref<?x128xf16>)
  return
}

// Half a stage is a whole step, and f32 has steps of eight: the loop does all.
// CHECK-LABEL: func @whole_steps
// CHECK-NOT:   k = 8>
// CHECK:       return
func.func @whole_steps(%x: memref<?x48xf16>, %w: memref<4x48x128xf16>, %o: memref<5xi32>, %out: memref<?x128xf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x48xf16>, memref<4x48x128xf16>) offsets(%o : memref<5xi32>)
    outs(%out : memref<?x128xf16>)
  return
}
