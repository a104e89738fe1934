//===- Options.td - Options of et-compile -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "support/ToolOptions.td"

defm target : Value<"target", "cpu|cuda", "What to compile for (default: cpu)">;
defm march : Value<"march", "NAME",
  "The host's processor as LLVM names it (default: native, this one)">;
defm chip : Value<"chip", "sm_NN",
  "With --target=cuda: the chip (default: sm_80), or several for a fatbin: sm_80,sm_90a">;
defm emit : Value<"emit", "mlir|llvm|obj|so|ptx|cubin|fatbin",
  "What to write (default: so); with so and obj, a C header too">;
defm compile_to : Value<"compile-to", "PHASE",
  "With --emit=mlir: stop after input, decompose, fuse, bufferize, loops or llvm">;
defm output : Value<"output", "FILE", "Where to write it; - is the standard output">;
def output_short : JoinedOrSeparate<["-"], "o">, Alias<output>, MetaVarName<"FILE">,
  HelpText<"The same as --output">;
