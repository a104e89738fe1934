//===- expect.mlir - what the executed tests compare with -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read before each test of this folder. A test's @main asserts what these
// return, so that et-run fails with the assertion's message.
//
//===----------------------------------------------------------------------===//

// Equal, both NaN, or at most %tol apart.
func.func private @same(%a: f32, %b: f32, %tol: f32) -> i1 {
  %equal = arith.cmpf oeq, %a, %b : f32
  %difference = arith.subf %a, %b : f32
  %distance = math.absf %difference : f32
  %close = arith.cmpf ole, %distance, %tol : f32
  %a_nan = arith.cmpf uno, %a, %a : f32
  %b_nan = arith.cmpf uno, %b, %b : f32
  %nan = arith.andi %a_nan, %b_nan : i1
  %0 = arith.ori %equal, %close : i1
  %1 = arith.ori %0, %nan : i1
  return %1 : i1
}

// Same shape, and each pair of elements @same.
func.func private @near1(%a: tensor<?xf32>, %b: tensor<?xf32>, %tol: f32) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?xf32>
  %mb = tensor.dim %b, %c0 : tensor<?xf32>
  %same_m = arith.cmpi eq, %m, %mb : index
  %result = scf.if %same_m -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %same_m) -> i1 {
      %x = tensor.extract %a[%i] : tensor<?xf32>
      %y = tensor.extract %b[%i] : tensor<?xf32>
      %ok = func.call @same(%x, %y, %tol) : (f32, f32, f32) -> i1
      %next = arith.andi %so_far, %ok : i1
      scf.yield %next : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}

// Same shape, and each pair of elements @same.
func.func private @near2(%a: tensor<?x?xf32>, %b: tensor<?x?xf32>, %tol: f32) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?x?xf32>
  %mb = tensor.dim %b, %c0 : tensor<?x?xf32>
  %same_m = arith.cmpi eq, %m, %mb : index
  %n = tensor.dim %a, %c1 : tensor<?x?xf32>
  %nb = tensor.dim %b, %c1 : tensor<?x?xf32>
  %same_n = arith.cmpi eq, %n, %nb : index
  %shape = arith.andi %same_m, %same_n : i1
  %result = scf.if %shape -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %shape) -> i1 {
      %row = scf.for %j = %c0 to %n step %c1 iter_args(%so_far_row = %so_far) -> i1 {
        %x = tensor.extract %a[%i, %j] : tensor<?x?xf32>
        %y = tensor.extract %b[%i, %j] : tensor<?x?xf32>
        %ok = func.call @same(%x, %y, %tol) : (f32, f32, f32) -> i1
        %next = arith.andi %so_far_row, %ok : i1
        scf.yield %next : i1
      }
      scf.yield %row : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}

// Same shape, and each pair of elements @same.
func.func private @near2_bf16(%a: tensor<?x?xbf16>, %b: tensor<?x?xbf16>, %tol: f32) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?x?xbf16>
  %mb = tensor.dim %b, %c0 : tensor<?x?xbf16>
  %same_m = arith.cmpi eq, %m, %mb : index
  %n = tensor.dim %a, %c1 : tensor<?x?xbf16>
  %nb = tensor.dim %b, %c1 : tensor<?x?xbf16>
  %same_n = arith.cmpi eq, %n, %nb : index
  %shape = arith.andi %same_m, %same_n : i1
  %result = scf.if %shape -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %shape) -> i1 {
      %row = scf.for %j = %c0 to %n step %c1 iter_args(%so_far_row = %so_far) -> i1 {
        %x = tensor.extract %a[%i, %j] : tensor<?x?xbf16>
        %y = tensor.extract %b[%i, %j] : tensor<?x?xbf16>
        %xf = arith.extf %x : bf16 to f32
        %yf = arith.extf %y : bf16 to f32
        %ok = func.call @same(%xf, %yf, %tol) : (f32, f32, f32) -> i1
        %next = arith.andi %so_far_row, %ok : i1
        scf.yield %next : i1
      }
      scf.yield %row : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}

