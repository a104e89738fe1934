// RUN: et-opt %s --split-input-file --verify-diagnostics --et-append-routing-stats=entry=f

// expected-error@+1 {{no function 'f' with a body}}
module {
  func.func private @f()
}

// -----

// expected-error@+1 {{'f' selects no experts: it has no et.gate on tensors, which each et.moe has when it is decomposed}}
func.func @f() { return }

// -----

// expected-error@+1 {{'f' has callers, which expect its results}}
func.func @f() { return }
func.func @g() {
  func.call @f() : () -> ()
  return
}

// -----

func.func @f(%r: memref<?x4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  // expected-error@+1 {{'et.gate' op is not counted: it works on memory, and only gates on tensors are}}
  et.gate #et.top_k<k = 1> ins(%r : memref<?x4xf32>) outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x?xf32>, %m: tensor<?x2xi32>, %g: tensor<64x?xf32>, %c: i1) {
  scf.if %c {
    // expected-error@+1 {{is not counted: the number of experts must be known outside of the loop or branch that it is in; give it a static size}}
    %0:2 = et.gate #et.top_k<k = 1> ins(%r : tensor<64x?xf32>) outs(%m, %g : tensor<?x2xi32>, tensor<64x?xf32>)
  }
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  scf.execute_region {
    // expected-error@+1 {{is not counted: it is in 'scf.execute_region'; gates in scf.for, scf.if and scf.while are}}
    %0:2 = et.gate #et.top_k<k = 1> ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
    scf.yield
  }
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  cf.br ^next
^next:
  // expected-error@+1 {{is not counted: its function has branches between blocks; write them as scf.if and scf.while}}
  %0:2 = et.gate #et.top_k<k = 1> ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f() {
  call @h() : () -> ()
  return
}
func.func private @h() {
  call @layer() : () -> ()
  return
}
func.func private @layer() {
  %r = tensor.empty() : tensor<64x4xf32>
  %m = tensor.empty() : tensor<4x2xi32>
  // expected-error@+1 {{is not counted: it is in 'layer', which is called; inline the call first}}
  %0:2 = et.gate #et.top_k<k = 1> ins(%r : tensor<64x4xf32>) outs(%m, %r : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}
