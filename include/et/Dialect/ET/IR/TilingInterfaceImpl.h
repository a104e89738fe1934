//===- TilingInterfaceImpl.h - Tiles of the et ops --------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_TILINGINTERFACEIMPL_H
#define ET_DIALECT_ET_IR_TILINGINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::et {

/// Lets et.scores, et.grouped_matmul and et.combine be tiled.
void registerTilingInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_TILINGINTERFACEIMPL_H
