//===- Async.h - Work that completes later ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_ASYNC_H
#define ET_EMULATOR_ASYNC_H

#include "Machine.h"

namespace et::emu {

struct AsyncState {};

} // namespace et::emu

#endif // ET_EMULATOR_ASYNC_H
