//===- Support.h - Between C and C++ ----------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CAPI_SUPPORT_H
#define ET_CAPI_SUPPORT_H

#include "et-c/Model.h"
#include "et/Compiler/Model.h"
#include "mlir/CAPI/Support.h"

namespace mlir::et {

/// The caller's side of one call.
class Caller {
public:
  explicit Caller(const EtCallbacks *callbacks) {
    if (callbacks)
      this->callbacks = *callbacks;
    if (this->callbacks.shouldStop)
      interrupt.emplace([this] {
        return this->callbacks.shouldStop(this->callbacks.userData);
      });
  }

  /// Null where the caller never stops the work.
  Interrupt *getInterrupt() { return interrupt ? &*interrupt : nullptr; }

  /// Tells the caller of an error, if it is one.
  MlirLogicalResult report(llvm::Error error) const {
    if (!error)
      return mlirLogicalResultSuccess();
    std::string text = llvm::toString(std::move(error));
    if (callbacks.onError)
      callbacks.onError(wrap(StringRef(text)), callbacks.userData);
    return mlirLogicalResultFailure();
  }

private:
  EtCallbacks callbacks = {};
  std::optional<Interrupt> interrupt;
};

} // namespace mlir::et

#endif // ET_CAPI_SUPPORT_H
