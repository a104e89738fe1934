//===- CheckBounds.cpp - Run-time checks of ops around layers -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/CheckUtils.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "llvm/ADT/ScopedHashTable.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKBOUNDS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// The size of a dimension of a tensor, an index, or a number.
struct Size {
  static Size ofConstant(int64_t number) { return {Value(), number}; }
  static Size ofIndex(Value index) { return {index, -1}; }

  bool isConstant() const { return !value; }
  bool isIndex() const { return value && number < 0; }
  bool isConstant(int64_t other) const {
    return isConstant() && number == other;
  }
  bool operator==(const Size &other) const {
    return value == other.value && number == other.number;
  }

  Value value;
  /// The number if there is no value, the dimension of a tensor.
  int64_t number;
};
} // namespace

template <>
struct llvm::DenseMapInfo<Size> {
  using Info = DenseMapInfo<std::pair<mlir::Value, int64_t>>;
  static Size get(std::pair<mlir::Value, int64_t> pair) {
    return {pair.first, pair.second};
  }
  static Size getEmptyKey() { return get(Info::getEmptyKey()); }
  static Size getTombstoneKey() { return get(Info::getTombstoneKey()); }
  static unsigned getHashValue(const Size &size) {
    return Info::getHashValue({size.value, size.number});
  }
  static bool isEqual(const Size &a, const Size &b) { return a == b; }
};

/// Whether the value is a tensor or a memref, with sizes for each dimension.
static bool isShaped(Value value) {
  return isa<RankedTensorType, MemRefType>(value.getType());
}

/// Which dimension of the whole each dimension of a slice is.
static SmallVector<int64_t> getKeptDims(const llvm::SmallBitVector &dropped) {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0, rank = int64_t(dropped.size()); dim < rank; ++dim)
    if (!dropped.test(unsigned(dim)))
      kept.push_back(dim);
  return kept;
}

namespace {
/// What is known of sizes: where they come from, and which ones checks have
/// found to be equal. A check holds for what it dominates.
class SizeFacts {
  using Table = llvm::ScopedHashTable<Size, Size>;

public:
  /// What is learnt while this lives is forgotten with it.
  class Scope {
  public:
    explicit Scope(SizeFacts &facts) : scope(facts.equal) {}

  private:
    Table::ScopeTy scope;
  };

  Size find(Size size) {
    while (true) {
      // What was traced while a loop's value was open ends at that value.
      auto place = traced.find(size);
      if (place != traced.end() && !(place->second == size))
        size = place->second;
      else if (equal.count(size))
        size = equal.lookup(size);
      else
        return size;
    }
  }

  Size ofDim(Value tensor, int64_t dim) { return find(trace(tensor, dim)); }

  Size of(OpFoldResult size) { return find(trace(size)); }

  void unite(Size a, Size b) {
    a = find(a);
    b = find(b);
    if (a == b)
      return;
    if (b.isConstant())
      std::swap(a, b);
    if (!b.isConstant())
      equal.insert(b, a);
  }

private:
  Size trace(OpFoldResult size) {
    if (std::optional<int64_t> constant = getConstantIntValue(size))
      return Size::ofConstant(*constant);
    auto value = cast<Value>(size);
    if (auto dim = value.getDefiningOp<ShapedDimOpInterface>()) {
      std::optional<int64_t> index = getConstantIntValue(dim.getDimension());
      Value shaped = dim.getShapedValue();
      if (index && isShaped(shaped) && *index >= 0 &&
          *index < cast<ShapedType>(shaped.getType()).getRank())
        return trace(shaped, *index);
    }
    return Size::ofIndex(value);
  }

  /// Follows a size to where it was first given.
  Size trace(Value tensor, int64_t dim) {
    auto type = cast<ShapedType>(tensor.getType());
    if (!type.isDynamicDim(dim))
      return Size::ofConstant(type.getDimSize(dim));
    Size self = {tensor, dim};
    // First as if nothing were known of it: a loop's value depends on itself.
    if (auto [place, isNew] = traced.try_emplace(self, self); !isNew)
      return place->second;
    Size origin = traceStep(tensor, dim);
    traced[self] = origin;
    return origin;
  }

