//===- AlignDynamicShared.cpp - Where a launch's shared memory starts -----===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"

namespace mlir::et {
#define GEN_PASS_DEF_ALIGNDYNAMICSHARED
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// The longest swizzle repeats after as many bytes.
static constexpr uint64_t kAlignment = 1024;

namespace {
struct AlignDynamicShared
    : et::impl::AlignDynamicSharedBase<AlignDynamicShared> {
  void runOnOperation() override {
    for (auto global : getOperation().getOps<LLVM::GlobalOp>()) {
      auto type = dyn_cast<LLVM::LLVMArrayType>(global.getGlobalType());
      if (global.getAddrSpace() !=
              static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared) ||
          !type || type.getNumElements() != 0)
        continue;
      global.setLinkage(LLVM::Linkage::External);
      global.setAlignment(kAlignment);
    }
  }
};
} // namespace
