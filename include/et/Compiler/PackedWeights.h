//===- PackedWeights.h - Weights packed once, for many calls ----*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_PACKEDWEIGHTS_H
#define ET_COMPILER_PACKEDWEIGHTS_H

#include "et/Compiler/CodeCache.h"
#include "et/Compiler/TensorFile.h"
#include "et/Conversion/ToRuntime/Signature.h"

namespace mlir::et {

class CompiledModule;

/// Makes the model's functions take packed weights, and cuts it after the fuse
/// phase: `pipeline` goes on from there. An error if nothing is to be packed.
llvm::Error takePackedWeights(ModuleOp module, StringRef march,
                              Interrupt *interrupt = nullptr);

/// The packed weights that a function takes, in the order of its arguments,
/// made of weights of `file`. They are the caller's.
llvm::Expected<std::vector<et_tensor>>
callPacking(const EntrySignature &signature, const CompiledModule &code,
            SafetensorsFile &file);

/// What a file of weights for such a model holds: those of `file` that its
/// functions take, packed where they take them packed.
class PackedWeights {
public:
  static llvm::Expected<PackedWeights> create(ModuleOp module, StringRef file,
                                              const CodeCache &cache);
  PackedWeights(PackedWeights &&) = default;
  ~PackedWeights();

  /// Whether `path` is one of the files of the weights.
  bool isRead(StringRef path) const { return file.isRead(path); }

  void write(llvm::raw_ostream &os) const { writeSafetensors(os, tensors); }

private:
  PackedWeights(SafetensorsFile file) : file(std::move(file)) {}
  llvm::Error takeFrom(const EntrySignature &signature,
                       const CompiledModule &code);

  SafetensorsFile file;
  std::vector<NamedTensor> tensors;
  std::vector<et_tensor> packed;
};

} // namespace mlir::et

#endif // ET_COMPILER_PACKEDWEIGHTS_H
