//===- NoteOrigins.cpp - Which op a kernel will be named after ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Dialect/ET/Utils/OriginUtils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::et {
#define GEN_PASS_DEF_NOTEORIGINS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// What an op does. linalg.generic says nothing, but the op that makes its
/// elements does.
static StringRef getTellingName(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    ValueRange elements = generic.getBody()->getTerminator()->getOperands();
    Operation *last =
        elements.empty() ? nullptr : elements.front().getDefiningOp();
    if (last && last->getBlock() == generic.getBody())
      op = last;
  }
  return op->getName().getStringRef();
}

namespace {
struct NoteOrigins : et::impl::NoteOriginsBase<NoteOrigins> {
  void runOnOperation() override {
    getOperation().getBody().walk([](Operation *op) {
      op->setLoc(noteOrigin(getTellingName(op), op->getLoc()));
    });
  }
};
} // namespace
