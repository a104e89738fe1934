/*===- Compile.h - From models to code --------------------------*- C -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===*/

#ifndef ET_C_COMPILE_H
#define ET_C_COMPILE_H

#include "et-c/Model.h"
#include "et/Runtime/et_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct EtCompileOptions {
  void *ptr;
} EtCompileOptions;

typedef struct EtCode {
  void *ptr;
} EtCode;

static inline bool etCompileOptionsIsNull(EtCompileOptions options) {
  return !options.ptr;
}
static inline bool etCodeIsNull(EtCode code) { return !code.ptr; }

/*===----------------------------------------------------------------------===//
// What code is made for
//===----------------------------------------------------------------------===*/

/** Options for a target: `reference` (plain loops), `cpu` (this processor) or
    `cpu:NAME` (one by LLVM's name), `cuda`, `cuda:sm_90a`, or several chips for
    a fatbin, `cuda:sm_80,sm_90a`. Null if there is no such target. */
MLIR_CAPI_EXPORTED EtCompileOptions
etCompileOptionsCreate(MlirStringRef target, const EtCallbacks *callbacks);
MLIR_CAPI_EXPORTED void etCompileOptionsDestroy(EtCompileOptions options);

/** Keeps code for processors in a folder, and takes it from there; with an
    empty name it is not kept. At first the folder is the one that the
    environment's ET_CACHE_DIR names, if it names one. */
MLIR_CAPI_EXPORTED void etCompileOptionsSetCache(EtCompileOptions options,
                                                 MlirStringRef folder);

/** Makes functions take weights packed, for the target `cpu` alone: the
    argument of a function says which one packs it (et_value.packed_by). */
MLIR_CAPI_EXPORTED MlirLogicalResult etCompileOptionsSetPackWeights(
    EtCompileOptions options, bool packWeights, const EtCallbacks *callbacks);

/** How the matrices of f32 are multiplied on the target `cuda`: `fma` (as at
    first) or `3xtf32`. */
MLIR_CAPI_EXPORTED MlirLogicalResult etCompileOptionsSetF32Products(
    EtCompileOptions options, MlirStringRef f32Products,
    const EtCallbacks *callbacks);

/*===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===*/

typedef enum EtOutput {
  EtOutputLLVM = 0,    /**< LLVM IR of the host code, as text. */
  EtOutputObject = 1,  /**< A relocatable object; link it with et_runtime. */
  EtOutputLibrary = 2, /**< A shared library; needs a C compiler on PATH. */
  EtOutputPTX = 3,     /**< Kernels for one chip, as text. */
  EtOutputCubin = 4,   /**< Kernels for one chip; needs ptxas. */
  EtOutputFatbin = 5,  /**< Kernels for one or several chips; needs ptxas. */
  EtOutputHeader = 6   /**< A C header for the object or library. */
} EtOutput;

/** Compiles a model and hands its bytes to `onBytes`, in one piece. The model
    stays as it is. */
MLIR_CAPI_EXPORTED MlirLogicalResult etCompile(
    MlirModule module, EtCompileOptions options, EtOutput output,
    MlirStringCallback onBytes, void *userData, const EtCallbacks *callbacks);

/*===----------------------------------------------------------------------===//
// Code in this process
//===----------------------------------------------------------------------===*/

/** Compiles a model into this process. The model stays as it is. Null where it
    fails. */
MLIR_CAPI_EXPORTED EtCode etCodeCompile(MlirModule module,
                                        EtCompileOptions options,
                                        const EtCallbacks *callbacks);

/** Loads a library that was compiled before, which needs no compiler. It is
    native code, so it must be trusted. Null where it cannot be loaded. */
MLIR_CAPI_EXPORTED EtCode etCodeLoad(MlirStringRef path,
                                     const EtCallbacks *callbacks);
MLIR_CAPI_EXPORTED void etCodeDestroy(EtCode code);

/** The functions that can be called, by et_call; their descriptions live as
    long as the code, which outlives the context and the model. Any number of
    threads may call them at once. */
MLIR_CAPI_EXPORTED intptr_t etCodeGetNumFunctions(EtCode code);
MLIR_CAPI_EXPORTED const et_function *etCodeGetFunction(EtCode code,
                                                        intptr_t position);
/** The one of that name, or null. */
MLIR_CAPI_EXPORTED const et_function *etCodeLookup(EtCode code,
                                                   MlirStringRef name);

/*===----------------------------------------------------------------------===//
// Routing statistics
//===----------------------------------------------------------------------===*/

/** Changes the function `entry` of a model so that behind its own results it
    returns what each gate did, two tensors a gate: its loads (the tokens of
    each expert) and its fan-out (the tokens by their number of experts). It is
    to be compiled with these options. */
MLIR_CAPI_EXPORTED MlirLogicalResult
etModelAppendStatistics(MlirModule module, MlirStringRef entry,
                        EtCompileOptions options, const EtCallbacks *callbacks);

typedef struct EtGateStatistics {
  double pairs;         /**< Of a token and an expert that it went to. */
  double tokens;        /**< In all. */
  double meanLoad;      /**< Tokens of an expert. */
  double loadVariance;  /**< Of that number. */
  double withoutExpert; /**< The part of all tokens. */
  double withoutToken;  /**< The part of all experts. */
} EtGateStatistics;

/** Of the two tensors of a gate, in host memory, or of their sums over several
    calls, which may be of 64 bits. */
MLIR_CAPI_EXPORTED EtGateStatistics
etGateStatisticsGet(const et_tensor *loads, const et_tensor *fanOut);

#ifdef __cplusplus
}
#endif

#endif /* ET_C_COMPILE_H */
