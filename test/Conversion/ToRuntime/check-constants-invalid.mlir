// RUN: et-opt %s --verify-diagnostics --pass-pipeline='builtin.module(func.func(et-check-constants))'

// As large as it may be; of a function's own are only those that it uses.
memref.global "private" constant @fits : memref<2147483647xi8> = dense<1>
memref.global "private" constant @large : memref<536870912xf32> = dense<1.0>

func.func @f() -> (memref<2147483647xi8>, memref<536870912xf32>) {
  %x = memref.get_global @fits : memref<2147483647xi8>
  // expected-error@+1 {{a constant of type 'memref<536870912xf32>' has more than 2^31 - 1 bytes, which no library holds; make it an argument}}
  %y = memref.get_global @large : memref<536870912xf32>
  return %x, %y : memref<2147483647xi8>, memref<536870912xf32>
}
