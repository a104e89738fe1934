// RUN: et-opt %s --et-convert-host-to-llvm | FileCheck %s --implicit-check-not=unrealized_conversion_cast

// Memory comes from functions that the runtime has.
// CHECK-DAG:   llvm.func @_mlir_memref_to_llvm_alloc(i64) -> !llvm.ptr
// CHECK-DAG:   llvm.func @_mlir_memref_to_llvm_free(!llvm.ptr)

// Of a vector past the end of memory the elements there are neither read nor written.
// CHECK-LABEL: llvm.func @double
// CHECK:         llvm.call @_mlir_memref_to_llvm_alloc(
// CHECK:         omp.parallel {
// CHECK:           llvm.cond_br
// CHECK:           llvm.intr.masked.load
// CHECK:           llvm.fadd
// CHECK:           llvm.intr.masked.store
// CHECK:           omp.terminator
// CHECK:         llvm.call @_mlir_memref_to_llvm_free(
// CHECK:         llvm.return
func.func @double(%x: memref<?xf32>, %n: index) -> vector<4xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %buffer = memref.alloc() : memref<8xf32>
  omp.parallel {
    cf.br ^head(%c0 : index)
  ^head(%i: index):
    %more = arith.cmpi ult, %i, %n : index
    cf.cond_br %more, ^body, ^end
  ^body:
    %v = vector.transfer_read %x[%i], %zero : memref<?xf32>, vector<4xf32>
    %w = arith.addf %v, %v : vector<4xf32>
    vector.transfer_write %w, %x[%i] : vector<4xf32>, memref<?xf32>
    %next = arith.addi %i, %c4 : index
    cf.br ^head(%next : index)
  ^end:
    omp.terminator
  }
  %first = vector.load %buffer[%c0] : memref<8xf32>, vector<4xf32>
  memref.dealloc %buffer : memref<8xf32>
  return %first : vector<4xf32>
}

// Functions that convert-math-to-libm declares are called as others are.
// CHECK-LABEL: llvm.func @calls
// CHECK:         llvm.call @erff(
func.func private @erff(f32) -> f32
func.func @calls(%x: f32) -> f32 {
  %y = call @erff(%x) : (f32) -> f32
  return %y : f32
}
