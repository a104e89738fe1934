// RUN: et-opt %s --et-pack-weights=march=z80 -verify-diagnostics

// expected-error@+1 {{unknown processor 'z80'; march takes native or a processor as LLVM names it}}
module {
}
