//===- CheckBounds.cpp - Run-time checks of ops around layers -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlaceChecker.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKBOUNDS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// The least and the greatest value of an index.
struct Interval {
  Value least, most;
};

/// Emits the checks of one op before it.
class OpChecker : public PlaceChecker {
public:
  OpChecker(Operation *op, SizeFacts &facts) : PlaceChecker(op, facts) {}

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
          requireInside(dim.getIndex(),
                        Size::ofConstant(rankOf(dim.getSource())),
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
              memref::AtomicRMWOp, memref::GenericAtomicRMWOp, memref::DimOp>(
            [&](auto access) {
              // Upstream has a rule for each.
              if (auto rule = dyn_cast<RuntimeVerifiableOpInterface>(op))
                rule.generateRuntimeVerification(
                    b, b.getLoc(), [](Operation *op, StringRef message) {
                      return (op->getName().getStringRef() + ": " + message)
                          .str();
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

private:
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

  void checkSameShape(ArrayRef<Value> tensors) {
    if (tensors.empty())
      return;
    for (int64_t dim = 0, rank = rankOf(tensors.front()); dim < rank; ++dim)
      for (Value tensor : tensors.drop_front())
        requireEqual(facts.ofDim(tensors.front(), dim),
                     facts.ofDim(tensor, dim),
                     "sizes of its operands differ in dimension " + Twine(dim));
  }

  void checkCast(tensor::CastOp cast) {
    auto type = dyn_cast<RankedTensorType>(cast.getType());
    if (!type || !isa<RankedTensorType>(cast.getSource().getType()))
      return;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (!type.isDynamicDim(dim))
        requireEqual(facts.ofDim(cast.getSource(), dim),
                     Size::ofConstant(type.getDimSize(dim)),
                     "the size of dimension " + Twine(dim) + " is not " +
                         Twine(type.getDimSize(dim)));
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
          others.push_back({size, expr, what + " is too small"});
          continue;
        }
        requireEqual(*loops[loop.getPosition()], size,
                     what + " does not fit those of the other operands");
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
    auto isKnown = [&](AffineExpr part) {
      auto loop = dyn_cast<AffineDimExpr>(part);
      return !loop || counts[loop.getPosition()].isConstant();
    };
    bool allKnown = size.isConstant();
    expr.walk([&](AffineExpr part) { allKnown &= isKnown(part); });
    if (allKnown) // It is the verifier's.
      return;
    Interval reach = getReach(expr, counts);
    Value fits = both(isAtLeast(reach.least, constant(0)),
                      isBelow(reach.most, materialize(size)));
    for (Size count : counts)
      fits = either(fits, isEqual(materialize(count), constant(0)));
    require(fits, message);
  }

  Interval getReach(AffineExpr expr, ArrayRef<Size> counts) {
    if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
      Value value = constant(number.getValue());
      return {value, value};
    }
    if (auto loop = dyn_cast<AffineDimExpr>(expr))
      return {constant(0),
              make<arith::SubIOp>(materialize(counts[loop.getPosition()]),
                                  constant(1))};
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Interval left = getReach(binary.getLHS(), counts);
    Interval right = getReach(binary.getRHS(), counts);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return {make<arith::AddIOp>(left.least, right.least),
              make<arith::AddIOp>(left.most, right.most)};
    case AffineExprKind::Mul: {
      // One factor is a constant.
      auto factor = dyn_cast<AffineConstantExpr>(binary.getLHS());
      if (factor)
        std::swap(left, right);
      else
        factor = cast<AffineConstantExpr>(binary.getRHS());
      if (factor.getValue() < 0)
        std::swap(left.least, left.most);
      return {make<arith::MulIOp>(left.least, right.least),
              make<arith::MulIOp>(left.most, right.least)};
    }
    case AffineExprKind::FloorDiv:
      return {make<arith::FloorDivSIOp>(left.least, right.least),
              make<arith::FloorDivSIOp>(left.most, right.most)};
    case AffineExprKind::CeilDiv:
      return {make<arith::CeilDivSIOp>(left.least, right.least),
              make<arith::CeilDivSIOp>(left.most, right.most)};
    case AffineExprKind::Mod: {
      Value last = make<arith::SubIOp>(right.most, constant(1));
      Value least = make<arith::MinSIOp>(last, left.most);
      Value most = arith::SelectOp::create(
          b, isAtLeast(left.least, constant(0)), least, last);
      return {constant(0), most};
    }
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
      if (!size.isConstant())
        require(isAtLeast(materialize(size), constant(1)),
                "a tile's size is not positive");
      requireEqual(facts.ofDim(packed, rank + int64_t(place)), size,
                   "the size of a tile is not that of the packed operand in "
                   "dimension " +
                       Twine(rank + int64_t(place)));
    }
    ArrayRef<int64_t> permutation = op.getOuterDimsPerm();
    for (int64_t outer = 0; outer < rank; ++outer) {
      int64_t dim = permutation.empty() ? outer : permutation[outer];
      Size size = facts.ofDim(plain, dim);
      Size count = facts.ofDim(packed, outer);
      std::string message = ("the size of the packed operand in dimension " +
                             Twine(outer) + " does not fit the other's")
                                .str();
      auto tile = tileOf.find(dim);
      if (tile == tileOf.end()) {
        requireEqual(size, count, message);
        continue;
      }
      Size each = facts.of(tile->second);
      if (size.isConstant() && count.isConstant() && each.isConstant())
        continue;
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
          requireEqual(facts.ofDim(concat.getInputs().front(), dim), size,
                       "sizes of its operands differ in dimension " +
                           Twine(dim));
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

  template <typename SliceOp>
  void checkSlice(Value whole, SliceOp slice) {
    for (auto [dim, offset, size, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedSizes(),
                         slice.getMixedStrides()))
      checkRange(facts.ofDim(whole, int64_t(dim)), facts.of(offset),
                 facts.of(size), facts.of(stride), int64_t(dim));
  }

  void checkInserted(Value source, ArrayRef<OpFoldResult> sizes,
                     const llvm::SmallBitVector &dropped) {
    for (auto [dim, whole] : llvm::enumerate(getKeptDims(dropped)))
      requireEqual(facts.ofDim(source, int64_t(dim)), facts.of(sizes[whole]),
                   "the size of the source in dimension " + Twine(dim) +
                       " is not that of the slice");
  }

  void checkPad(tensor::PadOp pad) {
    RankedTensorType type = pad.getResultType();
    for (auto [index, low, high] :
         llvm::enumerate(pad.getMixedLowPad(), pad.getMixedHighPad())) {
      auto dim = int64_t(index);
      Size size = facts.ofDim(pad.getSource(), dim);
      std::optional<int64_t> before = getConstantIntValue(low);
      std::optional<int64_t> behind = getConstantIntValue(high);
      bool isKnown = before && behind && *before >= 0 && *behind >= 0;
      if (isKnown && (type.isDynamicDim(dim) || size.isConstant()))
        continue;
      Value first = getValueOrCreateConstantIndexOp(b, b.getLoc(), low);
      Value last = getValueOrCreateConstantIndexOp(b, b.getLoc(), high);
      Value most = constant(std::numeric_limits<int64_t>::max());
      Value room = make<arith::SubIOp>(most, materialize(size));
      Value fits = isAtMost(first, room);
      fits = both(fits, isAtMost(last, make<arith::SubIOp>(room, first)));
      require(fits, "the padding of dimension " + Twine(dim) +
                        " is negative or too large");
      if (type.isDynamicDim(dim))
        continue;
      Value sum = make<arith::AddIOp>(
          make<arith::AddIOp>(first, materialize(size)), last);
      require(isEqual(sum, constant(type.getDimSize(dim))),
              "the size of the result in dimension " + Twine(dim) + " is not " +
                  Twine(type.getDimSize(dim)));
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
    SizeFacts facts;
    visit(getOperation(), facts);
  }

private:
  static void visit(Operation *op, SizeFacts &facts) {
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        SizeFacts::Scope scope(facts);
        for (Operation &inner : llvm::make_early_inc_range(block)) {
          OpChecker(&inner, facts).emitChecks();
          visit(&inner, facts);
        }
      }
  }
};
} // namespace
