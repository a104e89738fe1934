//===- Options.td - Options of et-run -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "support/ToolOptions.td"

defm entry : Value<"entry", "NAME", "Public function to call">;
defm target : Value<"target", "reference|cpu|cuda",
  "What to compile for: plain loops, which show what an op means; this processor (the default); or a CUDA device">;
defm chip : Value<"chip", "sm_NN", "With --target=cuda: the chip (default: sm_80)">;
defm f32_products : Value<"f32-products", "fma|3xtf32",
  "With --target=cuda: f32 matrices by multiply-adds (default), or by the matrix units, as three products of tf32">;
defm arg : Value<"arg", "FILE.npy", "An argument; one each, in order; of rank 0 for a scalar">;
defm weights : Value<"weights", "FILE.safetensors",
  "Where arguments with an et.weight attribute come from; of a checkpoint in several files, the index.json or the folder">;
def pack_weights : Flag<["--"], "pack-weights">,
  HelpText<"With --weights: pack weights for this processor once, before any call, or take packed ones">;
defm out : Value<"out", "FILE.npy", "Where a result goes; one each, in order, or none; may be the file of an argument">;
defm cache : Value<"cache", "DIR",
  "Keep compiled code in a folder, and take it from there (default: what ET_CACHE_DIR names, or none)">;
defm load_dialect_plugin : Value<"load-dialect-plugin", "LIBRARY",
  "A dialect of others whose attributes the model has; one each">;
defm remarks_filter : Value<"remarks-filter", "REGEX",
  "Print remarks of the passes whose whole name matches, such as et-fuse-.* or et-select-schedule">;
defm threads : Value<"threads", "N", "Threads to use (default: all processors)">;
def stats : Flag<["--"], "stats">,
  HelpText<"Print the routing statistics of every gate in the entry, and the peak memory">;
def time : Flag<["--"], "time">, HelpText<"Print the median time of 10 more calls">;
def time_eq : Joined<["--"], "time=">, MetaVarName<"N">, HelpText<"Print the median time of N more calls">;
