//===- ProvenRanges.cpp - Places that need no check -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProvenRanges.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace mlir::et;

namespace {
/// The least and the greatest number that an index can be.
struct Interval {
  int64_t least, most;
};
using MaybeInterval = std::optional<Interval>;
} // namespace

static constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
static constexpr Interval kAny = {std::numeric_limits<int64_t>::min(), kMost};

static MaybeInterval toInterval(std::optional<int64_t> least,
                                std::optional<int64_t> most) {
  return least && most ? MaybeInterval({*least, *most}) : std::nullopt;
}

static MaybeInterval add(Interval a, Interval b) {
  return toInterval(llvm::checkedAdd(a.least, b.least),
                    llvm::checkedAdd(a.most, b.most));
}

static MaybeInterval subtract(Interval a, Interval b) {
  return toInterval(llvm::checkedSub(a.least, b.most),
                    llvm::checkedSub(a.most, b.least));
}

static MaybeInterval multiply(Interval a, Interval b) {
  SmallVector<int64_t> corners;
  for (int64_t left : {a.least, a.most})
    for (int64_t right : {b.least, b.most}) {
      std::optional<int64_t> product = llvm::checkedMul(left, right);
      if (!product)
        return std::nullopt;
      corners.push_back(*product);
    }
  return Interval{*llvm::min_element(corners), *llvm::max_element(corners)};
}

/// By a positive divisor a quotient is no further from zero, but for -1.
static MaybeInterval divide(Interval a, Interval b) {
  if (b.least < 1)
    return std::nullopt;
  return Interval{std::min<int64_t>(a.least, 0), std::max<int64_t>(a.most, 0)};
}

static Interval unite(Interval a, Interval b) {
  return {std::min(a.least, b.least), std::max(a.most, b.most)};
}
static Interval least(Interval a, Interval b) {
  return {std::min(a.least, b.least), std::min(a.most, b.most)};
}
static Interval greatest(Interval a, Interval b) {
  return {std::max(a.least, b.least), std::max(a.most, b.most)};
}

static MaybeInterval evaluate(AffineExpr expr, ArrayRef<Interval> dims,
                              ArrayRef<Interval> symbols) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return Interval{number.getValue(), number.getValue()};
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  MaybeInterval left = evaluate(binary.getLHS(), dims, symbols);
  MaybeInterval right = evaluate(binary.getRHS(), dims, symbols);
  if (!left || !right)
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(*left, *right);
  case AffineExprKind::Mul:
    return multiply(*left, *right);
  case AffineExprKind::Mod:
    return right->least < 1 ? std::nullopt
                            : MaybeInterval({0, right->most - 1});
  default:
    return divide(*left, *right);
  }
}

namespace {
/// The ranges of numbers, or none where a number, or one that it is computed
/// from, may wrap around.
class Intervals {
public:
  /// In loops around an op, the op runs only if their upper bounds are above
  /// the lower ones.
  explicit Intervals(Operation *op) {
    for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
         loop = loop->getParentOfType<scf::ForOp>()) {
      std::optional<int64_t> first = getConstantIntValue(loop.getLowerBound());
      if (!loop.getUnsignedCmp() && first && *first >= 0)
        positive.insert(loop.getUpperBound());
    }
  }

  MaybeInterval of(Size size) {
    if (size.isConstant())
      return Interval{size.number, size.number};
    // What is computed from itself, over a loop, is followed once.
    if (auto [place, isNew] = known.try_emplace(size, kAny); !isNew)
      return place->second;
    MaybeInterval range =
        size.isIndex() ? trace(size.value) : traceDim(size.value, size.number);
    known[size] = range;
    return range;
  }

private:
  MaybeInterval of(OpFoldResult index) {
    std::optional<int64_t> number = getConstantIntValue(index);
    return of(number ? Size::ofConstant(*number)
                     : Size::ofIndex(cast<Value>(index)));
  }

  template <typename Fn>
  MaybeInterval combine(Fn fn, ValueRange values) {
    MaybeInterval range = of(values.front());
    for (Value value : values.drop_front()) {
      MaybeInterval next = of(value);
      range = range && next ? MaybeInterval(fn(*range, *next)) : std::nullopt;
    }
    return range;
  }

  /// A number that comes from anywhere.
  Interval getLeaf(Value index) {
    return positive.contains(index) ? Interval{1, kMost} : kAny;
  }

