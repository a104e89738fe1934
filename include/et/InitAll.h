//===- InitAll.h - Registration of everything -------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_INITALL_H
#define ET_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::et {

/// Registers the et dialect and what its ops implement; nothing of upstream's.
void registerETDialects(DialectRegistry &registry);

/// Registers the passes and pipelines of this project; nothing of upstream's.
void registerETPasses();

/// Registers the above and all that upstream has.
void registerAll(DialectRegistry &registry);

} // namespace mlir::et

#endif // ET_INITALL_H
