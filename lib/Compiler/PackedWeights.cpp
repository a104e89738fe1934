//===- PackedWeights.cpp - Weights packed once, for many calls ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/PackedWeights.h"

#include "et/Target/HostCode.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::et;

static bool isPacked(const EntryValue &value) {
  return !value.packedBy.empty();
}

llvm::Error et::takePackedWeights(ModuleOp module, StringRef march,
                                  Interrupt *interrupt) {
  if (llvm::Error error = runPipeline(
          module,
          "et-lower-to-cpu-pipeline{compile-to=fuse pack-weights=true "
          "march=" +
              march + "}",
          interrupt))
    return error;
  auto signatures = getSignatures(module);
  if (!signatures)
    return signatures.takeError();
  for (const EntrySignature &signature : *signatures)
    if (llvm::any_of(signature.arguments, isPacked))
      return llvm::Error::success();
  return llvm::createStringError(
      "the model has no weights to pack: no product reads an argument of "
      "static sizes that has an et.weight attribute");
}

llvm::Expected<std::vector<et_tensor>>
et::callPacking(const EntrySignature &signature, const CompiledModule &code,
                SafetensorsFile &file) {
  auto taken =
      llvm::to_vector(llvm::make_filter_range(signature.arguments, isPacked));
  if (taken.empty())
    return std::vector<et_tensor>();
  StringRef name = taken.front().packedBy;
  auto found = code.lookup(name);
  if (!found)
    return found.takeError();
  const et_function &packing = **found;
  bool isOne = llvm::all_of(
      taken, [&](const EntryValue &value) { return value.packedBy == name; });
  if (!isOne || packing.num_results != taken.size())
    return llvm::createStringError(
        "'" + name + "' does not pack all of the weights that '" +
        signature.name + "' takes packed, and no others");
  std::vector<et_tensor> weights, packed(taken.size());
  for (const et_value &value : ArrayRef(packing.args, packing.num_args)) {
    auto tensor = file.find(value.weight);
    if (!tensor)
      return tensor.takeError();
    weights.push_back(*tensor);
  }
  et_status status;
  if (et_call(&packing, weights.data(), weights.size(), packed.data(),
              packed.size(), &status))
    return llvm::createFileError(file.getPath(),
                                 llvm::createStringError(status.message));
  return packed;
}

PackedWeights::~PackedWeights() {
  for (et_tensor &tensor : packed)
    et_tensor_release(&tensor);
}

llvm::Error PackedWeights::takeFrom(const EntrySignature &signature,
                                    const CompiledModule &code) {
  auto add = [&](StringRef name, const et_tensor &tensor) {
    // Functions may share weights.
    if (llvm::none_of(tensors, [&](const NamedTensor &named) {
          return named.name == name;
        }))
      tensors.push_back({name.str(), tensor});
  };
  size_t next = packed.size();
  auto results = callPacking(signature, code, file);
  if (!results)
    return results.takeError();
  llvm::append_range(packed, *results);
  for (const EntryValue &value : signature.arguments) {
    if (isPacked(value)) {
      add(value.weight, packed[next++]);
    } else if (!value.weight.empty()) {
      auto tensor = file.find(value.weight);
      if (!tensor)
        return tensor.takeError();
      add(value.weight, *tensor);
    }
  }
  return llvm::Error::success();
}

llvm::Expected<PackedWeights>
PackedWeights::create(ModuleOp module, StringRef file, const CodeCache &cache) {
  auto weights = SafetensorsFile::open(file);
  if (!weights)
    return weights.takeError();
  auto signatures = getSignatures(module);
  if (!signatures)
    return signatures.takeError();
  llvm::StringSet<> packings;
  for (const EntrySignature &signature : *signatures)
    for (const EntryValue &value : signature.arguments)
      if (isPacked(value))
        packings.insert(value.packedBy);

  // For this processor, whichever the model is compiled for.
  OwningOpRef<ModuleOp> onlyPacking = module.clone();
  for (func::FuncOp function : getEntryFunctions(*onlyPacking))
    if (!packings.contains(function.getName()))
      function.setPrivate();
  auto object = cache.compile(*onlyPacking,
                              "symbol-dce, et-lower-to-cpu-pipeline", "native");
  if (!object)
    return object.takeError();
  auto code = CompiledModule::create(std::move(*object));
  if (!code)
    return code.takeError();

  PackedWeights result(std::move(*weights));
  for (const EntrySignature &signature : *signatures)
    if (!packings.contains(signature.name))
      if (llvm::Error error = result.takeFrom(signature, *code))
        return error;
  return std::move(result);
}
