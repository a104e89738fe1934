//===- TargetModel.cpp - What a processor has -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/TargetModel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace mlir;
using namespace mlir::et;
using namespace mlir::et::cpu;

bool TargetModel::has(llvm::StringRef feature) const {
  return llvm::is_contained(features, ("+" + feature).str());
}

static bool isX86Name(llvm::StringRef cpu) {
  return llvm::X86::parseArchX86(cpu, /*Only64Bit=*/true) != llvm::X86::CK_None;
}

/// Whether this process may use matrix registers: the processor has them and
/// the system saves them, yet Linux grants them only on request, and may
/// refuse.
static bool grantsMatrices() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long kRequestPermission = 0x1023, kMatrixState = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kMatrixState) == 0;
#else
  return false;
#endif
}

/// Features that code does without, for the runtime's check of the processor
/// could not tell in time that they are missing: those of APX stand anywhere,
/// in the function that calls the check too, and AVX10.2 has no bit of its own.
static bool isAvoided(llvm::StringRef feature) {
  static constexpr llvm::StringLiteral avoided[] = {
      "avx10.2", "ccmp", "cf", "egpr", "ndd", "nf", "ppx", "push2pop2", "zu"};
  return llvm::is_contained(avoided, feature);
}

namespace {
struct CacheBytes {
  unsigned firstLevel, secondLevel;
};
} // namespace

/// Of a core's data caches. Features do not tell, so this is by name, from the
/// makers' optimization guides: 32 KB and 512 KB where nothing is known, and
/// 1 MB for all second levels of at least as much.
static CacheBytes getCacheBytes(llvm::StringRef cpu) {
  constexpr unsigned k = 1 << 10;
  return llvm::StringSwitch<CacheBytes>(cpu)
      .Cases({"skylake-avx512", "cascadelake", "cooperlake", "znver4"},
             {32 * k, 1024 * k})
      .Cases({"icelake-client", "rocketlake"}, {48 * k, 512 * k})
      .Cases({"icelake-server", "tigerlake", "sapphirerapids", "emeraldrapids",
              "graniterapids", "graniterapids-d", "alderlake", "raptorlake",
              "meteorlake", "arrowlake", "arrowlake-s", "lunarlake",
              "pantherlake", "wildcatlake", "novalake", "diamondrapids",
              "znver5"},
             {48 * k, 1024 * k})
      .Default({32 * k, 512 * k});
}

std::optional<TargetModel> TargetModel::get(llvm::StringRef march) {
  TargetModel model;
  if (march == "native") {
    model.cpu = llvm::sys::getHostCPUName().str();
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    bool matrices = features.lookup("amx-tile") && grantsMatrices();
    for (const auto &feature : features) {
      bool usable = feature.second && !isAvoided(feature.first()) &&
                    (matrices || !feature.first().starts_with("amx-"));
      model.features.push_back(((usable ? "+" : "-") + feature.first()).str());
    }
  } else {
    if (!isX86Name(march))
      return std::nullopt;
    model.cpu = march.str();
    llvm::SmallVector<llvm::StringRef> named;
    llvm::X86::getFeaturesForCPU(march, named);
    // Names leave out what others imply: x86-64-v4 lists avx512vl, not avx512f.
    llvm::StringMap<bool> all;
    for (llvm::StringRef feature : named) {
      all[feature] = true;
      llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, all);
    }
    for (llvm::StringRef feature : all.keys())
      model.features.push_back(
          ((isAvoided(feature) ? "-" : "+") + feature).str());
  }
  llvm::sort(model.features);

  // AVX-512 doubles the registers with the width. Other instruction sets of
  // today's servers (Neon, SSE) have 128 bits.
  if (model.has("avx512f")) {
    model.vectorBits = 512;
    model.vectorRegisters = 32;
  } else if (model.has("avx2") && model.has("fma")) {
    model.vectorBits = 256;
    model.vectorRegisters = 16;
  } else {
    model.vectorBits = 128;
    model.vectorRegisters = isX86Name(model.cpu) ? 16 : 32;
  }
  CacheBytes caches = getCacheBytes(model.cpu);
  model.firstLevelBytes = caches.firstLevel;
  model.secondLevelBytes = caches.secondLevel;
  // docs/Rationale.md, CPU kernels, says what was measured.
  model.readsAhead = model.cpu == "znver4" || model.cpu == "znver5";
  return model;
}

FailureOr<TargetModel> TargetModel::get(llvm::StringRef march, Operation *op) {
  if (std::optional<TargetModel> model = get(march))
    return *model;
  return op->emitError("unknown processor '")
         << march
         << "'; march takes native or a processor as LLVM names it, such as "
            "x86-64-v3, x86-64-v4 or znver5";
}

CPUTargetAttr TargetModel::getTarget(MLIRContext *context) const {
  std::pair<llvm::StringRef, CPUInstructions> known[] = {
      {"amx-bf16", CPUInstructions::AMXBF16},
      {"avx512bf16", CPUInstructions::AVX512BF16},
      {"avx512vbmi", CPUInstructions::AVX512VBMI}};
  auto instructions = CPUInstructions::None;
  for (auto [feature, instruction] : known)
    // Kernels use them beside vectors of 512 bits.
    if (vectorBits == 512 && has(feature))
      instructions = instructions | instruction;
  return CPUTargetAttr::get(context, vectorBits, vectorRegisters, instructions,
                            firstLevelBytes, secondLevelBytes, readsAhead);
}
