//===- Down.h - a dialect header that includes a later layer -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_DOWN_H
#define ET_DIALECT_DOWN_H

#include "et/Codegen/TargetModel.h"
#include "et/Dialect/Other.h"
#include "et/Runtime/et_runtime.h"
#include "mlir/IR/Dialect.h"

#endif // ET_DIALECT_DOWN_H
