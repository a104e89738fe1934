//===- DeviceCode.h - PTX, cubin and fatbin ---------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_DEVICECODE_H
#define ET_TARGET_DEVICECODE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace mlir::et {

enum class DeviceFormat { Ptx, Cubin, Fatbin };

/// The bytes of the one kernel object of `module`, which was lowered to that
/// format. Lives as long as the module.
llvm::Expected<StringRef> getDeviceObject(ModuleOp module, DeviceFormat format);

/// The root of a CUDA toolkit with bin/ptxas: $CUDA_ROOT, else $CUDA_HOME, else
/// $CUDA_PATH; where none is set, the one that the build found, or the one
/// whose ptxas is on PATH. The error names the remedy.
llvm::Expected<std::string> findCudaToolkit();

} // namespace mlir::et

#endif // ET_TARGET_DEVICECODE_H
