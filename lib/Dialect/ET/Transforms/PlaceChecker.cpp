//===- PlaceChecker.cpp - Checks of places in tensors ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlaceChecker.h"

#include "ProvenRanges.h"
#include "et/Dialect/ET/IR/NotedAttrs.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace mlir::et;

bool et::isInParallelBody(Operation *op) {
  for (Operation *parent = op->getParentOp();
       parent && !isa<FunctionOpInterface>(parent);
       parent = parent->getParentOp())
    if (isa<linalg::LinalgOp, tensor::GenerateOp, tensor::PadOp,
            scf::ParallelOp>(parent))
      return true;
  return false;
}

void PlaceChecker::checkElement(Value tensor, ValueRange indices) {
  Value isInside;
  SmallVector<cf::AssertOp> checks;
  bool isGuarded = mayRunInParallel(op) && !isa<tensor::InsertOp>(op);
  for (auto [dim, index] : llvm::enumerate(indices)) {
    Size whole = facts.ofDim(tensor, int64_t(dim));
    Places place = {whole, facts.of(index), Size::ofConstant(1),
                    Size::ofConstant(1)};
    if (facts.areInside(place))
      continue;
    std::string message =
        ("index " + Twine(dim) + " is beyond the " + kindOf(tensor) +
         describe({{"index", place.offset}, {"size", whole}}))
            .str();
    Value fits = findInside(index, whole, message);
    if (!fits)
      continue;
    if (cf::AssertOp check = require(fits, message))
      checks.push_back(check);
    isInside = isInside ? both(isInside, fits) : fits;
    if (!isGuarded)
      facts.noteInside(place);
  }
  if (isGuarded && !checks.empty())
    guard(isInside, checks);
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
    Places places = {facts.ofDim(whole, position), offset,
                     Size::ofConstant(lengths[index]), Size::ofConstant(1)};
    if (Value fits = findFits(places))
      require(fits, "the vector is not inside the " + kindOf(whole) +
                        " in dimension " + Twine(position) +
                        describePlaces(places));
  }
  for (auto [dim, isDone] : llvm::enumerate(isCovered))
    if (!isDone)
      requireInside(transfer.getIndices()[dim],
                    {"size", facts.ofDim(whole, int64_t(dim))},
                    "index " + Twine(dim) + " is beyond the " + kindOf(whole));
}

std::string PlaceChecker::describePlaces(const Places &places) {
  SmallVector<Named> all = {{"offset", places.offset},
                            {"size", places.size},
                            {"step", places.stride},
                            {"whole", places.whole}};
  if (places.stride.isConstant(1))
    all.erase(all.begin() + 2);
  return describe(all);
}

void PlaceChecker::checkSlice(Value whole,
                              OffsetSizeAndStrideOpInterface slice) {
  for (auto [index, offset, size, stride] :
       llvm::enumerate(slice.getMixedOffsets(), slice.getMixedSizes(),
                       slice.getMixedStrides())) {
    auto dim = unsigned(index);
    Places places = {facts.ofDim(whole, dim), facts.of(offset), facts.of(size),
                     facts.of(stride)};
    std::string message =
        ("the slice is not inside the " + kindOf(whole) + " in dimension " +
         Twine(dim) + describePlaces(places))
            .str();
    if (mayRunInParallel(op) &&
        isa<tensor::ExtractSliceOp, memref::SubViewOp>(op))
      guardSlice(slice, dim, places, message);
    else if (Value fits = findFits(places)) {
      require(fits, message);
      facts.noteInside(places);
    }
    // A place that is written several times has no one value.
    bool isWritten = !isa<tensor::ExtractSliceOp, memref::SubViewOp>(op);
    if (isWritten && (!places.stride.isConstant() || places.stride.number == 0))
      require(either(isEqual(materialize(places.stride), constant(0),
                             /*negated=*/true),
                     isAtMost(materialize(places.size), constant(1))),
              "the step of dimension " + Twine(dim) +
                  " is 0, so that elements are written to one place");
  }
}

Value PlaceChecker::findFits(const Places &places) {
  const auto &[whole, offset, size, stride] = places;
  if (facts.areInside(places))
    return nullptr;
  if (stride.isConstant(1)) {
    if (offset.isConstant(0) && size == whole)
      return nullptr;
    if (isProvenRange(op, whole, offset, size))
      return nullptr;
  }
  Value most = materialize(whole), first = materialize(offset);
  Value count = materialize(size);
  // Differences and quotients of what is in bounds do not wrap around.
  Value fits = isAtMost(first, most);
  Value rest = make<arith::SubIOp>(most, first);
  if (stride.isConstant(1))
    return both(fits, isAtMost(count, rest));
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
  return both(fits, either(isEqual(count, zero), isInside));
}

