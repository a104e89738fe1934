// RUN: et-opt %s -verify-diagnostics --et-reference-pipeline
// RUN: et-opt %s -verify-diagnostics --et-lower-to-cpu-pipeline
// RUN: et-opt %s -verify-diagnostics --et-lower-to-nvvm-pipeline

func.func @size(%n: index) -> index {
  // expected-error@+1 {{'shape.mul' op has no lowering to LLVM's dialect here; turn it into ops of arith, math, scf, memref or vector before}}
  %0 = shape.mul %n, %n : index, index -> index
  return %0 : index
}
