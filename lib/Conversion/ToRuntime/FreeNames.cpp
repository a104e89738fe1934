//===- FreeNames.cpp - Symbols that are the runtime's ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/Utils/EntryName.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/TargetParser/Host.h"

namespace mlir::et {
#define GEN_PASS_DEF_FREENAMES
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Whether what is added to the code may name something of the runtime, of
/// OpenMP's library or of C's so.
static bool isTaken(StringRef name,
                    const llvm::TargetLibraryInfoImpl &library) {
  static constexpr StringLiteral prefixes[] = {"et_", "mgpu", "omp_", "_"};
  // LLVM's list of C's functions lacks some of the math library's.
  static constexpr StringLiteral names[] = {"memrefCopy", "erfc", "erfcf",
                                            "fma", "fmaf"};
  llvm::LibFunc known;
  return llvm::is_contained(names, name) || library.getLibFunc(name, known) ||
         llvm::any_of(prefixes, [&](StringRef prefix) {
           return name.starts_with(prefix);
         });
}

namespace {
struct FreeNames : et::impl::FreeNamesBase<FreeNames> {
  void runOnOperation() override {
    llvm::TargetLibraryInfoImpl library{
        llvm::Triple(llvm::sys::getDefaultTargetTriple())};
    SymbolTable symbols(getOperation());
    for (auto symbol : getOperation().getOps<SymbolOpInterface>()) {
      StringAttr name = symbol.getNameAttr();
      if (!isTaken(name, library))
        continue;
      std::string free = ("model." + name.getValue()).str();
      while (symbols.lookup(free))
        free += '_';
      if (failed(symbols.rename(symbol, free))) {
        symbol.emitError("'")
            << name.getValue() << "' is a name of the runtime's or of C's";
        return signalPassFailure();
      }
      auto function = dyn_cast<func::FuncOp>(symbol.getOperation());
      if (function && function.isPublic() && !function.isDeclaration())
        setEntryName(function, name);
    }
  }
};
} // namespace
