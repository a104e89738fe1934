// RUN: et-opt %s --split-input-file --verify-diagnostics --et-emit-entry-points

// expected-error@+1 {{'f' cannot be called from outside: argument 0 of type 'vector<4xf32>' has no counterpart in the runtime's interface; make the function private or change the type}}
func.func @f(%x: vector<4xf32>) { return }

// -----

// expected-error@+1 {{result 0 of type 'f8E5M2' has no counterpart}}
func.func @f() -> f8E5M2 {
  %x = arith.constant 1.0 : f8E5M2
  return %x : f8E5M2
}

// -----

// expected-error@+1 {{argument 1 of type 'memref<4xi7>' has no counterpart}}
func.func @f(%x: f32, %y: memref<4xi7>) { return }

// -----

// expected-error@+1 {{argument 0 of type 'memref<*xf32>' has no counterpart}}
func.func @f(%x: memref<*xf32>) { return }

// -----

// expected-error@+1 {{argument 0 of type 'memref<4xf32, strided<[2]>>' is not contiguous}}
func.func @f(%x: memref<4xf32, strided<[2]>>) { return }

// -----

// expected-error@+1 {{has more than 8 dimensions}}
func.func @f(%x: memref<1x1x1x1x1x1x1x1x1xf32>) { return }

// -----

// expected-error@+1 {{'f' still has tensors; bufferize it before et-emit-entry-points}}
func.func @f(%x: tensor<4xf32>) { return }

// -----

// expected-error @+1 {{'a@b' cannot be called from outside: no symbol of an object file can have this name}}
func.func @"a@b"() {
  return
}

// -----

// expected-error @+1 {{'a' needs the name 'et_function_a', which is another function's}}
func.func @a() {
  return
}
func.func private @et_function_a()

// -----

// expected-error @+1 {{'a' needs the name 'et_entry_a', which is another function's}}
func.func @a() {
  return
}
func.func @et_entry_a() {
  return
}

// -----

func.func @a() attributes {et.entry_name = "same"} { return }
// expected-error@+1 {{callers know another function as 'same' already; rename one}}
func.func @b() attributes {et.entry_name = "same"} { return }
