/*===- Model.h - Contexts, models and passes ---------------------*- C -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C API of the compiler goes with MLIR's own: contexts, modules and
// diagnostics are those of mlir-c, whose functions the library exports too, so
// mlir-c/IR.h walks and prints what is parsed here, and what the compiler has
// to say of a model comes to mlirContextAttachDiagnosticHandler. No exception
// crosses the border, and none may come out of a callback.
//
//===----------------------------------------------------------------------===*/

#ifndef ET_C_MODEL_H
#define ET_C_MODEL_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a function tells and asks its caller while it runs. Those that take it
    take null as well, and any of its callbacks may be null. */
typedef struct EtCallbacks {
  /** Gets the text of what went wrong, once, before a function fails.
      Diagnostics came before it and have the places. */
  MlirStringCallback onError;
  /** Asked between passes, and only on the thread that called: whether to give
      up. The function then fails, and its text says that it was interrupted. */
  bool (*shouldStop)(void *userData);
  void *userData;
} EtCallbacks;

/** A context with the dialects and passes of this project and of MLIR, for
    mlirContextDestroy. It does one piece of work at a time; several contexts
    work at once. */
MLIR_CAPI_EXPORTED MlirContext etContextCreate(void);

/** Makes diagnostics, of the severity of a remark, of what passes have to say
    whose category the regular expression matches as a whole, such as
    `et-fuse-.*`. Once a context. */
MLIR_CAPI_EXPORTED MlirLogicalResult
etContextEnableRemarks(MlirContext context, MlirStringRef categories,
                       const EtCallbacks *callbacks);

/** Loads a library with a dialect of others, whose attributes implement our
    interfaces. It runs code of that library. */
MLIR_CAPI_EXPORTED MlirLogicalResult etContextLoadDialect(
    MlirContext context, MlirStringRef library, const EtCallbacks *callbacks);

/** Parses a model, text or bytecode, and checks that it can be compiled. The
    functions of nested modules come to the outermost one. `name` stands for the
    model in diagnostics. Null if it is not valid, else for mlirModuleDestroy.
 */
MLIR_CAPI_EXPORTED MlirModule etModelParse(MlirContext context,
                                           MlirStringRef source,
                                           MlirStringRef name,
                                           const EtCallbacks *callbacks);

/** The same, of a file. */
MLIR_CAPI_EXPORTED MlirModule etModelRead(MlirContext context,
                                          MlirStringRef path,
                                          const EtCallbacks *callbacks);

/** Runs a pipeline given as text, such as
    `et-lower-to-cpu-pipeline{compile-to=loops}`, and changes the module. After
    a failure it may be at any step, or not valid any more. */
MLIR_CAPI_EXPORTED MlirLogicalResult etModelRunPipeline(
    MlirModule module, MlirStringRef pipeline, const EtCallbacks *callbacks);

#ifdef __cplusplus
}
#endif

#endif /* ET_C_MODEL_H */
