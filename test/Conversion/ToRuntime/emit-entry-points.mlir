// RUN: et-opt %s --et-emit-entry-points | FileCheck %s
// RUN: et-opt %s --et-emit-entry-points=memory=cuda | FileCheck %s --check-prefix=CUDA

// CHECK-LABEL: llvm.func internal @et_entry_scale(
// CHECK-SAME:    %[[SLOTS:.*]]: !llvm.ptr)
// CHECK:         %[[PLACE0:.*]] = llvm.getelementptr %[[SLOTS]][0]
// CHECK:         %[[SLOT0:.*]] = llvm.load %[[PLACE0]]
// CHECK:         %[[X:.*]] = llvm.load %[[SLOT0]] : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
// CHECK:         %[[XM:.*]] = builtin.unrealized_conversion_cast %[[X]]
// CHECK:         %[[BY:.*]] = llvm.load {{.*}} -> f32
// A boolean is a byte in memory.
// CHECK:         %[[BYTE:.*]] = llvm.load {{.*}} -> i8
// CHECK:         %[[FLAG:.*]] = llvm.icmp "ne" %[[BYTE]]
// CHECK:         %[[RESULTS:.*]]:2 = func.call @scale(%[[XM]], %[[BY]], %[[FLAG]])
// CHECK:         llvm.getelementptr %[[SLOTS]][3]
// CHECK:         llvm.store {{.*}} : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>, !llvm.ptr
// CHECK:         llvm.getelementptr %[[SLOTS]][4]
// CHECK:         %[[ZEXT:.*]] = llvm.zext %[[RESULTS]]#1 : i1 to i8
// CHECK:         llvm.store %[[ZEXT]]
func.func @scale(%x: memref<?x4xf32> {et.name = "x", et.packed_by = "scale_pack", et.weight = "layer.x"}, %by: f32, %flag: i1)
    -> (memref<?x4xf32> {et.role = "the result"}, i1) {
  return %x, %flag : memref<?x4xf32>, i1
}

// CHECK-NOT: et_entry_helper
func.func private @helper(%x: memref<*xf32>) { return }

// Callers find it by the name that the model gave it.
// CHECK: llvm.func internal @et_entry_expf(
// CHECK: call @model.expf()
// CHECK: func.func @model.expf() {
func.func @model.expf() attributes {et.entry_name = "expf"} {
  return
}

// CHECK-DAG: llvm.mlir.global internal constant @[[NAME:.*]]("x\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[WEIGHT:.*]]("layer.x\00")
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}("scale_pack\00")
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}("arg1\00")
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}("the result\00")
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}(dense<[-1, 4]> : tensor<2xi64>)
// CHECK-LABEL: llvm.mlir.global external constant @et_function_scale()
// CHECK:         llvm.mlir.constant(0 : i32)
// CHECK:         llvm.mlir.constant(3 : i64)
// CHECK:         llvm.mlir.constant(2 : i64)
// CHECK:         llvm.mlir.addressof @et_args_scale
// CHECK:         llvm.mlir.addressof @et_results_scale
// CHECK:         llvm.mlir.addressof @et_entry_scale
// CHECK:         llvm.mlir.addressof @et_own_runtime

// CUDA-LABEL: llvm.mlir.global external constant @et_function_scale()
// CUDA:         llvm.mlir.constant(3 : i32)
// CUDA:         llvm.mlir.constant(1 : i32)
// CHECK-LABEL: llvm.mlir.global external constant @et_function_expf()
