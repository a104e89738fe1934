//===- HostIsa.cpp - Choosing among the sets of instruction functions -----===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <cstdlib>

using namespace et::emu;

namespace et::emu {
namespace base {
void fillExecSet(ExecSet &set);
}
#ifdef ET_EMU_WITH_AVX512
namespace avx512 {
void fillExecSet(ExecSet &set);
}
#endif
} // namespace et::emu

const ExecSet &et::emu::execSet() {
  static const ExecSet set = [] {
    ExecSet s;
#ifdef ET_EMU_WITH_AVX512
    // What the other hosts run must be testable here.
    if (__builtin_cpu_supports("x86-64-v4") &&
        !std::getenv("ET_EMU_BASELINE")) {
      avx512::fillExecSet(s);
      return s;
    }
#endif
    base::fillExecSet(s);
    return s;
  }();
  return set;
}
