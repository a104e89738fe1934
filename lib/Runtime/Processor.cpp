//===- Processor.cpp - what compiled code needs of the processor ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include <cerrno>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

using namespace et::runtime;

/// Linux keeps the matrix registers from a process until it asks for them,
/// because they make the state of every thread larger.
static constexpr long kRequestPermission = 0x1023, kMatrixState = 18;

extern "C" void et_use_matrices() {
#if defined(__linux__) && defined(__x86_64__)
  // Once granted, it holds for the process.
  static bool granted = false;
  if (__atomic_load_n(&granted, __ATOMIC_RELAXED))
    return;
  if (syscall(SYS_arch_prctl, kRequestPermission, kMatrixState) == 0) {
    __atomic_store_n(&granted, true, __ATOMIC_RELAXED);
    return;
  }
  raise(ET_PROCESSOR,
        "the operating system refuses AMX registers (%s); compile with --march "
        "for a processor without AMX, such as x86-64-v4",
        strerror(errno));
#else
  raise(ET_PROCESSOR, "this code needs AMX registers on x86-64 Linux");
#endif
}
