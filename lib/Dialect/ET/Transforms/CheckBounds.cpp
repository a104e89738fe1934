//===- CheckBounds.cpp - Run-time checks of ops around layers -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AffineReach.h"
#include "PlaceChecker.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKBOUNDS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// Emits the checks of one op before it.
class OpChecker : public PlaceChecker {
public:
  OpChecker(Operation *op, SizeFacts &facts, bool calledInParallel)
      : PlaceChecker(op, facts, calledInParallel) {}

  /// Fails if the op is wrong in each call.
  LogicalResult check() {
    emitChecks();
    return finish();
  }

private:
  void emitChecks() {
    if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      return checkStructured(structured);
    if (auto shaped = dyn_cast<NamedShapesOpInterface>(op))
      return learn(shaped);
    if (op->hasTrait<OpTrait::Elementwise>())
      return checkElementwise();
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](tensor::CastOp cast) { checkCast(cast); })
        .Case([&](tensor::DimOp dim) {
          if (isShaped(dim.getSource()))
            requireInside(dim.getIndex(),
                          {"rank", Size::ofConstant(rankOf(dim.getSource()))},
                          "the index is not a dimension of the tensor");
        })
        .Case([&](tensor::ExtractOp extract) {
          checkElement(extract.getTensor(), extract.getIndices());
        })
        .Case([&](tensor::InsertOp insert) {
          checkElement(insert.getDest(), insert.getIndices());
        })
        .Case([&](tensor::ExtractSliceOp slice) {
          checkSlice(slice.getSource(), slice);
        })
        .Case<tensor::InsertSliceOp, tensor::ParallelInsertSliceOp>(
            [&](auto slice) {
              checkSlice(slice.getDest(), slice);
              checkInserted(slice.getSource(), slice.getMixedSizes(),
                            slice.getDroppedDims());
            })
        .Case([&](tensor::PadOp pad) { checkPad(pad); })
        .Case([&](tensor::ConcatOp concat) { checkConcat(concat); })
        .Case([&](tensor::ReshapeOp reshape) { checkReshape(reshape); })
        .Case([&](tensor::ExpandShapeOp split) { checkSplits(split); })
        .Case([&](linalg::SoftmaxOp softmax) {
          checkSameShape({softmax.getInput(), softmax.getOutput()});
        })
        .Case([&](linalg::PackOp pack) {
          checkPacked(pack, pack.getSource(), pack.getDest());
        })
        .Case([&](linalg::UnPackOp unpack) {
          checkPacked(unpack, unpack.getDest(), unpack.getSource());
        })
        .Case([&](bufferization::MaterializeInDestinationOp copy) {
          checkSameShape({copy.getSource(), copy.getDest()});
        })
        .Case([&](memref::LoadOp load) {
          checkElement(load.getMemRef(), load.getIndices());
        })
        .Case([&](memref::StoreOp store) {
          checkElement(store.getMemRef(), store.getIndices());
        })
        .Case<memref::AtomicRMWOp, memref::GenericAtomicRMWOp>(
            [&](auto update) {
              checkElement(update.getMemref(), update.getIndices());
            })
        .Case<affine::AffineLoadOp, affine::AffineStoreOp>([&](auto access) {
          std::optional<SmallVector<Value, 8>> indices =
              affine::expandAffineMap(b, b.getLoc(), access.getAffineMap(),
                                      access.getMapOperands());
          if (indices)
            checkElement(access.getMemRef(), *indices);
        })
        .Case([&](memref::SubViewOp slice) {
          checkSlice(slice.getSource(), slice);
        })
        .Case([&](VectorTransferOpInterface transfer) {
          checkTransfer(transfer);
        })
        .Case<memref::CastOp, memref::CopyOp, memref::ExpandShapeOp,
              memref::DimOp>([&](auto access) {
          // Upstream has a rule for each.
          if (auto rule = dyn_cast<RuntimeVerifiableOpInterface>(op))
            rule.generateRuntimeVerification(
                b, b.getLoc(), [](Operation *op, StringRef message) {
                  return (op->getName().getStringRef() + ": " + message).str();
                });
        })
        .Case([&](scf::ForOp loop) {
          checkLoop(loop.getUpperBound(), loop.getStep(),
                    loop.getUnsignedCmp());
        })
        .Case<scf::ParallelOp, scf::ForallOp>([&](auto loop) {
          for (auto [upper, step] :
               llvm::zip_equal(getMixed(loop).first, getMixed(loop).second))
            checkLoop(upper, step, /*isUnsigned=*/false);
        });
  }

  static std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
  getMixed(scf::ForallOp loop) {
    return {loop.getMixedUpperBound(), loop.getMixedStep()};
  }

  static std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
  getMixed(scf::ParallelOp loop) {
    return {getAsOpFoldResult(loop.getUpperBound()),
            getAsOpFoldResult(loop.getStep())};
  }

  // What sizes must be.

  /// Sizes of one name are equal: et-check-shapes sees to that.
  void learn(NamedShapesOpInterface shaped) {
    llvm::SmallDenseMap<char, Size> sizes;
    for (const NamedShape &shape : shaped.getNamedShapes())
      for (auto [dim, name] :
           llvm::enumerate(llvm::to_vector(llvm::split(shape.dims, ' ')))) {
        if (isDerivedSize(name) || !isShaped(shape.value))
          continue;
        Size size = facts.ofDim(shape.value, int64_t(dim));
        auto [place, isNew] = sizes.try_emplace(name.front(), size);
        if (!isNew)
          facts.unite(place->second, size);
      }
  }

  void checkElementwise() {
    SmallVector<Value> tensors;
    for (Value value : llvm::concat<Value>(llvm::to_vector(op->getOperands()),
                                           llvm::to_vector(op->getResults())))
      if (isa<RankedTensorType>(value.getType()))
        tensors.push_back(value);
    checkSameShape(tensors);
  }

  /// "operand 1".
  std::string nameOf(Value value) {
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == value)
        return "operand " + std::to_string(operand.getOperandNumber());
    return "result " + std::to_string(cast<OpResult>(value).getResultNumber());
  }

  void requireSameSize(Value a, Value b, int64_t dim) {
    Size left = facts.ofDim(a, dim), right = facts.ofDim(b, dim);
    requireEqual(left, right,
                 "sizes of " + nameOf(a) + " and " + nameOf(b) +
                     " differ in dimension " + Twine(dim) +
                     describe({{nameOf(a), left}, {nameOf(b), right}}));
  }

  void checkSameShape(ArrayRef<Value> tensors) {
    if (tensors.empty() || !llvm::all_of(tensors, isShaped))
      return;
    for (int64_t dim = 0, rank = rankOf(tensors.front()); dim < rank; ++dim)
      for (Value tensor : tensors.drop_front())
        requireSameSize(tensors.front(), tensor, dim);
  }

  void checkCast(tensor::CastOp cast) {
    auto type = dyn_cast<RankedTensorType>(cast.getType());
    if (!type || !isa<RankedTensorType>(cast.getSource().getType()))
      return;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (!type.isDynamicDim(dim))
        requireEqual(
            facts.ofDim(cast.getSource(), dim),
            Size::ofConstant(type.getDimSize(dim)),
            "the size of dimension " + Twine(dim) + " is not " +
                Twine(type.getDimSize(dim)) +
                describe({{"size", facts.ofDim(cast.getSource(), dim)}}));
  }

  void checkStructured(linalg::LinalgOp structured) {
    SmallVector<std::optional<Size>> loops = getLoops(structured);
    SmallVector<std::tuple<Size, AffineExpr, std::string>> others;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isShaped(operand.get()))
        continue;
      AffineMap map = structured.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
        Size size = facts.ofDim(operand.get(), int64_t(dim));
        std::string what =
            ("the size of operand " + Twine(operand.getOperandNumber()) +
             " in dimension " + Twine(dim))
                .str();
        auto loop = dyn_cast<AffineDimExpr>(expr);
        if (!loop) {
          others.push_back(
              {size, expr,
               what + " is too small" + describe({{"size", size}})});
          continue;
        }
        Size expected = *loops[loop.getPosition()];
        requireEqual(expected, size,
                     what + " does not fit those of the other operands" +
                         describe({{"size", size}, {"others", expected}}));
      }
    }
    for (auto &[size, expr, message] : others)
      checkReach(size, expr, loops, message);
  }

  /// That no run of the loops has an index beyond the size.
  void checkReach(Size size, AffineExpr expr,
                  ArrayRef<std::optional<Size>> loops, StringRef message) {
    SmallVector<Size> counts;
    for (std::optional<Size> loop : loops) {
      if (!loop)
        return;
      counts.push_back(facts.find(*loop));
    }
    expr = simplifyAffineExpr(expr, unsigned(loops.size()), 0);
    SmallVector<Counter> counters = getCounters(expr, loops.size());
    SmallVector<Value> least(loops.size()), most(loops.size());
    Value fits =
        isInside(expr, materialize(size), counters, counts, least, most);
    // No tensor with elements has more of them. Counts above a lower limit
    // would make the index wrap around.
    constexpr int64_t kMostElements = int64_t(1) << 56;
    int64_t limit = kMostElements;
    while (limit && !getReach(expr, limit))
      limit /= 2;
    if (limit < kMostElements)
      for (const Counter &counter : counters)
        fits = both(
            fits, isAtMost(materialize(counts[counter.dim]), constant(limit)));
    for (Size count : counts)
      fits = either(fits, isEqual(materialize(count), constant(0)));
    require(fits, message);
  }

  /// Whether the least value of an index is not negative, and the greatest one
  /// below the size. Both are where each of the loops is at its begin or at its
  /// end, or within a period from there.
  Value isInside(AffineExpr expr, Value size, ArrayRef<Counter> counters,
                 ArrayRef<Size> counts, SmallVector<Value> &least,
                 SmallVector<Value> &most) {
    if (counters.empty())
      return both(isAtLeast(evaluate(expr, least), constant(0)),
                  isBelow(evaluate(expr, most), size));
    const Counter &counter = counters.front();
    Value count = materialize(counts[counter.dim]);
    Value &low = least[counter.dim], &high = most[counter.dim];
    auto isInsideFrom = [&](Value step) {
      low = step;
      high = make<arith::SubIOp>(make<arith::SubIOp>(count, constant(1)), step);
      if (counter.isFalling)
        std::swap(low, high);
      return isInside(expr, size, counters.drop_front(), counts, least, most);
    };
    Value zero = constant(0);
    if (counter.period == 1)
      return isInsideFrom(zero);
    Value end = make<arith::MinUIOp>(count, constant(counter.period));
    Value yes = arith::ConstantIntOp::create(b, 1, 1);
    auto loop = scf::ForOp::create(b, zero, end, constant(1), yes);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value fits =
        both(loop.getRegionIterArg(0), isInsideFrom(loop.getInductionVar()));
    scf::YieldOp::create(b, fits);
    return loop.getResult(0);
  }

  Value evaluate(AffineExpr expr, ArrayRef<Value> loops) {
    if (auto number = dyn_cast<AffineConstantExpr>(expr))
      return constant(number.getValue());
    if (auto loop = dyn_cast<AffineDimExpr>(expr))
      return loops[loop.getPosition()];
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value left = evaluate(binary.getLHS(), loops);
    Value right = evaluate(binary.getRHS(), loops);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return make<arith::AddIOp>(left, right);
    case AffineExprKind::Mul:
      return make<arith::MulIOp>(left, right);
    case AffineExprKind::FloorDiv:
      return make<arith::FloorDivSIOp>(left, right);
    case AffineExprKind::CeilDiv:
      return make<arith::CeilDivSIOp>(left, right);
    case AffineExprKind::Mod:
      return make<arith::SubIOp>(
          left,
          make<arith::MulIOp>(make<arith::FloorDivSIOp>(left, right), right));
    default:
      llvm_unreachable("not a kind of two operands");
    }
  }

  template <typename PackOrUnPackOp>
  void checkPacked(PackOrUnPackOp op, Value plain, Value packed) {
    if (!isa<RankedTensorType>(plain.getType()))
      return;
    int64_t rank = rankOf(plain);
    SmallVector<OpFoldResult> tiles = op.getMixedTiles();
    DenseMap<int64_t, OpFoldResult> tileOf = op.getDimAndTileMapping();
    for (auto [place, tile] : llvm::enumerate(tiles)) {
      Size size = facts.of(tile);
      require(isAtLeast(materialize(size), constant(1)),
              "a tile's size is not positive" + describe({{"size", size}}));
      int64_t inner = rank + int64_t(place);
      Size held = facts.ofDim(packed, inner);
      requireEqual(held, size,
                   "the size of a tile is not that of the packed operand in "
                   "dimension " +
                       Twine(inner) +
                       describe({{"tile", size}, {"operand", held}}));
    }
    ArrayRef<int64_t> permutation = op.getOuterDimsPerm();
    for (int64_t outer = 0; outer < rank; ++outer) {
      int64_t dim = permutation.empty() ? outer : permutation[outer];
      Size size = facts.ofDim(plain, dim);
      Size count = facts.ofDim(packed, outer);
      std::string message = ("the size of the packed operand in dimension " +
                             Twine(outer) + " does not fit the other's" +
                             describe({{"packed", count}, {"plain", size}}))
                                .str();
      auto tile = tileOf.find(dim);
      if (tile == tileOf.end()) {
        requireEqual(size, count, message);
        continue;
      }
      Size each = facts.of(tile->second);
      Value whole = materialize(size), part = materialize(each);
      Value needed = make<arith::CeilDivUIOp>(whole, part);
      require(isEqual(needed, materialize(count)), message);
      requireFullTiles(op, whole, part, dim);
    }
  }

  void requireFullTiles(linalg::PackOp pack, Value whole, Value part,
                        int64_t dim) {
    if (pack.getPaddingValue())
      return;
    require(isEqual(make<arith::RemUIOp>(whole, part), constant(0)),
            "tiles do not divide dimension " + Twine(dim) +
                ", and there is no padding");
  }
  void requireFullTiles(linalg::UnPackOp, Value, Value, int64_t) {}

  void checkConcat(tensor::ConcatOp concat) {
    RankedTensorType type = concat.getResultType();
    auto joined = int64_t(concat.getDim());
    Value sum = constant(0);
    for (Value input : concat.getInputs()) {
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        Size size = facts.ofDim(input, dim);
        if (dim == joined)
          sum = make<arith::AddIOp>(sum, materialize(size));
        else
          requireSameSize(concat.getInputs().front(), input, dim);
      }
    }
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (type.isDynamicDim(dim))
        continue;
      Size size = dim == joined ? facts.of(sum)
                                : facts.ofDim(concat.getInputs().front(), dim);
      requireEqual(size, Size::ofConstant(type.getDimSize(dim)),
                   "the size of the result in dimension " + Twine(dim) +
                       " is not " + Twine(type.getDimSize(dim)));
    }
  }

  void checkInserted(Value source, ArrayRef<OpFoldResult> sizes,
                     const llvm::SmallBitVector &dropped) {
    for (auto [dim, whole] : llvm::enumerate(getKeptDims(dropped))) {
      Size held = facts.ofDim(source, int64_t(dim));
      Size size = facts.of(sizes[whole]);
      requireEqual(held, size,
                   "the size of the source in dimension " + Twine(dim) +
                       " is not that of the slice" +
                       describe({{"source", held}, {"slice", size}}));
    }
  }

  void checkPad(tensor::PadOp pad) {
    RankedTensorType type = pad.getResultType();
    for (auto [index, low, high] :
         llvm::enumerate(pad.getMixedLowPad(), pad.getMixedHighPad())) {
      auto dim = int64_t(index);
      Size size = facts.ofDim(pad.getSource(), dim);
      Size before = facts.of(low), behind = facts.of(high);
      // A sum that short numbers wrap around is negative: no buffer is so.
      auto isShort = [](Size pad) {
        return pad.isConstant() && pad.number >= 0 && pad.number < (1 << 30);
      };
      if (isShort(before) && isShort(behind) && type.isDynamicDim(dim))
        continue;
      std::string known =
          describe({{"size", size}, {"low", before}, {"high", behind}});
      Value first = materialize(before), last = materialize(behind);
      Value most = constant(std::numeric_limits<int64_t>::max());
      Value room = make<arith::SubIOp>(most, materialize(size));
      Value fits = isAtMost(first, room);
      fits = both(fits, isAtMost(last, make<arith::SubIOp>(room, first)));
      require(fits, "the padding of dimension " + Twine(dim) +
                        " is negative or too large" + known);
      if (type.isDynamicDim(dim))
        continue;
      Value sum = make<arith::AddIOp>(
          make<arith::AddIOp>(first, materialize(size)), last);
      require(isEqual(sum, constant(type.getDimSize(dim))),
              "the size of the result in dimension " + Twine(dim) + " is not " +
                  Twine(type.getDimSize(dim)) + known);
    }
  }

  void checkReshape(tensor::ReshapeOp reshape) {
    auto type = dyn_cast<RankedTensorType>(reshape.getType());
    auto from = dyn_cast<RankedTensorType>(reshape.getSource().getType());
    if (!type || !from || (type.hasStaticShape() && from.hasStaticShape()))
      return;
    Value whole = constant(1);
    for (int64_t dim = 0; dim < from.getRank(); ++dim)
      whole = make<arith::MulIOp>(
          whole, materialize(facts.ofDim(reshape.getSource(), dim)));
    SmallVector<Value> parts;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim)) {
        parts.push_back(constant(type.getDimSize(dim)));
        continue;
      }
      Value part = tensor::ExtractOp::create(b, reshape.getShape(),
                                             ValueRange(constant(dim)));
      if (!part.getType().isIndex())
        part = arith::IndexCastOp::create(b, b.getIndexType(), part);
      parts.push_back(part);
    }
    requireSplit(whole, parts, "the new shape has another number of elements");
  }

  /// A view of more than what is split would reach beyond the tensor.
  void checkSplits(tensor::ExpandShapeOp split) {
    SmallVector<OpFoldResult> sizes = split.getMixedOutputShape();
    for (auto [dim, group] : llvm::enumerate(split.getReassociationIndices())) {
      if (!split.getSrcType().isDynamicDim(int64_t(dim)))
        continue;
      SmallVector<Value> parts;
      for (int64_t part : group)
        parts.push_back(
            getValueOrCreateConstantIndexOp(b, b.getLoc(), sizes[part]));
      requireSplit(materialize(facts.ofDim(split.getSrc(), int64_t(dim))),
                   parts,
                   "the sizes that dimension " + Twine(dim) +
                       " is split into do not make it up");
    }
  }

  void requireSplit(Value whole, ArrayRef<Value> parts, const Twine &message) {
    Value zero = constant(0), one = constant(1), rest = whole;
    Value isEmpty = arith::ConstantIntOp::create(b, 0, 1);
    Value isExact = arith::ConstantIntOp::create(b, 1, 1);
    // Divisions, unlike a product, have no sizes for which they wrap around.
    for (Value size : parts) {
      isEmpty = either(isEmpty, isEqual(size, zero));
      Value divisor = make<arith::MaxUIOp>(size, one);
      isExact =
          both(isExact, isEqual(make<arith::RemUIOp>(rest, divisor), zero));
      rest = make<arith::DivUIOp>(rest, divisor);
    }
    isExact = both(isExact, isEqual(rest, one));
    require(make<arith::SelectOp>(isEmpty, isEqual(whole, zero), isExact),
            message);
  }
};

