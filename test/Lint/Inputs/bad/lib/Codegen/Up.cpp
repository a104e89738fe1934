//===- Up.cpp - includes the right and the wrong way ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et-c/ET.h"
#include "et/Conversion/Passes.h"
#include "et/InitAll.h"
#include "support/ToolOptions.h"
