//===- Emulator.cpp - includes nothing of MLIR, but a layer --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Emulator/Device.h"
#include "et/Target/PTX.h"
#include <mlir/IR/Builders.h>
