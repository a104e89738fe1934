//===- PlaceChecker.cpp - Checks of places in tensors ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlaceChecker.h"

#include "et/Dialect/ET/Utils/CheckUtils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace mlir::et;

/// An argument of a function can be anything.
static bool mayProve(Size size) {
  if (!size.isIndex())
    return false;
  auto argument = dyn_cast<BlockArgument>(size.value);
  return !argument ||
         !isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
}

static ValueBoundsConstraintSet::Variable toVariable(Size size,
                                                     MLIRContext *context) {
  if (size.isConstant())
    return OpFoldResult(IntegerAttr::get(IndexType::get(context), size.number));
  if (size.isIndex())
    return size.value;
  return {size.value, size.number};
}

static bool isProvenRange(Size whole, Size offset, Size size) {
  using Bounds = ValueBoundsConstraintSet;
  if (!mayProve(offset) && !mayProve(size))
    return false;
  MLIRContext *context = (offset.value ? offset : size).value.getContext();
  auto variable = [&](Size size) { return toVariable(size, context); };
  Bounds::Variable zero = variable(Size::ofConstant(0));
  AffineExpr sum = getAffineDimExpr(0, context) + getAffineDimExpr(1, context);
  Bounds::Variable end(AffineMap::get(2, 0, sum),
                       {variable(offset), variable(size)});
  return Bounds::compare(variable(offset), Bounds::GE, zero) &&
         Bounds::compare(variable(size), Bounds::GE, zero) &&
         Bounds::compare(end, Bounds::LE, variable(whole));
}

void PlaceChecker::checkElement(Value tensor, ValueRange indices) {
  Value isInside;
  SmallVector<cf::AssertOp> checks;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    std::string message =
        ("index " + Twine(dim) + " is beyond the tensor").str();
    Value fits = findInside(index, facts.ofDim(tensor, int64_t(dim)), message);
    if (!fits)
      continue;
    if (cf::AssertOp check = require(fits, message))
      checks.push_back(check);
    isInside = isInside ? both(isInside, fits) : fits;
  }
  if (!isa<tensor::InsertOp>(op) && !checks.empty() && mayRunInParallel())
    guard(isInside, checks);
}

bool PlaceChecker::mayRunInParallel() {
  for (Operation *parent = op->getParentOp();
       parent && !isa<FunctionOpInterface>(parent);
       parent = parent->getParentOp())
    if (isa<linalg::LinalgOp, tensor::GenerateOp, tensor::PadOp,
            scf::ParallelOp>(parent))
      return true;
  return false;
}

void PlaceChecker::guard(Value isInside, ArrayRef<cf::AssertOp> checks) {
  TypedAttr zero;
  if (op->getNumResults() &&
      !(zero = b.getZeroAttr(op->getResult(0).getType())))
    return;
  for (cf::AssertOp check : checks)
    check->setDiscardableAttr(kRunsOnAttr, b.getUnitAttr());
  auto branch = scf::IfOp::create(b, op->getResultTypes(), isInside,
                                  /*addThenBlock=*/true,
                                  /*addElseBlock=*/bool(zero));
  op->replaceAllUsesWith(branch);
  op->moveBefore(branch.thenBlock(), branch.thenBlock()->end());
  auto yield = [&](Block *block, ValueRange results) {
    auto inner = ImplicitLocOpBuilder::atBlockEnd(b.getLoc(), block);
    scf::YieldOp::create(inner, results);
  };
  yield(branch.thenBlock(), op->getResults());
  if (!zero)
    return;
  b.setInsertionPointToStart(branch.elseBlock());
  Value nothing = arith::ConstantOp::create(b, zero);
  yield(branch.elseBlock(), nothing);
}