  MaybeInterval trace(Value index) {
    if (auto argument = dyn_cast<BlockArgument>(index))
      return traceArgument(argument);
    Operation *op = index.getDefiningOp();
    return llvm::TypeSwitch<Operation *, MaybeInterval>(op)
        .Case([&](arith::AddIOp op) { return combine(add, op.getOperands()); })
        .Case([&](arith::SubIOp op) {
          return combine(subtract, op.getOperands());
        })
        .Case([&](arith::MulIOp op) {
          return combine(multiply, op.getOperands());
        })
        .Case([&](arith::FloorDivSIOp op) {
          return combine(divide, op.getOperands());
        })
        .Case(
            [&](arith::MinSIOp op) { return combine(least, op.getOperands()); })
        .Case([&](arith::MaxSIOp op) {
          return combine(greatest, op.getOperands());
        })
        .Case([&](arith::SelectOp op) {
          return combine(unite, {op.getTrueValue(), op.getFalseValue()});
        })
        .Case([&](arith::IndexCastOp op) {
          unsigned width = op.getIn().getType().getIntOrFloatBitWidth();
          return Interval{llvm::minIntN(width), llvm::maxIntN(width)};
        })
        .Case([&](affine::AffineApplyOp op) {
          return evaluateMap(op.getAffineMap(), op.getMapOperands(), unite);
        })
        .Case([&](affine::AffineMinOp op) {
          return evaluateMap(op.getAffineMap(), op.getMapOperands(), least);
        })
        .Case([&](affine::AffineMaxOp op) {
          return evaluateMap(op.getAffineMap(), op.getMapOperands(), greatest);
        })
        .Case([&](ShapedDimOpInterface dim) -> MaybeInterval {
          std::optional<int64_t> number =
              getConstantIntValue(dim.getDimension());
          if (!number || !isShaped(dim.getShapedValue()))
            return std::nullopt;
          return of(Size{dim.getShapedValue(), *number});
        })
        .Case([&](linalg::IndexOp place) { return traceLoop(place); })
        .Default([&](Operation *op) {
          return isa<ValueBoundsOpInterface, RegionBranchOpInterface>(op)
                     ? std::nullopt
                     : MaybeInterval(getLeaf(index));
        });
  }