  Size traceStep(Value tensor, int64_t dim) {
    Size self = {tensor, dim};
    if (auto argument = dyn_cast<BlockArgument>(tensor)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (auto loop = dyn_cast_or_null<scf::ForOp>(parent))
        return traceLoop(loop, argument, dim);
      if (auto loop = dyn_cast_or_null<scf::ForallOp>(parent))
        if (OpOperand *init = loop.getTiedOpOperand(argument))
          return trace(init->get(), dim);
      return self;
    }
    auto result = cast<OpResult>(tensor);
    Operation *op = result.getOwner();
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      // What is the argument's alone does not outlive the loop.
      BlockArgument argument = loop.getTiedLoopRegionIterArg(result);
      Size origin = trace(argument, dim);
      return origin == Size{argument, dim} ? self : origin;
    }
    if (auto loop = dyn_cast<scf::ForallOp>(op))
      return trace(loop.getTiedOpOperand(result)->get(), dim);
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      unsigned number = result.getResultNumber();
      Size yes = trace(branch.thenYield().getOperand(number), dim);
      Size no = trace(branch.elseYield().getOperand(number), dim);
      return yes == no ? yes : self;
    }
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
      return trace(destination.getTiedOpOperand(result)->get(), dim);
    if (op->hasTrait<OpTrait::Elementwise>()) {
      for (Value operand : op->getOperands())
        if (isa<RankedTensorType>(operand.getType()))
          return trace(operand, dim);
      return self;
    }
    return llvm::TypeSwitch<Operation *, Size>(op)
        .Case([&](tensor::CastOp cast) {
          return isa<RankedTensorType>(cast.getSource().getType())
                     ? trace(cast.getSource(), dim)
                     : self;
        })
        .Case([&](tensor::EmptyOp empty) {
          return trace(empty.getDynamicSize(dim));
        })
        .Case<tensor::GenerateOp, tensor::SplatOp>([&](auto made) {
          auto type = cast<RankedTensorType>(tensor.getType());
          return trace(made->getOperands().take_back(
              type.getNumDynamicDims())[type.getDynamicDimIndex(dim)]);
        })
        .Case([&](tensor::ExtractSliceOp slice) {
          SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
          return trace(sizes[getKeptDims(slice.getDroppedDims())[dim]]);
        })
        .Case([&](tensor::ExpandShapeOp split) {
          return trace(split.getMixedOutputShape()[dim]);
        })
        .Case([&](tensor::CollapseShapeOp merge) {
          ReassociationIndices group = merge.getReassociationIndices()[dim];
          return group.size() == 1 ? trace(merge.getSrc(), group.front())
                                   : self;
        })
        .Case([&](memref::CastOp cast) {
          return isShaped(cast.getSource()) ? trace(cast.getSource(), dim)
                                            : self;
        })
        .Case<memref::AllocOp, memref::AllocaOp>(
            [&](auto made) { return trace(made.getMixedSizes()[dim]); })
        .Case([&](memref::SubViewOp slice) {
          SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
          return trace(sizes[getKeptDims(slice.getDroppedDims())[dim]]);
        })
        .Case([&](bufferization::ToBufferOp buffer) {
          return trace(buffer.getTensor(), dim);
        })
        .Case([&](bufferization::ToTensorOp made) {
          return trace(made.getBuffer(), dim);
        })
        .Default(self);
  }

  Size traceLoop(scf::ForOp loop, BlockArgument argument, int64_t dim) {
    Size self = {argument, dim};
    if (argument == loop.getInductionVar())
      return self;
    Size yielded = trace(loop.getTiedLoopYieldedValue(argument)->get(), dim);
    Size first = trace(loop.getTiedLoopInit(argument)->get(), dim);
    return yielded == self || yielded == first ? first : self;
  }

  Table equal;
  DenseMap<Size, Size> traced;
};

/// The least and the greatest value of an index.
struct Interval {
  Value least, most;
};

/// Emits the checks of one op before it.
class OpChecker {
public:
  OpChecker(Operation *op, SizeFacts &facts)
      : op(op), facts(facts), b(op->getLoc(), getPlace(op)) {}

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
  /// Where an op is that runs in parallel to others of its block, nothing else
  /// may be.
  static Operation *getPlace(Operation *op) {
    Operation *parent = op->getParentOp();
    return isa_and_present<scf::InParallelOp>(parent) ? parent : op;
  }

