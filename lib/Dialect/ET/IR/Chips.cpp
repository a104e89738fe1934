//===- Chips.cpp - The GPUs that kernels can be compiled for --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/Chips.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace mlir::et;
using llvm::StringRef;

/// The oldest architecture with asynchronous copies and bf16.
static constexpr unsigned kOldest = 80;

ChipName et::parseChip(StringRef chip) {
  ChipName name = {0, 0};
  chip.consume_front("sm_");
  chip.consumeInteger(10, name.number);
  if (!chip.empty())
    name.suffix = chip.front();
  return name;
}

static unsigned getNumber(StringRef chip) { return parseChip(chip).number; }

/// LLVM still knows these names; CUDA 13 calls the chips sm_110.
static bool isRenamed(StringRef chip) { return getNumber(chip) == 101; }

llvm::SmallVector<StringRef> et::getKnownChips() {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTargetMC();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  llvm::SmallVector<StringRef> chips;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return chips;
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, /*CPU=*/"", /*Features=*/""));
  for (const auto &processor : info->getAllProcessorDescriptions())
    if (getNumber(processor.Key) >= kOldest && !isRenamed(processor.Key))
      chips.push_back(StringRef(processor.Key));
  llvm::sort(chips, [](StringRef a, StringRef b) {
    return std::pair(getNumber(a), a) < std::pair(getNumber(b), b);
  });
  return chips;
}

llvm::Error et::checkChip(StringRef chip) {
  llvm::SmallVector<StringRef> known = getKnownChips();
  if (llvm::is_contained(known, chip))
    return llvm::Error::success();
  return llvm::createStringError(
      "unknown chip '" + chip + "'; " +
      (isRenamed(chip) ? "CUDA 13 calls it sm_110; " : "") +
      "known: " + llvm::join(known, ", "));
}

// Sources: what a multiprocessor holds, "Compute Capabilities" in the CUDA C++
// Programming Guide 13.0; the rest, NVIDIA's "A100 Tensor Core GPU" (80 GB SXM)
// data sheet, the whitepapers "Ampere GA102" (appendix A), "Ada GPU
// Architecture" (appendix A), "H100 Tensor Core GPU Architecture" (SXM5),
// "Blackwell Architecture Technical Brief" (B200 of a DGX, dense) and "RTX
// Blackwell GPU Architecture" (appendix A).
static constexpr int64_t kKiB = 1024;
static const ChipFigures kFigures[] = {
    {"sm_80", "A100", 2.039e12, 312e12, 19.5e12, 108, 164 * kKiB, 163 * kKiB,
     65536, 2048, 32},
    {"sm_86", "RTX 3090", 0.936e12, 71e12, 35.6e12, 82, 100 * kKiB, 99 * kKiB,
     65536, 1536, 16},
    {"sm_89", "RTX 4090", 1.008e12, 165.2e12, 82.6e12, 128, 100 * kKiB,
     99 * kKiB, 65536, 1536, 24},
    {"sm_90", "H100", 3.35e12, 989.4e12, 66.9e12, 132, 228 * kKiB, 227 * kKiB,
     65536, 2048, 32},
    {"sm_100", "B200", 8.0e12, 2250e12, 80e12, 148, 228 * kKiB, 227 * kKiB,
     65536, 2048, 32},
    {"sm_120", "RTX 5090", 1.792e12, 209.5e12, 104.8e12, 170, 100 * kKiB,
     99 * kKiB, 65536, 1536, 24},
};

const ChipFigures &et::getChipFigures(StringRef chip) {
  auto isLater = [&](const ChipFigures &figures) {
    return getNumber(figures.chip) > getNumber(chip);
  };
  const ChipFigures *after = llvm::find_if(kFigures, isLater);
  return after == std::begin(kFigures) ? *after : *std::prev(after);
}

/// Registers are given to warps in units of 256, and the driver takes 1 KiB of
/// shared memory from every block (CUDA C++ Programming Guide, "Compute
/// Capabilities").
static constexpr int64_t kWarp = 32, kRegisterUnit = 256,
                         kReservedShared = 1024;

int64_t et::countBlocks(const ChipFigures &chip, int64_t sharedBytes,
                        int64_t threads, int64_t registers) {
  if (sharedBytes > chip.blockSharedBytes)
    return 0;
  int64_t warps = llvm::divideCeil(threads, kWarp);
  int64_t ofBlock = warps * llvm::alignTo(registers * kWarp, kRegisterUnit);
  return std::min({chip.blocks, chip.threads / (warps * kWarp),
                   chip.registers / ofBlock,
                   chip.sharedBytes / (sharedBytes + kReservedShared)});
}
