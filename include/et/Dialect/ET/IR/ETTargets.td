//===- ETTargets.td - What code is made for -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETTARGETS
#define ET_DIALECT_ET_IR_ETTARGETS

include "et/Dialect/ET/IR/ETAttrs.td"

// A module says what it is compiled for by one of these as its `et.target`.
// Passes read it, so that it is printed and edited with the module.

/// Instructions that kernels use beside vectors of 512 bits.
def ET_CPUInstructions : I32BitEnumAttr<"CPUInstructions", "instructions of a processor", [
  I32BitEnumAttrCaseNone<"None", "none">,
  I32BitEnumAttrCaseBit<"AMXBF16", 0, "amx_bf16">,
  I32BitEnumAttrCaseBit<"AVX512BF16", 1, "avx512_bf16">,
  I32BitEnumAttrCaseBit<"AVX512VBMI", 2, "avx512_vbmi">
]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::et";
}

def ET_CPUTargetAttr : ET_Attr<"CPUTarget", "cpu_target"> {
  let summary = "the facts about a processor that vector code depends on";
  let description = [{
    Vector registers and their bits; which of the instructions there are that
    kernels use beside vectors of 512 bits: products of bf16 in matrix registers
    (`amx_bf16`) and of pairs of bf16 (`avx512_bf16`), and tables of bytes
    (`avx512_vbmi`); bytes of a core's data caches; and whether a core that reads
    weights in order has what follows brought from memory by itself, as fast as
    memory can. `--et-set-cpu-target` knows them for a processor's name.

    ```mlir
    module attributes {et.target = #et.cpu_target<instructions = [avx512_bf16], second_level_cache = 2097152>} {}
    ```
  }];
  let parameters = (ins
    DefaultValuedParameter<"int64_t", "512">:$vector_bits,
    DefaultValuedParameter<"int64_t", "32">:$vector_registers,
    DefaultValuedParameter<"::mlir::et::CPUInstructions",
                           "::mlir::et::CPUInstructions::None">:$instructions,
    DefaultValuedParameter<"int64_t", "49152">:$first_level_cache,
    DefaultValuedParameter<"int64_t", "1048576">:$second_level_cache,
    DefaultValuedParameter<"bool", "false">:$reads_ahead);
  let assemblyFormat = [{
    (`<` struct(custom<Count>($vector_bits), custom<Count>($vector_registers),
      custom<Instructions>($instructions), custom<Count>($first_level_cache),
      custom<Count>($second_level_cache), custom<Flag>($reads_ahead))^ `>`)?
  }];
  let declarations = [{
    /// What a module without a target is compiled for.
    static CPUTargetAttr getDefault(::mlir::MLIRContext *context);

    /// f32 values a vector register.
    int64_t getLanes() const { return getVectorBits() / 32; }
    bool has(::mlir::et::CPUInstructions instructions) const {
      return bitEnumContainsAll(getInstructions(), instructions);
    }
    /// Whether weights of bytes can become pairs of bf16 by tables, of panels of
    /// so many columns: registers of bytes are looked up whole.
    bool hasBytePairs(int64_t columns) const {
      return has(CPUInstructions::AVX512BF16 | CPUInstructions::AVX512VBMI) &&
             columns % (2 * getLanes()) == 0;
    }
  }];
  let genVerifyDecl = 1;
}

def ET_GPUTargetAttr : ET_Attr<"GPUTarget", "gpu_target"> {
  let summary = "the GPUs that kernels are compiled for";
  let description = [{
    A chip's name stands for what is known of it (`Chips.h`): its number, by which
    a kernel is told apart at run time, what a multiprocessor holds, and the rates
    that costs are predicted from. Which matrix instructions it has, their table
    says. `--et-set-gpu-target` writes one.

    ```mlir
    module attributes {et.target = #et.gpu_target<chips = [sm_80, sm_90a]>} {}
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$chips);
  let assemblyFormat = "`<` struct(custom<Names>($chips)) `>`";
  let builders = [AttrBuilder<(ins "::llvm::ArrayRef<std::string>":$names), [{
    return $_get($_ctxt, ::llvm::map_to_vector(names, [&](const std::string &name) {
      return ::mlir::StringAttr::get($_ctxt, name);
    }));
  }]>];
  let declarations = [{
    /// What a module without a target is compiled for.
    static GPUTargetAttr getDefault(::mlir::MLIRContext *context);
  }];
  let genVerifyDecl = 1;
}

#endif // ET_DIALECT_ET_IR_ETTARGETS