  static int64_t rankOf(Value tensor) {
    return cast<ShapedType>(tensor.getType()).getRank();
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

  // Where slices and elements must lie.

  void checkElement(Value tensor, ValueRange indices) {
    Value isInside;
    SmallVector<cf::AssertOp> checks;
    for (auto [dim, index] : llvm::enumerate(indices)) {
      std::string message =
          ("index " + Twine(dim) + " is beyond the tensor").str();
      Value fits =
          findInside(index, facts.ofDim(tensor, int64_t(dim)), message);
      if (!fits)
        continue;
      if (cf::AssertOp check = require(fits, message))
        checks.push_back(check);
      isInside = isInside ? both(isInside, fits) : fits;
    }
    if (!isa<tensor::InsertOp>(op) && !checks.empty() && mayRunInParallel())
      guard(isInside, checks);
  }

  bool mayRunInParallel() {
    for (Operation *parent = op->getParentOp();
         parent && !isa<FunctionOpInterface>(parent);
         parent = parent->getParentOp())
      if (isa<linalg::LinalgOp, tensor::GenerateOp, tensor::PadOp,
              scf::ParallelOp>(parent))
        return true;
    return false;
  }

  /// Reads or writes nothing if the place is none. Other threads may be at work
  /// then, over whose frames no error can jump: these run on.
  void guard(Value isInside, ArrayRef<cf::AssertOp> checks) {
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

  template <typename SliceOp>
  void checkSlice(Value whole, SliceOp slice) {
    for (auto [dim, offset, size, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedSizes(),
                         slice.getMixedStrides()))
      checkRange(facts.ofDim(whole, int64_t(dim)), facts.of(offset),
                 facts.of(size), facts.of(stride), int64_t(dim));
  }

  void checkTransfer(VectorTransferOpInterface transfer) {
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

  void checkRange(Size whole, Size offset, Size size, Size stride,
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
      Value distance = make<arith::SelectOp>(
          isForward, make<arith::SubIOp>(rest, one), first);
      Value magnitude = make<arith::SelectOp>(isForward, step,
                                              make<arith::SubIOp>(zero, step));
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

  static bool isProvenRange(Size whole, Size offset, Size size) {
    using Bounds = ValueBoundsConstraintSet;
    if (!mayProve(offset) && !mayProve(size))
      return false;
    MLIRContext *context = (offset.value ? offset : size).value.getContext();
    auto variable = [&](Size size) { return toVariable(size, context); };
    Bounds::Variable zero = variable(Size::ofConstant(0));
    AffineExpr sum =
        getAffineDimExpr(0, context) + getAffineDimExpr(1, context);
    Bounds::Variable end(AffineMap::get(2, 0, sum),
                         {variable(offset), variable(size)});
    return Bounds::compare(variable(offset), Bounds::GE, zero) &&
           Bounds::compare(variable(size), Bounds::GE, zero) &&
           Bounds::compare(end, Bounds::LE, variable(whole));
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

  /// A loop that does not move towards its end runs for ever, or runs through
  /// numbers that are no places.
  void checkLoop(OpFoldResult upper, OpFoldResult step, bool isUnsigned) {
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

  // Proving, and what remains.

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
      return OpFoldResult(
          IntegerAttr::get(IndexType::get(context), size.number));
    if (size.isIndex())
      return size.value;
    return {size.value, size.number};
  }

  /// Whether the index is a place of the size; null if that is known.
  Value findInside(Value index, Size size, const Twine &message) {
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

  /// The runs of a body, which is given the places of the elements to make.
  struct Count {
    Operation *owner;
    SmallVector<Size> counts;
    /// Which of these numbers the index.
    unsigned dim;
  };

  std::optional<Count> getCount(Value index) {
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

  /// The first size of each loop, where a dimension has it.
  SmallVector<std::optional<Size>> getLoops(linalg::LinalgOp structured) {
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

  /// Whether all places that a body is given are below the size. If the op runs
  /// whenever the body does, that is checked once, before.
  bool isBehindCount(const Count &count, Size size, const Twine &message) {
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

  void requireInside(Value index, Size size, const Twine &message) {
    if (Value fits = findInside(index, size, message))
      require(fits, message);
  }

  void requireEqual(Size a, Size b, const Twine &message) {
    a = facts.find(a);
    b = facts.find(b);
    if (a == b)
      return;
    require(isEqual(materialize(a), materialize(b)), message);
    facts.unite(a, b);
  }

  /// Null if it holds always.
  cf::AssertOp require(Value holds, const Twine &message) {
    if (matchPattern(holds, m_One()))
      return nullptr;
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
  Value isAtMostSigned(Value left, Value right) {
    return compare(arith::CmpIPredicate::sle, left, right);
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