void PlaceChecker::guardSlice(OffsetSizeAndStrideOpInterface slice,
                              unsigned dim, const Places &places,
                              StringRef message) {
  Size whole = places.whole, offset = places.offset;
  Size size = places.size, stride = places.stride;
  Value fits = findFits(places);
  if (!fits || matchPattern(fits, m_One()))
    return;
  Operation *owner = op->getParentOp();
  if (requireBefore(
          owner, {whole, offset, size, stride},
          [&] { return findFits(places); }, message))
    return;
  auto note = [&] {
    if (cf::AssertOp check = require(fits, message))
      check->setDiscardableAttr(kRunsOnAttr, b.getUnitAttr());
  };
  if (slice.isDynamicSize(dim)) {
    note();
    Value none = constant(0);
    op->setOperand(slice.getIndexOfDynamicSize(dim),
                   make<arith::SelectOp>(fits, materialize(size), none));
    if (slice.isDynamicOffset(dim))
      op->setOperand(slice.getIndexOfDynamicOffset(dim),
                     make<arith::SelectOp>(fits, materialize(offset), none));
    return;
  }
  std::optional<int64_t> span;
  if (stride.isConstant() && stride.number > 0 && size.number > 0)
    span = llvm::checkedMulAdd(size.number - 1, stride.number, int64_t(1));
  if (!span || !slice.isDynamicOffset(dim)) {
    require(fits, message);
    return;
  }
  note();
  // There must be a place for it.
  Size needed = Size::ofConstant(*span);
  auto findRoom = [&] {
    return isAtMost(materialize(needed), materialize(whole));
  };
  if (!requireBefore(owner, {whole}, findRoom, message))
    require(findRoom(), message);
  Value last = make<arith::SubIOp>(materialize(whole), materialize(needed));
  op->setOperand(slice.getIndexOfDynamicOffset(dim),
                 make<arith::MinUIOp>(materialize(offset), last));
}

void PlaceChecker::checkLoop(OpFoldResult upper, OpFoldResult step,
                             bool isUnsigned) {
  std::optional<int64_t> constantStep = getConstantIntValue(step);
  if (!constantStep || *constantStep <= 0) {
    Value value = toValue(step);
    Value isForward =
        isUnsigned ? isEqual(value, constantLike(value, 0), /*negated=*/true)
                   : isAtLeast(value, constantLike(value, 1));
    require(isForward, "the step is not positive");
  }
  Value end = toValue(upper);
  unsigned width =
      end.getType().isIndex() ? 64 : end.getType().getIntOrFloatBitWidth();
  // No tensor is so large that a short step behind its end wraps around.
  bool isShort = constantStep && *constantStep < (1 << 16) && width == 64 &&
                 !facts.of(upper).isIndex();
  if (isShort || constantStep == 1)
    return;
  Value most = constantLike(end, isUnsigned ? -1 : llvm::maxIntN(width));
  Value last = make<arith::SubIOp>(most, toValue(step));
  require(isUnsigned ? isAtMost(end, last) : isAtLeast(last, end),
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
  if (isProvenRange(op, size, place, Size::ofConstant(1)))
    return nullptr;
  // Read as unsigned numbers, of which negative ones are above all sizes.
  return make<arith::CmpIOp>(arith::CmpIPredicate::ult, materialize(place),
                             materialize(size));
}

std::optional<PlaceChecker::Count> PlaceChecker::getCount(Value index) {
  if (auto place = index.getDefiningOp<linalg::IndexOp>()) {
    auto owner = place->getParentOfType<linalg::LinalgOp>();
    std::optional<SmallVector<Size>> counts = getCounts(owner);
    if (!counts)
      return std::nullopt;
    return Count{owner, *counts, unsigned(place.getDim())};
  }
  auto argument = dyn_cast<BlockArgument>(index);
  Operation *owner = argument ? argument.getOwner()->getParentOp() : nullptr;
  if (!isa_and_present<tensor::GenerateOp, tensor::PadOp>(owner))
    return std::nullopt;
  return Count{owner, *getCounts(owner), argument.getArgNumber()};
}

std::optional<SmallVector<Size>> PlaceChecker::getCounts(Operation *owner) {
  if (auto structured = dyn_cast<linalg::LinalgOp>(owner)) {
    SmallVector<std::optional<Size>> loops = getLoops(structured);
    if (!llvm::all_of(loops, [](auto loop) { return loop.has_value(); }))
      return std::nullopt;
    return llvm::map_to_vector(loops, [](auto loop) { return *loop; });
  }
  if (!isa<tensor::GenerateOp, tensor::PadOp>(owner))
    return std::nullopt;
  SmallVector<Size> counts;
  Value made = owner->getResult(0);
  for (int64_t dim = 0; dim < rankOf(made); ++dim)
    counts.push_back(facts.ofDim(made, dim));
  return counts;
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
  return requireBefore(
      count.owner, {size},
      [&] { return isAtMost(materialize(own), materialize(size)); }, message);
}

bool PlaceChecker::requireBefore(Operation *owner, ArrayRef<Size> sizes,
                                 function_ref<Value()> build,
                                 const Twine &message) {
  // A padded tensor's body runs only where there is padding.
  if (op->getParentOp() != owner || isa<tensor::PadOp>(owner) ||
      mayRunInParallel(owner))
    return false;
  std::optional<SmallVector<Size>> counts = getCounts(owner);
  bool areOutside = llvm::all_of(sizes, [&](Size size) {
    return !size.value ||
           !owner->isAncestor(size.value.getParentRegion()->getParentOp());
  });
  if (!counts || !areOutside)
    return false;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(owner);
  Value fits = build();
  for (Size count : *counts)
    fits = either(fits, isEqual(materialize(count), constant(0)));
  require(fits, message);
  return true;
}

void PlaceChecker::requireInside(Value index, const Named &whole,
                                 const Twine &name) {
  std::string message =
      (name + describe({{"index", facts.of(index)}, whole})).str();
  if (Value fits = findInside(index, whole.size, message))
    require(fits, message);
}
