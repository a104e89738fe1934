// RUN: et-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --et-check-sizes

// expected-error@+1 {{a buffer of type 'tensor<1152921504606846976x4xf32>' would have more than 2^63 - 1 bytes; use smaller sizes}}
func.func @argument(%x: tensor<1152921504606846976x4xf32>) { return }

// -----

func.func @result() {
  // expected-error@+1 {{'tensor<?x4294967296x2147483648xf32>'}}
  %x = "test.make"() : () -> tensor<?x4294967296x2147483648xf32>
  return
}

// -----

func.func @nested(%n: index) {
  scf.for %i = %n to %n step %n {
    // expected-error@+1 {{'memref<0x4611686018427387904xcomplex<f32>>'}}
    %x = "test.make"() : () -> memref<0x4611686018427387904xcomplex<f32>>
  }
  return
}

// -----

// Each type is reported once.
// expected-error@+1 {{'tensor<9223372036854775807xi9>'}}
func.func @once(%x: tensor<9223372036854775807xi9>, %y: tensor<9223372036854775807xi9>) { return }
