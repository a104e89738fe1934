// RUN: et-opt %s --et-set-cpu-target=march=z80 --et-pack-weights -verify-diagnostics

// expected-error@+1 {{unknown processor 'z80'; march takes native or a processor as LLVM names it}}
module {
}
