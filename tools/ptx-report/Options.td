//===- Options.td - Options of ptx-report -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "support/ToolOptions.td"

defm chip : Value<"chip", "sm_NN", "The chip to assemble for (default: that of the text's .target)">;
defm report : Value<"report", "table|json",
  "How to print it: a line a kernel (default), or as JSON">;
