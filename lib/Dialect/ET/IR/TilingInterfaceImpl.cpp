//===- TilingInterfaceImpl.cpp - Tiles of the et ops ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A tile is a range of some of the sizes that have a letter; an operand's slice
// follows from the letters of its dimensions.
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/TilingInterfaceImpl.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Interfaces/ShapedOpInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace mlir::et;
using Sizes = ArrayRef<OpFoldResult>;

/// The letters that an op's loops run over, all parallel. The tokens of a
/// combination are not among them: their mask has 32 to a word.
template <typename OpTy>
static constexpr llvm::StringLiteral loopLetters = "";
template <>
constexpr llvm::StringLiteral loopLetters<ScoresOp> = "TE";
template <>
constexpr llvm::StringLiteral loopLetters<PackOp> = "E";
template <>
constexpr llvm::StringLiteral loopLetters<GroupedMatmulOp> = "PN";
template <>
constexpr llvm::StringLiteral loopLetters<CombineOp> = "D";

namespace {
/// Where a tile lies in one operand.
struct Slice {
  SmallVector<OpFoldResult> offsets, sizes;
  bool isWhole = true;
};
} // namespace

/// The part of an operand that a tile of `letters` has.
static Slice getSlice(OpBuilder &builder, Location loc, NamedShape shape,
                      StringRef letters, Sizes offsets, Sizes sizes) {
  Slice slice;
  for (auto [dim, name] :
       llvm::enumerate(llvm::to_vector(llvm::split(shape.dims, ' ')))) {
    size_t loop = isDerivedSize(name) ? StringRef::npos : letters.find(name);
    if (loop == StringRef::npos) {
      slice.offsets.push_back(builder.getIndexAttr(0));
      slice.sizes.push_back(
          getMixedSize(builder, loc, shape.value, int64_t(dim)));
      continue;
    }
    slice.offsets.push_back(offsets[loop]);
    slice.sizes.push_back(sizes[loop]);
    slice.isWhole = false;
  }
  return slice;
}

static Operation *createSlice(OpBuilder &builder, Location loc, Value shaped,
                              const Slice &slice) {
  SmallVector<OpFoldResult> strides(slice.sizes.size(),
                                    builder.getIndexAttr(1));
  if (isa<TensorType>(shaped.getType()))
    return tensor::ExtractSliceOp::create(builder, loc, shaped, slice.offsets,
                                          slice.sizes, strides);
  return memref::SubViewOp::create(builder, loc, shaped, slice.offsets,
                                   slice.sizes, strides);
}

/// The plan of rows [first, first + size): clamp(offsets - first, 0, size).
static Value clampOffsets(OpBuilder &builder, Location loc, Value offsets,
                          OpFoldResult first, OpFoldResult size) {
  auto toI32 = [&](OpFoldResult value) -> Value {
    return arith::IndexCastOp::create(
        builder, loc, builder.getI32Type(),
        getValueOrCreateConstantIndexOp(builder, loc, value));
  };
  Value low = toI32(first), high = toI32(size);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value destination = createDestination(
      builder, loc, offsets, {getMixedSize(builder, loc, offsets, 0)},
      builder.getI32Type());
  auto body = [&](OpBuilder &nested, Location nestedLoc, ValueRange values) {
    Value moved = arith::SubIOp::create(nested, nestedLoc, values[0], low);
    Value atLeast = arith::MaxSIOp::create(nested, nestedLoc, moved, zero);
    Value clamped = arith::MinSIOp::create(nested, nestedLoc, atLeast, high);
    linalg::YieldOp::create(nested, nestedLoc, clamped);
  };
  AffineMap identity = builder.getMultiDimIdentityMap(1);
  return linalg::GenericOp::create(
             builder, loc, destination.getType(), offsets, destination,
             ArrayRef<AffineMap>{identity, identity},
             ArrayRef<utils::IteratorType>{utils::IteratorType::parallel}, body)
      .getResult(0);
}

