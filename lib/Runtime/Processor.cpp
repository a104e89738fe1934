//===- Processor.cpp - what compiled code needs of the processor ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

using namespace et::runtime;

#if defined(__linux__) && defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
/// One of LLVM's names, the bit of cpuid that stands for it, and the register
/// state (of xgetbv) that the operating system must save.
struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  enum { EAX, EBX, ECX, EDX } part;
  int bit;
  uint32_t state;
};
} // namespace

static constexpr uint32_t kVectors = 0x6, kMasks = 0xe6, kMatrices = 0x60000;
static constexpr Feature kFeatures[] = {
    {"sse4.2", 1, 0, Feature::ECX, 20, 0},
    {"movbe", 1, 0, Feature::ECX, 22, 0},
    {"popcnt", 1, 0, Feature::ECX, 23, 0},
    {"fma", 1, 0, Feature::ECX, 12, kVectors},
    {"avx", 1, 0, Feature::ECX, 28, kVectors},
    {"f16c", 1, 0, Feature::ECX, 29, kVectors},
    {"bmi", 7, 0, Feature::EBX, 3, 0},
    {"avx2", 7, 0, Feature::EBX, 5, kVectors},
    {"bmi2", 7, 0, Feature::EBX, 8, 0},
    {"avx512f", 7, 0, Feature::EBX, 16, kMasks},
    {"avx512dq", 7, 0, Feature::EBX, 17, kMasks},
    {"avx512cd", 7, 0, Feature::EBX, 28, kMasks},
    {"avx512bw", 7, 0, Feature::EBX, 30, kMasks},
    {"avx512vl", 7, 0, Feature::EBX, 31, kMasks},
    {"avx512vbmi", 7, 0, Feature::ECX, 1, kMasks},
    {"avx512vbmi2", 7, 0, Feature::ECX, 6, kMasks},
    {"gfni", 7, 0, Feature::ECX, 8, 0},
    {"avx512vnni", 7, 0, Feature::ECX, 11, kMasks},
    {"avx512bitalg", 7, 0, Feature::ECX, 12, kMasks},
    {"avx512vpopcntdq", 7, 0, Feature::ECX, 14, kMasks},
    {"avx512vp2intersect", 7, 0, Feature::EDX, 8, kMasks},
    {"amx-bf16", 7, 0, Feature::EDX, 22, kMatrices},
    {"avx512fp16", 7, 0, Feature::EDX, 23, kMasks},
    {"amx-tile", 7, 0, Feature::EDX, 24, kMatrices},
    {"avxvnni", 7, 1, Feature::EAX, 4, kVectors},
    {"avx512bf16", 7, 1, Feature::EAX, 5, kMasks},
    {"cmpccxadd", 7, 1, Feature::EAX, 7, 0},
    {"avxifma", 7, 1, Feature::EAX, 23, kVectors},
    {"movrs", 7, 1, Feature::EAX, 31, 0},
    {"avxvnniint8", 7, 1, Feature::EDX, 4, kVectors},
    {"avxneconvert", 7, 1, Feature::EDX, 5, kVectors},
    {"avxvnniint16", 7, 1, Feature::EDX, 10, kVectors},
    {"avx10.1", 7, 1, Feature::EDX, 19, kMasks},
    {"lzcnt", 0x80000001, 0, Feature::ECX, 5, 0},
};

/// Linux keeps the matrix registers from a process until it asks for them,
/// because they make the state of every thread larger.
static constexpr long kRequestPermission = 0x1023, kMatrixState = 18;

static bool isPresent(const Feature &feature) {
  uint32_t parts[4];
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &parts[0], &parts[1],
                         &parts[2], &parts[3]) ||
      !(parts[feature.part] >> feature.bit & 1))
    return false;
  if (!feature.state)
    return true;
  // Without OSXSAVE, xgetbv itself is an illegal instruction.
  static constexpr Feature kSaved = {"", 1, 0, Feature::ECX, 27, 0};
  if (!isPresent(kSaved))
    return false;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & feature.state) == feature.state;
}

static bool isListed(const char *name, const char *list) {
  size_t length = strlen(name);
  for (const char *at = list; *at;) {
    size_t part = strcspn(at, ",");
    if (part == length && !memcmp(at, name, length))
      return true;
    at += part + (at[part] == ',');
  }
  return false;
}

/// Of eight bytes at a time, because every call of an entry pays for it; never
/// zero.
static uint64_t hashOf(const char *text) {
  size_t length = strlen(text);
  uint64_t hash = length;
  for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    memcpy(&word, text + at,
           length - at < sizeof(word) ? length - at : sizeof(word));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash | 1;
}
#endif

extern "C" {

/// What every entry calls first: `features` are LLVM's names, with commas
/// between them. Those that no instruction of compiled code depends on are not
/// looked at.
void et_check_processor(const char *features) {
#if defined(__linux__) && defined(__x86_64__)
  // A library is compiled for one processor, and has a runtime of its own; a
  // process that compiles in memory asks again for another list, which may lie
  // where that of a module it has freed lay. cpuid is slow in a virtual
  // machine.
  static uint64_t checked = 0;
  uint64_t hash = hashOf(features);
  if (__atomic_load_n(&checked, __ATOMIC_RELAXED) == hash)
    return;
  for (const Feature &feature : kFeatures)
    if (isListed(feature.name, features) && !isPresent(feature))
      raise(ET_PROCESSOR,
            "this code was compiled for a processor with %s, which this one "
            "lacks; compile it again with --march=native here, or with the "
            "name of a processor that this one can stand for",
            feature.name);
  __atomic_store_n(&checked, hash, __ATOMIC_RELAXED);
#endif
}

/// What code calls before it touches matrix registers.
void et_use_matrices() {
#if defined(__linux__) && defined(__x86_64__)
  // Once granted, it holds for the process.
  static bool granted = false;
  if (__atomic_load_n(&granted, __ATOMIC_RELAXED))
    return;
  if (syscall(SYS_arch_prctl, kRequestPermission, kMatrixState) == 0) {
    __atomic_store_n(&granted, true, __ATOMIC_RELAXED);
    return;
  }
  if (errno == ENOSPC)
    raise(
        ET_PROCESSOR,
        "a thread of this process has an alternate signal stack (sigaltstack) "
        "that is too small for AMX registers; give it at least "
        "sysconf(_SC_MINSIGSTKSZ) bytes, or compile with --march for a "
        "processor without AMX, such as x86-64-v4");
  raise(ET_PROCESSOR,
        "the operating system refuses AMX registers (%s); compile with --march "
        "for a processor without AMX, such as x86-64-v4",
        strerror(errno));
#else
  raise(ET_PROCESSOR, "this code needs AMX registers on x86-64 Linux");
#endif
}

} // extern "C"
