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
def pack_weights : Flag<["--"], "pack-weights">,
  HelpText<"Functions take weights packed for the processor; NAME_pack packs them">;
defm weights : Value<"weights", "FILE.safetensors",
  "With --packed-weights: the weights to pack; of a checkpoint in several files, the index.json or the folder">;
defm packed_weights : Value<"packed-weights", "FILE.safetensors",
  "With --pack-weights: where to write what the functions take, packed ahead of time">;
defm chip : Value<"chip", "sm_NN",
  "With --target=cuda: the chip (default: sm_80), or several for a fatbin: sm_80,sm_90a">;
defm f32_products : Value<"f32-products", "fma|3xtf32",
  "With --target=cuda: f32 matrices by multiply-adds (default), or by the matrix units, as three products of tf32">;
defm emit : Value<"emit", "mlir|llvm|obj|so|ptx|cubin|fatbin",
  "What to write (default: so); with so and obj, a C header too">;
defm compile_to : Value<"compile-to", "PHASE",
  "With --emit=mlir: stop after input, decompose, fuse, bufferize, loops or llvm">;
defm cache : Value<"cache", "DIR",
  "Keep compiled code in a folder, and take it from there (default: what ET_CACHE_DIR names, or none)">;
defm load_dialect_plugin : Value<"load-dialect-plugin", "LIBRARY",
  "A dialect of others whose attributes the model has; one each">;
defm remarks_filter : Value<"remarks-filter", "REGEX",
  "Print remarks of the passes whose whole name matches, such as et-fuse-.* or et-select-schedule">;
defm output : Value<"output", "FILE", "Where to write it; - is the standard output">;
def output_short : JoinedOrSeparate<["-"], "o">, Alias<output>, MetaVarName<"FILE">,
  HelpText<"The same as --output">;
def report : Flag<["--"], "report">,
  HelpText<"With --target=cuda: print a line a kernel instead of compiling to a file">;
def report_eq : Joined<["--"], "report=">, MetaVarName<"table|json">,
  HelpText<"With --target=cuda: print that report as a table (as --report does) or as JSON">;
defm report_tokens : Value<"report-tokens", "T",
  "With --report: the number of tokens to predict times for (default: 2048)">;
defm report_pairs : Value<"report-pairs", "S",
  "With --report: the number of pairs of a token and an expert (default: T)">;