  MaybeInterval traceArgument(BlockArgument argument) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (isa<FunctionOpInterface>(parent))
      return getLeaf(argument);
    if (auto loop = dyn_cast<affine::AffineForOp>(parent)) {
      if (argument != loop.getInductionVar())
        return std::nullopt;
      return between(evaluateMap(loop.getLowerBoundMap(),
                                 loop.getLowerBoundOperands(), greatest),
                     evaluateMap(loop.getUpperBoundMap(),
                                 loop.getUpperBoundOperands(), least));
    }
    auto loop = dyn_cast<LoopLikeOpInterface>(parent);
    auto counted = dyn_cast<scf::ForOp>(parent);
    if (!loop || (counted && counted.getUnsignedCmp()))
      return std::nullopt;
    std::optional<SmallVector<Value>> variables = loop.getLoopInductionVars();
    std::optional<SmallVector<OpFoldResult>> lower = loop.getLoopLowerBounds();
    std::optional<SmallVector<OpFoldResult>> upper = loop.getLoopUpperBounds();
    if (!variables || !lower || !upper)
      return std::nullopt;
    for (auto [variable, first, end] :
         llvm::zip_equal(*variables, *lower, *upper))
      if (variable == argument)
        return between(of(first), of(end));
    return std::nullopt;
  }

  /// That the body of a loop is given.
  static MaybeInterval between(MaybeInterval first, MaybeInterval end) {
    if (!first || !end)
      return std::nullopt;
    return Interval{first->least, std::max(end->most, kAny.least + 1) - 1};
  }

  MaybeInterval traceLoop(linalg::IndexOp place) {
    auto owner = place->getParentOfType<linalg::LinalgOp>();
    MaybeInterval count = Interval{0, kMost};
    for (OpOperand &operand : owner->getOpOperands()) {
      if (!isShaped(operand.get()))
        continue;
      AffineMap map = owner.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
        if (expr !=
            getAffineDimExpr(unsigned(place.getDim()), place.getContext()))
          continue;
        MaybeInterval size = of(Size{operand.get(), int64_t(dim)});
        count =
            count && size ? MaybeInterval(least(*count, *size)) : std::nullopt;
      }
    }
    return between(Interval{0, 0}, count);
  }

  template <typename Fn>
  MaybeInterval evaluateMap(AffineMap map, ValueRange operands, Fn fn) {
    SmallVector<Interval> ranges;
    for (Value operand : operands) {
      MaybeInterval range = of(operand);
      if (!range)
        return std::nullopt;
      ranges.push_back(*range);
    }
    ArrayRef<Interval> all = ranges;
    MaybeInterval range;
    for (AffineExpr expr : map.getResults()) {
      MaybeInterval next = evaluate(expr, all.take_front(map.getNumDims()),
                                    all.drop_front(map.getNumDims()));
      if (!next)
        return std::nullopt;
      range = range ? fn(*range, *next) : *next;
    }
    return range;
  }

  /// Sizes of a tensor that are not 0 make at most 2^63 - 1 bytes: the runtime
  /// and et-check-allocations refuse others.
  MaybeInterval traceDim(Value shaped, int64_t dim) {
    auto type = cast<ShapedType>(shaped.getType());
    if (!type.isDynamicDim(dim))
      return Interval{type.getDimSize(dim), type.getDimSize(dim)};
    Type element = type.getElementType();
    int64_t bytes = 1;
    if (element.isIntOrFloat())
      bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
    Interval room = {0, kMost / bytes};
    return areExact(getSources(shaped, dim)) ? MaybeInterval(room)
                                             : std::nullopt;
  }

  bool areExact(std::optional<SmallVector<Size>> sources) {
    return sources && llvm::all_of(*sources, [&](Size source) {
             return of(source).has_value();
           });
  }

  /// What a size may be computed from, if that is known.
  static std::optional<SmallVector<Size>> getSources(Value shaped,
                                                     int64_t dim) {
    SmallVector<Size> sources;
    auto addDim = [&](Value source) { sources.push_back({source, dim}); };
    if (auto argument = dyn_cast<BlockArgument>(shaped)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (auto loop = dyn_cast<scf::ForOp>(parent)) {
        addDim(loop.getTiedLoopInit(argument)->get());
        addDim(loop.getTiedLoopYieldedValue(argument)->get());
      } else if (auto loop = dyn_cast<scf::ForallOp>(parent)) {
        addDim(loop.getTiedOpOperand(argument)->get());
      } else if (!isa<FunctionOpInterface>(parent)) {
        return std::nullopt;
      }
      return sources;
    }
    auto result = cast<OpResult>(shaped);
    Operation *op = result.getOwner();
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      BlockArgument argument = loop.getTiedLoopRegionIterArg(result);
      addDim(argument);
      return sources;
    }
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      addDim(branch.thenYield().getOperand(result.getResultNumber()));
      addDim(branch.elseYield().getOperand(result.getResultNumber()));
      return sources;
    }
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(op)) {
      addDim(destination.getTiedOpOperand(result)->get());
      return sources;
    }
    if (!isa<ValueBoundsOpInterface>(op))
      return sources;
    // Upstream knows bounds of its elements, and none of its sizes.
    if (op->hasTrait<OpTrait::Elementwise>())
      return std::nullopt;
    for (Value operand : op->getOperands()) {
      if (operand.getType().isIndex())
        sources.push_back(Size::ofIndex(operand));
      else if (isShaped(operand))
        for (int64_t i = 0,
                     rank = cast<ShapedType>(operand.getType()).getRank();
             i < rank; ++i)
          sources.push_back({operand, i});
    }
    return sources;
  }

  llvm::SmallDenseSet<Value> positive;
  DenseMap<Size, MaybeInterval> known;
};
} // namespace

/// An argument of a function can be anything.
static bool isOpen(Size size) {
  if (!size.isIndex())
    return true;
  auto argument = dyn_cast<BlockArgument>(size.value);
  return argument &&
         isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
}

bool et::isProvenRange(Operation *op, Size whole, Size offset, Size size) {
  using Bounds = ValueBoundsConstraintSet;
  if (isOpen(offset) && isOpen(size))
    return false;
  // Upstream's bounds are those of numbers without an end.
  Intervals ranges(op);
  if (!ranges.of(whole) || !ranges.of(offset) || !ranges.of(size))
    return false;
  MLIRContext *context = op->getContext();
  auto toVariable = [&](Size size) -> Bounds::Variable {
    if (size.isConstant())
      return OpFoldResult(
          IntegerAttr::get(IndexType::get(context), size.number));
    if (size.isIndex())
      return size.value;
    return {size.value, size.number};
  };
  Bounds::Variable zero = toVariable(Size::ofConstant(0));
  AffineExpr sum = getAffineDimExpr(0, context) + getAffineDimExpr(1, context);
  Bounds::Variable end(AffineMap::get(2, 0, sum),
                       {toVariable(offset), toVariable(size)});
  return Bounds::compare(toVariable(offset), Bounds::GE, zero) &&
         Bounds::compare(toVariable(size), Bounds::GE, zero) &&
         Bounds::compare(end, Bounds::LE, toVariable(whole));
}
