// RUN: et-opt %s --et-mark-parallel-regions | FileCheck %s

// CHECK-DAG: llvm.func @et_enter_parallel()
// CHECK-DAG: llvm.func @et_leave_parallel()

// Regions within others are not marked.
// CHECK-LABEL: func.func @nested
func.func @nested() {
  // CHECK-NEXT: llvm.call @et_enter_parallel()
  // CHECK-NEXT: omp.parallel {
  // CHECK-NOT:    llvm.call
  // CHECK:        omp.parallel
  // CHECK-NOT:    llvm.call
  // CHECK:      llvm.call @et_leave_parallel()
  omp.parallel {
    omp.parallel {
      omp.terminator
    }
    omp.terminator
  }
  // CHECK-NEXT: return
  return
}

// CHECK-LABEL: func.func @branch
func.func @branch(%wanted: i1) {
  // CHECK:      scf.if
  // CHECK-NEXT:   llvm.call @et_enter_parallel()
  // CHECK-NEXT:   omp.parallel
  // CHECK:        llvm.call @et_leave_parallel()
  scf.if %wanted {
    omp.parallel {
      omp.terminator
    }
  }
  return
}
