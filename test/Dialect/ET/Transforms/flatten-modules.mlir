// RUN: et-opt %s --et-flatten-modules | FileCheck %s

// Names are those of all modules around that have one. Calls follow, wherever they stand.
// CHECK: module @model {
// CHECK-NEXT: func.func @a.b.f(
// CHECK: memref.get_global @a.b.table
// CHECK: memref.global "private" @a.b.table
// CHECK: func.func private @a.g()
// CHECK: func.func @a.h()
// CHECK: call @a.i()
// A module of a private one's cannot be called from outside.
// CHECK-NOT: func.func @hidden
// CHECK: func.func private @hidden.f()
// CHECK: func.func @f()
// A script is no part of the model.
// CHECK: module attributes {transform.with_named_sequence}
module @model {
  module @a {
    module @b {
      func.func @f() -> memref<2xf32> {
        %0 = memref.get_global @table : memref<2xf32>
        return %0 : memref<2xf32>
      }
      memref.global "private" @table : memref<2xf32>
    }
    func.func private @g() { return }
    module {
      func.func @h() {
        call @i() : () -> ()
        return
      }
      func.func @i() { return }
    }
  }
  module @hidden attributes {sym_visibility = "private"} {
    func.func @f() { return }
  }
  func.func @f() { return }
  module attributes {transform.with_named_sequence} {
    transform.named_sequence @__transform_main(%root: !transform.any_op) {
      transform.yield
    }
  }
}
