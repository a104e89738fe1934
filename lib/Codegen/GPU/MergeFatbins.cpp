//===- MergeFatbins.cpp - One fat binary for several GPUs -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "llvm/Support/Endian.h"

namespace mlir::et {
#define GEN_PASS_DEF_MERGEFATBINS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;
namespace endian = llvm::support::endian;

// A fat binary is a header (u32 magic, u16 version, u16 header size, u64 size
// of the rest) and a row of entries, each with the architecture that it is for.
static constexpr uint32_t kMagic = 0xBA55ED50;
static constexpr size_t kHeaderSize = 16, kEntriesSizeAt = 8;

/// The entries of a fat binary; empty if it is none.
static StringRef getEntries(StringRef fatbin) {
  if (fatbin.size() < kHeaderSize ||
      endian::read32le(fatbin.data()) != kMagic ||
      endian::read16le(fatbin.data() + 6) != kHeaderSize)
    return {};
  uint64_t size = endian::read64le(fatbin.data() + kEntriesSizeAt);
  if (size > fatbin.size() - kHeaderSize)
    return {};
  return fatbin.substr(kHeaderSize, size);
}

namespace {
struct MergeFatbins : et::impl::MergeFatbinsBase<MergeFatbins> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](gpu::BinaryOp binary) {
      return failed(merge(binary)) ? WalkResult::interrupt()
                                   : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  static LogicalResult merge(gpu::BinaryOp binary) {
    auto objects =
        llvm::to_vector(binary.getObjects().getAsRange<gpu::ObjectAttr>());
    auto isFatbin = [](gpu::ObjectAttr object) {
      return object.getFormat() == gpu::CompilationTarget::Fatbin;
    };
    if (objects.size() < 2 || !llvm::all_of(objects, isFatbin))
      return success();
    std::string merged =
        objects.front().getObject().getValue().take_front(kHeaderSize).str();
    for (gpu::ObjectAttr object : objects) {
      StringRef entries = getEntries(object.getObject().getValue());
      if (entries.empty())
        return binary.emitError("object of ")
               << object.getTarget()
               << " is not a fat binary of a known version";
      merged += entries;
    }
    endian::write64le(merged.data() + kEntriesSizeAt,
                      merged.size() - kHeaderSize);
    MLIRContext *context = binary.getContext();
    auto object = gpu::ObjectAttr::get(
        context, objects.front().getTarget(), gpu::CompilationTarget::Fatbin,
        StringAttr::get(context, merged), /*properties=*/nullptr,
        objects.front().getKernels());
    binary.setObjectsAttr(ArrayAttr::get(context, {object}));
    return success();
  }
};
} // namespace