void PlaceChecker::checkTransfer(VectorTransferOpInterface transfer) {
  Value whole = transfer.getBase();
  ArrayRef<int64_t> lengths = transfer.getVectorType().getShape();
  SmallVector<bool> isCovered(size_t(rankOf(whole)), false);
  for (auto [index, expr] :
       llvm::enumerate(transfer.getPermutationMap().getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      continue;
    unsigned position = dim.getPosition();
    isCovered[position] = true;
    Size offset = facts.of(transfer.getIndices()[position]);
    if (!transfer.isDimInBounds(unsigned(index))) {
      // Behind the end it reads or writes nothing, but not before the begin.
      require(isAtLeast(materialize(offset), constant(0)),
              "index " + Twine(position) + " is negative");
      continue;
    }
    checkRange(facts.ofDim(whole, position), offset,
               Size::ofConstant(lengths[index]), Size::ofConstant(1),
               int64_t(position));
  }
  for (auto [dim, isDone] : llvm::enumerate(isCovered))
    if (!isDone)
      requireInside(transfer.getIndices()[dim],
                    facts.ofDim(whole, int64_t(dim)),
                    "index " + Twine(dim) + " is beyond the tensor");
}

void PlaceChecker::checkRange(Size whole, Size offset, Size size, Size stride,
                              int64_t dim) {
  if (whole.isConstant() && offset.isConstant() && size.isConstant() &&
      stride.isConstant()) // It is the verifier's.
    return;
  if (stride.isConstant(1)) {
    if (offset.isConstant(0) && size == whole)
      return;
    if (isProvenRange(whole, offset, size))
      return;
  }
  Value most = materialize(whole), first = materialize(offset);
  Value count = materialize(size);
  // Differences and quotients of what is in bounds do not wrap around.
  Value fits = isAtMost(first, most);
  Value rest = make<arith::SubIOp>(most, first);
  if (stride.isConstant(1)) {
    fits = both(fits, isAtMost(count, rest));
  } else {
    Value zero = constant(0), one = constant(1), step = materialize(stride);
    Value isForward = isAtLeast(step, one);
    Value distance =
        make<arith::SelectOp>(isForward, make<arith::SubIOp>(rest, one), first);
    Value magnitude =
        make<arith::SelectOp>(isForward, step, make<arith::SubIOp>(zero, step));
    Value steps =
        make<arith::DivUIOp>(distance, make<arith::MaxUIOp>(magnitude, one));
    Value isNear = either(isAtMost(make<arith::SubIOp>(count, one), steps),
                          both(isEqual(step, zero), isAtLeast(count, one)));
    Value isInside = both(isEqual(rest, zero, /*negated=*/true), isNear);
    fits = both(fits, either(isEqual(count, zero), isInside));
  }
  require(fits,
          "the slice is not inside the tensor in dimension " + Twine(dim));
}

void PlaceChecker::checkLoop(OpFoldResult upper, OpFoldResult step,
                             bool isUnsigned) {
  std::optional<int64_t> constantStep = getConstantIntValue(step);
  if (!constantStep || *constantStep <= 0) {
    Value value = toValue(step);
    require(isAtLeast(value, constantLike(value, 1)),
            "the step is not positive");
  }
  std::optional<int64_t> constantUpper = getConstantIntValue(upper);
  if (constantUpper && constantStep)
    return;
  Value end = toValue(upper);
  unsigned width =
      end.getType().isIndex() ? 64 : end.getType().getIntOrFloatBitWidth();
  if (isUnsigned)
    require(isAtLeast(end, constantLike(end, 0)),
            "the upper bound is above those of signed numbers");
  // No tensor is so large that a short step behind its end wraps around.
  bool isShort = constantStep && *constantStep < (1 << 16) && width == 64 &&
                 !facts.of(upper).isIndex();
  if (isShort || constantStep == 1)
    return;
  Value most = constantLike(end, llvm::maxIntN(width));
  Value stepValue = toValue(step);
  require(isAtMostSigned(end, make<arith::SubIOp>(most, stepValue)),
          "the upper bound and a step are too large together");
}

Value PlaceChecker::findInside(Value index, Size size, const Twine &message) {
  Size place = facts.of(index);
  if (place.isConstant() && size.isConstant() && place.number >= 0 &&
      place.number < size.number)
    return nullptr;
  if (std::optional<Count> count = getCount(index))
    if (isBehindCount(*count, size, message))
      return nullptr;
  if (mayProve(place)) {
    using Bounds = ValueBoundsConstraintSet;
    MLIRContext *context = b.getContext();
    Bounds::Variable variable = toVariable(place, context);
    if (Bounds::compare(variable, Bounds::GE,
                        toVariable(Size::ofConstant(0), context)) &&
        Bounds::compare(variable, Bounds::LT, toVariable(size, context)))
      return nullptr;
  }
  // Read as unsigned numbers, of which negative ones are above all sizes.
  return make<arith::CmpIOp>(arith::CmpIPredicate::ult, materialize(place),
                             materialize(size));
}

std::optional<PlaceChecker::Count> PlaceChecker::getCount(Value index) {
  if (auto place = index.getDefiningOp<linalg::IndexOp>()) {
    auto owner = place->getParentOfType<linalg::LinalgOp>();
    SmallVector<std::optional<Size>> loops = getLoops(owner);
    if (!llvm::all_of(loops, [](auto loop) { return loop.has_value(); }))
      return std::nullopt;
    return Count{owner,
                 llvm::map_to_vector(loops, [](auto loop) { return *loop; }),
                 unsigned(place.getDim())};
  }
  auto argument = dyn_cast<BlockArgument>(index);
  Operation *owner = argument ? argument.getOwner()->getParentOp() : nullptr;
  if (!isa_and_present<tensor::GenerateOp, tensor::PadOp>(owner))
    return std::nullopt;
  Count count{owner, {}, argument.getArgNumber()};
  Value made = owner->getResult(0);
  for (int64_t dim = 0; dim < rankOf(made); ++dim)
    count.counts.push_back(facts.ofDim(made, dim));
  return count;
}

SmallVector<std::optional<Size>>
PlaceChecker::getLoops(linalg::LinalgOp structured) {
  SmallVector<std::optional<Size>> loops(structured.getNumLoops());
  for (OpOperand &operand : structured->getOpOperands()) {
    if (!isShaped(operand.get()))
      continue;
    AffineMap map = structured.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        if (std::optional<Size> &size = loops[loop.getPosition()]; !size)
          size = facts.ofDim(operand.get(), int64_t(dim));
  }
  return loops;
}

bool PlaceChecker::isBehindCount(const Count &count, Size size,
                                 const Twine &message) {
  Size own = count.counts[count.dim];
  if (own == size ||
      (own.isConstant() && size.isConstant() && own.number <= size.number))
    return true;
  bool isElsewhere =
      op->getParentOp() != count.owner || isa<tensor::PadOp>(count.owner) ||
      (size.value &&
       count.owner->isAncestor(size.value.getParentRegion()->getParentOp()));
  if (isElsewhere)
    return false;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(count.owner);
  Value fits = isAtMost(materialize(own), materialize(size));
  for (Size other : count.counts)
    fits = either(fits, isEqual(materialize(other), constant(0)));
  require(fits, message);
  return true;
}

void PlaceChecker::requireInside(Value index, Size size, const Twine &message) {
  if (Value fits = findInside(index, size, message))
    require(fits, message);
}
