//===- KernelFacts.h - What assembler and disassembly say -------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_KERNELFACTS_H
#define ET_TARGET_KERNELFACTS_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace mlir::et {

/// An innermost loop among those with matrix instructions.
struct MatrixLoop {
  /// The matrix instruction there is most of, such as HMMA.16816.F32.BF16.
  std::string instruction;
  /// Matrix instructions of its body, and all others. Loops inside it that wait
  /// for a barrier are left out: how often they run is the hardware's affair.
  unsigned matrix = 0, others = 0;
  /// Multiply-adds of a warp in one round; 0 for shapes that are not known.
  uint64_t macs = 0;
};

struct KernelFacts {
  std::string name;
  /// Whether it ends at once: it is there for other chips.
  bool isEmpty = false;
  /// Of a block, where the text fixes it; else 0.
  unsigned threads = 0;
  unsigned registers = 0;
  /// Bytes a thread: stack that it uses, and what does not fit in registers,
  /// stores and loads together.
  unsigned stackBytes = 0, spillBytes = 0;
  /// Static shared memory of a block.
  unsigned sharedBytes = 0;
  /// What ptxas warned of, or said about serialized products.
  std::vector<std::string> notes;
  /// Those that multiply the most first.
  std::vector<MatrixLoop> loops;
  /// Matrix instructions in the whole kernel, by name.
  std::vector<std::pair<std::string, unsigned>> matrixInstructions;
};

llvm::json::Object toJSON(const KernelFacts &facts);

/// Assembles `ptx` for `chip` with ptxas, and disassembles it with nvdisasm.
/// Kernels come in the order of the text.
llvm::Expected<std::vector<KernelFacts>> getKernelFacts(StringRef ptx,
                                                        StringRef chip);

/// nvdisasm beside the toolkit's ptxas, else the one that the build found, else
/// the one on PATH. The error names the remedy.
llvm::Expected<std::string> findDisassembler();

/// The functions in what `nvdisasm -json` printed, with their loops.
llvm::Expected<std::vector<KernelFacts>> readDisassembly(StringRef json);

} // namespace mlir::et

#endif // ET_TARGET_KERNELFACTS_H