namespace {
template <typename OpTy>
struct TilingModel : TilingInterface::ExternalModel<TilingModel<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *) const {
    return SmallVector<utils::IteratorType>(loopLetters<OpTy>.size(),
                                            utils::IteratorType::parallel);
  }

  /// The last operand, the destination, has all letters.
  SmallVector<Range> getIterationDomain(Operation *op,
                                        OpBuilder &builder) const {
    NamedShape out = cast<OpTy>(op).getNamedShapes().back();
    SmallVector<StringRef> names = llvm::to_vector(llvm::split(out.dims, ' '));
    SmallVector<Range> domain;
    for (char letter : loopLetters<OpTy>) {
      auto dim = llvm::find(names, StringRef(&letter, 1)) - names.begin();
      domain.push_back({builder.getIndexAttr(0),
                        getMixedSize(builder, op->getLoc(), out.value, dim),
                        builder.getIndexAttr(1)});
    }
    return domain;
  }

  FailureOr<TilingResult> getTiledImplementation(Operation *op,
                                                 OpBuilder &builder,
                                                 Sizes offsets,
                                                 Sizes sizes) const {
    Location loc = op->getLoc();
    bool onTensors = cast<OpTy>(op).hasPureTensorSemantics();
    TilingResult result;
    SmallVector<Value> operands;
    for (NamedShape shape : cast<OpTy>(op).getNamedShapes()) {
      Slice slice =
          getSlice(builder, loc, shape, loopLetters<OpTy>, offsets, sizes);
      if (slice.isWhole) {
        operands.push_back(shape.value);
        continue;
      }
      result.generatedSlices.push_back(
          createSlice(builder, loc, shape.value, slice));
      operands.push_back(result.generatedSlices.back()->getResult(0));
    }
    if constexpr (std::is_same_v<OpTy, GroupedMatmulOp>) {
      auto product = cast<GroupedMatmulOp>(op);
      // Columns that share a scale, or an element.
      int64_t shared = 1;
      if (WeightFormatAttrInterface format = product.getWeightFormat())
        shared = std::max(format.getBlock().n, format.getCount());
      if (shared > 1 && !isWhole(product, 1, offsets[1], sizes[1]))
        return op->emitOpError("cannot be tiled by columns with scales, which "
                               "are of ")
               << shared << " columns each: tile it by rows";
      if (product.getPanels() && !isWhole(product, 1, offsets[1], sizes[1]))
        return op->emitOpError("cannot be tiled by columns with packed "
                               "weights: tile it before --et-pack-weights");
      if (product.getOffsets() && !isWhole(product, 0, offsets[0], sizes[0])) {
        if (!onTensors)
          return op->emitOpError("cannot be tiled by rows on memrefs: tile it "
                                 "on tensors, before --one-shot-bufferize");
        if (product.getMask())
          return op->emitOpError("cannot be tiled by rows with a mask: tile it "
                                 "before --et-fuse-token-list");
        unsigned number =
            product.getOffsetsMutable().begin()->getOperandNumber();
        operands[number] = clampOffsets(builder, loc, product.getOffsets(),
                                        offsets[0], sizes[0]);
      }
    }
    // The destination comes last.
    TypeRange types(ValueRange(operands).take_back(op->getNumResults()));
    Operation *tiled = clone(builder, op, types, operands);
    result.tiledOps.push_back(tiled);
    llvm::append_range(result.tiledValues, tiled->getResults());
    return result;
  }

  LogicalResult
  getResultTilePosition(Operation *op, OpBuilder &builder, unsigned,
                        Sizes offsets, Sizes sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    NamedShape out = cast<OpTy>(op).getNamedShapes().back();
    Slice slice =
        getSlice(builder, op->getLoc(), out, loopLetters<OpTy>, offsets, sizes);
    resultOffsets = slice.offsets;
    resultSizes = slice.sizes;
    return success();
  }

private:
  /// Whether a tile is known to have all of a dimension of the destination, as
  /// all rows when only columns are tiled.
  static bool isWhole(GroupedMatmulOp op, int64_t dimension, OpFoldResult first,
                      OpFoldResult size) {
    if (!isConstantIntValue(first, 0))
      return false;
    int64_t all = cast<ShapedType>(op.getOut().getType()).getDimSize(dimension);
    if (std::optional<int64_t> constant = getConstantIntValue(size))
      return *constant == all;
    auto dim = cast<Value>(size).getDefiningOp<ShapedDimOpInterface>();
    return dim && dim.getShapedValue() == op.getOut() &&
           isConstantIntValue(dim.getDimension(), dimension);
  }
};
} // namespace

void et::registerTilingInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, ETDialect *) {
    ScoresOp::attachInterface<TilingModel<ScoresOp>>(*context);
    PackOp::attachInterface<TilingModel<PackOp>>(*context);
    GroupedMatmulOp::attachInterface<TilingModel<GroupedMatmulOp>>(*context);
    CombineOp::attachInterface<TilingModel<CombineOp>>(*context);
  });
}
