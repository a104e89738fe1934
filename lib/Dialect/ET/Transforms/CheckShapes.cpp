//===- CheckShapes.cpp - Run-time checks of dynamic sizes -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKSHAPES
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// Emits the checks of one op before it.
class ShapeChecker {
public:
  explicit ShapeChecker(NamedShapesOpInterface op)
      : op(op), builder(op), loc(op.getLoc()) {}

  void emitChecks() {
    SmallVector<NamedShape> shapes = op.getNamedShapes();
    // Derived sizes need their letters, so plain names go first.
    for (bool derived : {false, true})
      for (const NamedShape &shape : shapes)
        visit(shape, derived);
    if (isa<HistogramOp, HistogramQuantileOp>(op))
      checkNotEmpty('B', "bin");
    if (isa<GatherOp>(op))
      checkNotEmpty('O', "offset");
  }

private:
  void checkNotEmpty(char letter, StringRef what) {
    if (isa<Attribute>(sizes.lookup(letter)))
      return;
    emitCompare(arith::CmpIPredicate::sge, sizes.lookup(letter),
                builder.getIndexAttr(1), "needs at least one " + what);
  }

  void emitCompare(arith::CmpIPredicate predicate, OpFoldResult left,
                   OpFoldResult right, const Twine &message) {
    Value holds = arith::CmpIOp::create(
        builder, loc, predicate,
        getValueOrCreateConstantIndexOp(builder, loc, left),
        getValueOrCreateConstantIndexOp(builder, loc, right));
    cf::AssertOp::create(builder, loc, holds,
                         (op->getName().getStringRef() + ": " + message).str());
  }

  void visit(const NamedShape &shape, bool derived) {
    SmallVector<StringRef> names;
    shape.dims.split(names, ' ');
    for (auto [index, name] : llvm::enumerate(names)) {
      if (isDerivedSize(name) != derived)
        continue;
      OpFoldResult actual =
          getMixedSize(builder, loc, shape.value, int64_t(index));
      if (!derived && sizes.try_emplace(name.front(), actual).second)
        continue;
      OpFoldResult expected = expectedSize(name);
      // Two static sizes are the verifier's.
      if (expected && !(isa<Attribute>(actual) && isa<Attribute>(expected)))
        emitAssert(shape, index, name, actual, expected);
    }
  }

  /// Null if the name derives from a letter that no operand has.
  OpFoldResult expectedSize(StringRef name) {
    if (name == "4")
      return builder.getIndexAttr(4);
    OpFoldResult base = sizes.lookup(name.front());
    if (!base || !isDerivedSize(name))
      return base;
    AffineExpr size = builder.getAffineSymbolExpr(0);
    return affine::makeComposedFoldedAffineApply(
        builder, loc, name == "E+1" ? size + 1 : size.ceilDiv(kTokensPerWord),
        {base});
  }

  void emitAssert(const NamedShape &shape, unsigned index, StringRef name,
                  OpFoldResult actual, OpFoldResult expected) {
    emitCompare(arith::CmpIPredicate::eq, actual, expected,
                "the size of operand '" + shape.operand + "' in dimension " +
                    Twine(index) + " is not " + name +
                    " of the other operands");
  }

  NamedShapesOpInterface op;
  OpBuilder builder;
  Location loc;
  llvm::SmallDenseMap<char, OpFoldResult> sizes;
};

struct CheckShapes : et::impl::CheckShapesBase<CheckShapes> {
  void runOnOperation() override {
    getOperation()->walk(
        [](NamedShapesOpInterface op) { ShapeChecker(op).emitChecks(); });
  }
};
} // namespace
