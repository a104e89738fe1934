//===- ETTargets.cpp - What code is made for ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/Chips.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::et;
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

// Every rule below is a numbered constraint of docs/Spec.md, cited in brackets.

LogicalResult CPUTargetAttr::verify(EmitError emitError, int64_t vectorBits,
                                    int64_t vectorRegisters,
                                    CPUInstructions instructions,
                                    int64_t firstLevelCache,
                                    int64_t secondLevelCache, bool) {
  auto refuse = [&](const Twine &need, int64_t got, StringRef constraint) {
    return emitError() << "#et.cpu_target needs " << need << ", got " << got
                       << " [" << constraint << "]";
  };
  // No processor has longer or more of them.
  if (vectorBits < 64 || vectorBits > 16384 ||
      !llvm::isPowerOf2_64(static_cast<uint64_t>(vectorBits)))
    return refuse("a power of two from 64 to 16384 as vector_bits", vectorBits,
                  "A1");
  if (vectorRegisters < 8 || vectorRegisters > 64)
    return refuse("vector_registers from 8 to 64", vectorRegisters, "A2");
  if (instructions != CPUInstructions::None && vectorBits != 512)
    return refuse("vector_bits = 512 for " +
                      stringifyCPUInstructions(instructions),
                  vectorBits, "A3");
  std::pair<StringRef, int64_t> caches[] = {
      {"first_level_cache", firstLevelCache},
      {"second_level_cache", secondLevelCache}};
  for (auto [name, bytes] : caches)
    if (bytes < 4096)
      return refuse("at least 4096 bytes as " + name, bytes, "A4");
  return success();
}

LogicalResult GPUTargetAttr::verify(EmitError emitError,
                                    ArrayRef<StringAttr> chips) {
  if (chips.empty())
    return emitError() << "#et.gpu_target needs a chip at least [A1]";
  llvm::SmallSet<StringRef, 4> seen;
  for (StringAttr chip : chips) {
    if (llvm::Error error = checkChip(chip))
      return emitError() << "#et.gpu_target has an "
                         << llvm::toString(std::move(error)) << " [A2]";
    if (!seen.insert(chip).second)
      return emitError() << "#et.gpu_target names " << chip << " twice [A3]";
  }
  return success();
}

CPUTargetAttr CPUTargetAttr::getDefault(MLIRContext *context) {
  return get(context, 512, 32, CPUInstructions::None, 49152, 1048576, false);
}

GPUTargetAttr GPUTargetAttr::getDefault(MLIRContext *context) {
  return get(context, StringAttr::get(context, kDefaultChip));
}

template <typename TargetT>
static FailureOr<TargetT> getTarget(Operation *op, StringRef wantedBy) {
  for (Operation *at = op; at; at = at->getParentOp())
    if (Attribute found = at->getDiscardableAttr(kTargetAttr)) {
      if (auto target = dyn_cast<TargetT>(found))
        return target;
      return at->emitError(wantedBy)
             << " needs a #et." << TargetT::getMnemonic() << " as "
             << kTargetAttr << ", got " << found;
    }
  return TargetT::getDefault(op->getContext());
}

FailureOr<CPUTargetAttr> et::getCPUTarget(Operation *op, StringRef wantedBy) {
  return getTarget<CPUTargetAttr>(op, wantedBy);
}

FailureOr<GPUTargetAttr> et::getGPUTarget(Operation *op, StringRef wantedBy) {
  return getTarget<GPUTargetAttr>(op, wantedBy);
}
