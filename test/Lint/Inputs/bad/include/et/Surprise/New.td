//===- New.td - a folder that the layering does not know -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_SURPRISE_NEW
#define ET_SURPRISE_NEW
#endif // ET_SURPRISE_NEW
