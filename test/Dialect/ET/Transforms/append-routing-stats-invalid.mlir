// RUN: et-opt %s --split-input-file --verify-diagnostics --et-append-routing-stats=entry=f

// expected-error@+1 {{no function 'f' with a body}}
module {
  func.func private @f()
}

// -----

// expected-error@+1 {{'f' has no et.gate on tensors}}
func.func @f() { return }

// -----

// expected-error@+1 {{'f' has callers, which expect its results}}
func.func @f() { return }
func.func @g() {
  func.call @f() : () -> ()
  return
}
