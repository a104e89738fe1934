//===- CheckBuilder.h - Building checks of sizes ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_TRANSFORMS_CHECKBUILDER_H
#define ET_LIB_DIALECT_ET_TRANSFORMS_CHECKBUILDER_H

#include "SizeFacts.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::et {

/// Builds checks of one op before it.
class CheckBuilder : public OpBuilder::Listener {
protected:
  CheckBuilder(Operation *op, SizeFacts &facts)
      : op(op), facts(facts), b(op->getLoc(), getPlace(op),
                                static_cast<OpBuilder::Listener *>(this)) {}

  /// What checks needed that could be shown, and nothing else. Returns whether
  /// the op is wrong in each call.
  LogicalResult finish() {
    for (Operation *made : llvm::reverse(built))
      if (isOpTriviallyDead(made))
        made->erase();
    return failure(isWrong);
  }

  static int64_t rankOf(Value tensor) {
    return cast<ShapedType>(tensor.getType()).getRank();
  }

  /// A size or a place of an op, as messages call it.
  struct Named {
    std::string name;
    Size size;
  };

  /// " (NAME: NUMBER, ...)", of the numbers that are known.
  static std::string describe(ArrayRef<Named> all) {
    std::string text;
    for (const Named &each : all)
      if (each.size.isConstant())
        text += (text.empty() ? " (" : ", ") + each.name + ": " +
                std::to_string(each.size.number);
    return text.empty() ? text : text + ")";
  }

  void requireEqual(Size a, Size b, const Twine &message) {
    a = facts.find(a);
    b = facts.find(b);
    if (a == b)
      return;
    require(isEqual(materialize(a), materialize(b)), message);
    facts.unite(a, b);
  }

  /// Null if it holds always, or never where each call comes by: the latter is
  /// an error.
  cf::AssertOp require(Value holds, const Twine &message) {
    if (matchPattern(holds, m_One()))
      return nullptr;
    if (matchPattern(holds, m_Zero()) && isAlwaysRun()) {
      op->emitOpError() << message;
      isWrong = true;
      return nullptr;
    }
    return cf::AssertOp::create(
        b, holds, (op->getName().getStringRef() + ": " + message).str());
  }

  // Building.

  template <typename OpTy, typename... Args>
  Value make(Args &&...args) {
    return b.createOrFold<OpTy>(std::forward<Args>(args)...);
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }

  Value constantLike(Value other, int64_t value) {
    return arith::ConstantOp::create(b,
                                     b.getIntegerAttr(other.getType(), value));
  }

  Value toValue(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), value);
  }

  Value materialize(Size size) {
    if (size.isConstant())
      return constant(size.number);
    if (size.isIndex())
      return size.value;
    return toValue(getMixedSize(b, b.getLoc(), size.value, size.number));
  }

  Value compare(arith::CmpIPredicate predicate, Value left, Value right) {
    return make<arith::CmpIOp>(predicate, left, right);
  }
  Value isEqual(Value left, Value right, bool negated = false) {
    return compare(negated ? arith::CmpIPredicate::ne
                           : arith::CmpIPredicate::eq,
                   left, right);
  }
  Value isAtLeast(Value left, Value right) {
    return compare(arith::CmpIPredicate::sge, left, right);
  }
  Value isBelow(Value left, Value right) {
    return compare(arith::CmpIPredicate::slt, left, right);
  }
  /// Also that `left` is not negative, where `right` is not.
  Value isAtMost(Value left, Value right) {
    return compare(arith::CmpIPredicate::ule, left, right);
  }
  Value both(Value left, Value right) {
    return make<arith::AndIOp>(left, right);
  }
  Value either(Value left, Value right) {
    return make<arith::OrIOp>(left, right);
  }

  Operation *op;
  SizeFacts &facts;
  ImplicitLocOpBuilder b;

private:
  /// Whether the place where checks are built comes by in each call.
  bool isAlwaysRun() {
    auto function =
        dyn_cast<FunctionOpInterface>(b.getInsertionBlock()->getParentOp());
    return function && function.isPublic() &&
           b.getInsertionBlock()->isEntryBlock();
  }

  void notifyOperationInserted(Operation *made,
                               OpBuilder::InsertPoint) override {
    built.push_back(made);
  }

  /// Where an op is that runs in parallel to others of its block, nothing else
  /// may be.
  static Operation *getPlace(Operation *op) {
    Operation *parent = op->getParentOp();
    return isa_and_present<scf::InParallelOp>(parent) ? parent : op;
  }

  SmallVector<Operation *> built;
  bool isWrong = false;
};

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_CHECKBUILDER_H
