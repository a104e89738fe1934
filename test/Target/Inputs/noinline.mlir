// A model's own function that is not to be inlined: LLVM makes its loop one of vectors.
func.func private @sum(%x: tensor<?xi32>) -> i32 attributes {passthrough = ["noinline"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %n = tensor.dim %x, %c0 : tensor<?xi32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> i32 {
    %e = tensor.extract %x[%i] : tensor<?xi32>
    %next = arith.addi %s, %e : i32
    scf.yield %next : i32
  }
  return %sum : i32
}

func.func @main(%x: tensor<?xi32>) -> i32 {
  %sum = func.call @sum(%x) : (tensor<?xi32>) -> i32
  return %sum : i32
}
