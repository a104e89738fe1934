// RUN: et-opt %s --et-move-buffers-to-device | FileCheck %s

memref.global "private" constant @theta : memref<2xf32> = dense<[0.5, 1.0]>

// CHECK-LABEL: func @buffers
// CHECK-SAME:    (%[[X:.*]]: memref<?xf32>
// CHECK:       %[[A:.*]] = gpu.alloc (%{{.*}}) : memref<?xf32>
// CHECK:       gpu.memcpy %[[A]], %[[X]]
// CHECK:       %[[HOST:.*]] = memref.get_global @theta
// CHECK:       %[[THETA:.*]] = gpu.alloc () : memref<2xf32>
// CHECK:       gpu.memcpy %[[THETA]], %[[HOST]]
// CHECK:       memref.load %[[THETA]]
// CHECK:       gpu.dealloc %[[A]]
// CHECK:       gpu.dealloc %[[THETA]]
// CHECK-NEXT:  return
func.func @buffers(%x: memref<?xf32>, %n: index) {
  %c1 = arith.constant 1 : index
  %a = memref.alloc(%n) : memref<?xf32>
  memref.copy %x, %a : memref<?xf32> to memref<?xf32>
  %theta = memref.get_global @theta : memref<2xf32>
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
    %v = memref.load %theta[%tx] : memref<2xf32>
    memref.store %v, %a[%tx] : memref<?xf32>
    gpu.terminator
  }
  memref.dealloc %a : memref<?xf32>
  return
}