// Same shape, and each pair of elements @same.
func.func private @near2_f16(%a: tensor<?x?xf16>, %b: tensor<?x?xf16>, %tol: f32) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?x?xf16>
  %mb = tensor.dim %b, %c0 : tensor<?x?xf16>
  %same_m = arith.cmpi eq, %m, %mb : index
  %n = tensor.dim %a, %c1 : tensor<?x?xf16>
  %nb = tensor.dim %b, %c1 : tensor<?x?xf16>
  %same_n = arith.cmpi eq, %n, %nb : index
  %shape = arith.andi %same_m, %same_n : i1
  %result = scf.if %shape -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %shape) -> i1 {
      %row = scf.for %j = %c0 to %n step %c1 iter_args(%so_far_row = %so_far) -> i1 {
        %x = tensor.extract %a[%i, %j] : tensor<?x?xf16>
        %y = tensor.extract %b[%i, %j] : tensor<?x?xf16>
        %xf = arith.extf %x : f16 to f32
        %yf = arith.extf %y : f16 to f32
        %ok = func.call @same(%xf, %yf, %tol) : (f32, f32, f32) -> i1
        %next = arith.andi %so_far_row, %ok : i1
        scf.yield %next : i1
      }
      scf.yield %row : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}

// Same shape and elements.
func.func private @equal1(%a: tensor<?xi32>, %b: tensor<?xi32>) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?xi32>
  %mb = tensor.dim %b, %c0 : tensor<?xi32>
  %same_m = arith.cmpi eq, %m, %mb : index
  %result = scf.if %same_m -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %same_m) -> i1 {
      %x = tensor.extract %a[%i] : tensor<?xi32>
      %y = tensor.extract %b[%i] : tensor<?xi32>
      %ok = arith.cmpi eq, %x, %y : i32
      %next = arith.andi %so_far, %ok : i1
      scf.yield %next : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}

// Same shape and elements.
func.func private @equal2(%a: tensor<?x?xi32>, %b: tensor<?x?xi32>) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?x?xi32>
  %mb = tensor.dim %b, %c0 : tensor<?x?xi32>
  %same_m = arith.cmpi eq, %m, %mb : index
  %n = tensor.dim %a, %c1 : tensor<?x?xi32>
  %nb = tensor.dim %b, %c1 : tensor<?x?xi32>
  %same_n = arith.cmpi eq, %n, %nb : index
  %shape = arith.andi %same_m, %same_n : i1
  %result = scf.if %shape -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %shape) -> i1 {
      %row = scf.for %j = %c0 to %n step %c1 iter_args(%so_far_row = %so_far) -> i1 {
        %x = tensor.extract %a[%i, %j] : tensor<?x?xi32>
        %y = tensor.extract %b[%i, %j] : tensor<?x?xi32>
        %ok = arith.cmpi eq, %x, %y : i32
        %next = arith.andi %so_far_row, %ok : i1
        scf.yield %next : i1
      }
      scf.yield %row : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}

// Same shape and elements.
func.func private @equal1_i64(%a: tensor<?xi64>, %b: tensor<?xi64>) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %m = tensor.dim %a, %c0 : tensor<?xi64>
  %mb = tensor.dim %b, %c0 : tensor<?xi64>
  %same_m = arith.cmpi eq, %m, %mb : index
  %result = scf.if %same_m -> i1 {
    %all = scf.for %i = %c0 to %m step %c1 iter_args(%so_far = %same_m) -> i1 {
      %x = tensor.extract %a[%i] : tensor<?xi64>
      %y = tensor.extract %b[%i] : tensor<?xi64>
      %ok = arith.cmpi eq, %x, %y : i64
      %next = arith.andi %so_far, %ok : i1
      scf.yield %next : i1
    }
    scf.yield %all : i1
  } else {
    scf.yield %false : i1
  }
  return %result : i1
}
