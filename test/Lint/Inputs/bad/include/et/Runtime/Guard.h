//===- Wrong.h - a header with another file's name and guard -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ET_GUARD_H
#define ET_GUARD_H

#include "et/Emulator/Device.h"
#include "llvm/ADT/ArrayRef.h"

#endif