struct CheckBounds : et::impl::CheckBoundsBase<CheckBounds> {
  void runOnOperation() override {
    calledInParallel.clear();
    findCallees(getOperation());
    SizeFacts facts;
    visit(getOperation(), facts);
  }

private:
  /// Finds the functions that bodies call which may run in parallel.
  void findCallees(Operation *root) {
    SymbolTableCollection symbols;
    auto add = [&](CallOpInterface call) {
      if (Operation *callee = call.resolveCallableInTable(&symbols))
        calledInParallel.insert(callee);
    };
    root->walk([&](CallOpInterface call) {
      if (isInParallelBody(call))
        add(call);
    });
    for (size_t i = 0; i < calledInParallel.size(); ++i)
      calledInParallel[i]->walk(add);
  }

  void visit(Operation *op, SizeFacts &facts) {
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        SizeFacts::Scope scope(facts);
        for (Operation &inner : llvm::make_early_inc_range(block)) {
          auto function = inner.getParentOfType<FunctionOpInterface>();
          bool isCalled =
              function && calledInParallel.contains(function.getOperation());
          if (failed(OpChecker(&inner, facts, isCalled).check()))
            signalPassFailure();
          visit(&inner, facts);
        }
      }
  }

  llvm::SetVector<Operation *> calledInParallel;
};
} // namespace
