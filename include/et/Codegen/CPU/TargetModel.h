//===- TargetModel.h - What a processor has ---------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_CPU_TARGETMODEL_H
#define ET_CODEGEN_CPU_TARGETMODEL_H

#include "et/Dialect/ET/IR/ETDialect.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace mlir::et::cpu {

/// The facts about a processor that code generation depends on.
struct TargetModel {
  /// LLVM's name of the processor, as in its `-mcpu`.
  std::string cpu;
  /// Features beyond or below what the name implies: "+avx512f", "-amx-tile".
  llvm::SmallVector<std::string, 0> features;
  unsigned vectorBits;
  unsigned vectorRegisters;
  /// Bytes of a core's data caches.
  unsigned firstLevelBytes, secondLevelBytes;
  /// Weights that a core reads in order come from memory as fast as memory can
  /// without being asked for.
  bool readsAhead;

  bool has(llvm::StringRef feature) const;

  /// What of this code generation asks.
  CPUTargetAttr getTarget(MLIRContext *context) const;

  /// The model for `march`: an LLVM processor name, or `native` for the machine
  /// this runs on. None if LLVM knows no such processor.
  static std::optional<TargetModel> get(llvm::StringRef march);
  /// The same, with an error at `op` in the place of none.
  static FailureOr<TargetModel> get(llvm::StringRef march, Operation *op);
};

} // namespace mlir::et::cpu

#endif // ET_CODEGEN_CPU_TARGETMODEL_H
