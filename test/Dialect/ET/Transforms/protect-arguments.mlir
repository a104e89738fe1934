// RUN: et-opt %s --et-protect-arguments | FileCheck %s

// CHECK-LABEL: func @public
// CHECK-SAME: %{{.*}}: tensor<4xf32> {bufferization.writable = false}, %{{.*}}: memref<4xf32>, %{{.*}}: index, %{{.*}}: tensor<*xf32> {bufferization.writable = false, et.name = "w"})
func.func @public(%a: tensor<4xf32>, %b: memref<4xf32>, %c: index, %d: tensor<*xf32> {et.name = "w"}) { return }

// Who says so may write.
// CHECK-LABEL: func @own_choice
// CHECK-SAME: %{{.*}}: tensor<4xf32> {bufferization.writable = true}, %{{.*}}: tensor<4xf32> {bufferization.writable = false})
func.func @own_choice(%a: tensor<4xf32> {bufferization.writable = true}, %b: tensor<4xf32>) { return }

// Calls of a private function are all known, and copy what they must.
// CHECK-LABEL: func private @private
// CHECK-SAME: (%{{.*}}: tensor<4xf32>)
func.func private @private(%a: tensor<4xf32>) { return }

// CHECK-LABEL: func private @declared(tensor<4xf32>)
func.func private @declared(tensor<4xf32>)
