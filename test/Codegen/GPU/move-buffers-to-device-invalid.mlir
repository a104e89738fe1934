// RUN: et-opt %s --et-move-buffers-to-device --verify-diagnostics

func.func @host_load(%x: memref<?xf32>, %i: index) -> f32 {
  // expected-error @+1 {{'memref.load' op accesses memory from the host, but the buffers of a GPU layer lie on the device}}
  %v = memref.load %x[%i] : memref<?xf32>
  return %v : f32
}
