// RUN: et-opt %s --split-input-file --verify-diagnostics --et-check-model

// A function that only calls itself, and one that nobody calls and has no body, are no errors.
func.func private @unused(tensor<4xf32>)
func.func @twice(%x: tensor<?x4xf32>, %again: i1) -> tensor<?x4xf32> {
  %0 = scf.if %again -> tensor<?x4xf32> {
    %false = arith.constant false
    %1 = func.call @twice(%x, %false) : (tensor<?x4xf32>, i1) -> tensor<?x4xf32>
    scf.yield %1 : tensor<?x4xf32>
  } else {
    scf.yield %x : tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}

// -----

// expected-note@+1 {{declared here}}
func.func private @norm(tensor<4xf32>) -> tensor<4xf32>
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'func.call' op calls 'norm', which has no body; put it into this model, since compiled code binds to no function outside of it}}
  %0 = call @norm(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-note@+1 {{declared here}}
func.func private @norm(tensor<4xf32>) -> tensor<4xf32>
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'func.constant' op calls 'norm', which has no body}}
  %norm = func.constant @norm : (tensor<4xf32>) -> tensor<4xf32>
  %0 = call_indirect %norm(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@+1 {{'func.func' op never returns: no block of it ends in func.return}}
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^a
^a:
  cf.br ^a
}

// -----

// expected-error@+1 {{'func.func' op has a value of type 'tensor<*xf32>', which has no rank; give it one, with ? for sizes that are not known}}
func.func @f(%x: tensor<*xf32>) { return }

// -----

func.func @f(%x: memref<4xf32>) {
  // expected-error@+1 {{'memref.cast' op has a value of type 'memref<*xf32>', which has no rank}}
  %0 = memref.cast %x : memref<4xf32> to memref<*xf32>
  return
}

// -----

// expected-error@+1 {{'func.func' op has a value of type 'tensor<4xf32, "row">', which has an encoding, and elements are laid out in rows here; leave it out}}
func.func private @f(%x: tensor<4xf32, "row">) { return }

// -----

// In a block that is not the first.
// expected-error@+1 {{'func.func' op has a value of type 'tensor<*xf32>', which has no rank}}
func.func private @f(%x: tensor<4xf32>, %c: i1) {
  %0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  cf.br ^a
^a:
  return
^b(%y: tensor<*xf32>):
  return
}

// -----

func.func private @f(%x: tensor<4xf64>) {
  // expected-error@+1 {{'arith.extf' op has a value of type 'tensor<4xf80>', which has floats that no target computes with; convert them to f16, bf16, f32, f64 or f8E4M3FN}}
  %0 = arith.extf %x : tensor<4xf64> to tensor<4xf80>
  return
}

// -----

// expected-error@+1 {{'func.func' op has a value of type 'f128', which has floats that no target computes with}}
func.func private @f(%x: f128) { return }

// -----

func.func private @f(%x: vector<4xf32>) {
  // expected-error@+1 {{'arith.truncf' op has a value of type 'vector<4xf8E5M2>', which has floats that no target computes with}}
  %0 = arith.truncf %x : vector<4xf32> to vector<4xf8E5M2>
  return
}

// -----

// What phases after fuse leave.

func.func @f() {
  %0 = memref.alloc() : memref<4xf32>
  // expected-error@+1 {{'memref.dealloc' op is of a model that is bufferized or lowered already; pipelines begin with tensors, as in what compile-to=fuse or an earlier phase leaves}}
  memref.dealloc %0 : memref<4xf32>
  return
}

// -----

func.func @f() {
  // expected-error@+1 {{'omp.parallel' op is of a model that is bufferized or lowered already}}
  omp.parallel {
    omp.terminator
  }
  return
}

// -----

// expected-error@+1 {{'gpu.module' op is of a model that is bufferized or lowered already}}
gpu.module @kernels {}

// -----

// expected-error@+1 {{'llvm.func' op is of a model that is bufferized or lowered already}}
llvm.func @f()
