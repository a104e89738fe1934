//===- ToolOptions.td - Options that the tools share -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

/// --name=VALUE, and --name VALUE.
multiclass Value<string name, string meta, string help> {
  def NAME : Separate<["--"], name>;
  def NAME # _eq : Joined<["--"], name # "=">, Alias<!cast<Separate>(NAME)>,
                   MetaVarName<meta>, HelpText<help>;
}

def help : Flag<["--"], "help">, HelpText<"Print this">;
def version : Flag<["--"], "version">, HelpText<"Print the version">;
def help_short : Flag<["-"], "h">, Alias<help>;
