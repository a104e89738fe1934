//===- Chips.cpp - The GPUs that kernels can be compiled for --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Chips.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace mlir::et;
using llvm::StringRef;

/// The oldest architecture with asynchronous copies and bf16.
static constexpr unsigned kOldest = 80;

/// 90 of sm_90a.
static unsigned getNumber(StringRef chip) {
  unsigned number = 0;
  chip.consume_front("sm_");
  chip.consumeInteger(10, number);
  return number;
}

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
    if (getNumber(StringRef(processor.Key)) >= kOldest)
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
  return llvm::createStringError("unknown chip '" + chip +
                                 "'; known: " + llvm::join(known, ", "));
}
