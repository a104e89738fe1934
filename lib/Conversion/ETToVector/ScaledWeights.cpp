//===- ScaledWeights.cpp - Weights of few bits, widened in registers ------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaledWeights.h"
#include "PanelKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

/// Bytes that are looked up together, and of a lane in which bytes of two
/// registers are interleaved.
static constexpr int64_t kBytes = 64, kLaneBytes = 16;
static constexpr int64_t kLanes = kBytes / kLaneBytes, kHalf = kLaneBytes / 2;

/// Byte `byte` of the bf16 values of 64 magnitudes from `first` on.
static Value makeTable(VectorBuilder &b, FloatType element, unsigned first,
                       unsigned byte) {
  SmallVector<uint8_t> table;
  for (unsigned bits = first; bits < first + kBytes; ++bits) {
    llvm::APFloat value(element.getFloatSemantics(), llvm::APInt(8, bits));
    bool losesInfo = false;
    value.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven,
                  &losesInfo);
    assert(!losesInfo && "bf16 has every value of a format with tables");
    table.push_back(static_cast<uint8_t>(
        value.bitcastToAPInt().extractBitsAsZExtValue(8, 8 * byte)));
  }
  auto type = VectorType::get(kBytes, b.getI8Type());
  return arith::ConstantOp::create(
      b, DenseElementsAttr::getFromRawBuffer(
             type, ArrayRef(reinterpret_cast<char *>(table.data()), kBytes)));
}

/// 64 bytes of `element` as bf16, after a shuffle by `order`: first those of
/// the lower halves of the lanes, then of the upper ones, which is how bytes of
/// two registers are interleaved.
static std::array<Value, 2> lookUp(VectorBuilder &b, FloatType element,
                                   Value bytes, ArrayRef<int64_t> order) {
  auto type = cast<VectorType>(bytes.getType());
  bytes = vector::ShuffleOp::create(b, bytes, bytes, order);
  // The index is 7 bits of each byte.
  auto find = [&](unsigned byte) -> Value {
    Values operands = {makeTable(b, element, 0, byte), bytes,
                       makeTable(b, element, kBytes, byte)};
    return LLVM::CallIntrinsicOp::create(
               b, type, b.getStringAttr("llvm.x86.avx512.vpermi2var.qi.512"),
               operands)
        .getResult(0);
  };
  Value low = find(0), high = find(1);
  Value signBit =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, APInt(8, 128)));
  high =
      arith::OrIOp::create(b, high, arith::AndIOp::create(b, bytes, signBit));

  std::array<Value, 2> result;
  for (int64_t half : llvm::seq<int64_t>(2)) {
    SmallVector<int64_t> pairs;
    for (int64_t lane : llvm::seq(kLanes))
      for (int64_t byte : llvm::seq(kHalf)) {
        pairs.push_back(lane * kLaneBytes + half * kHalf + byte);
        pairs.push_back(kBytes + pairs.back());
      }
    result[half] = vector::BitCastOp::create(
        b, VectorType::get(kBytes / 2, b.getBF16Type()),
        vector::ShuffleOp::create(b, low, high, pairs));
  }
  return result;
}

/// 64 bytes as four vectors of f32.
static Values lookUpF32(VectorBuilder &b, FloatType element, Value bytes) {
  // So that columns come out in their order, four groups of 16 columns are
  // spread over the lanes and their even and odd columns, which are halves of a
  // word, apart.
  SmallVector<int64_t> order(kBytes);
  for (int64_t lane : llvm::seq(kLanes))
    for (int64_t half : llvm::seq<int64_t>(2))
      for (int64_t odd : llvm::seq<int64_t>(2))
        for (int64_t word : llvm::seq(kHalf / 2))
          order[lane * kLaneBytes + half * kHalf + 2 * word + odd] =
              (2 * half + odd) * kLaneBytes + lane * kHalf / 2 + word;
  Values result;
  for (Value pairs : lookUp(b, element, bytes, order)) {
    result.push_back(b.widenOfPairs(pairs, /*second=*/false));
    result.push_back(b.widenOfPairs(pairs, /*second=*/true));
  }
  return result;
}

/// `length` stored elements.
static Value readStored(VectorBuilder &b, Value weights, Value row,
                        Value column, int64_t length, bool whole) {
  Type element = getElementTypeOrSelf(weights.getType());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  return vector::TransferReadOp::create(b, VectorType::get(length, element),
                                        weights, ValueRange{row, column}, zero,
                                        ArrayRef<bool>{whole});
}

/// The same of bytes, as i8.
static Value readBytes(VectorBuilder &b, Value weights, Value row, Value column,
                       int64_t length, bool whole) {
  return vector::BitCastOp::create(
      b, VectorType::get(length, b.getI8Type()),
      readStored(b, weights, row, column, length, whole));
}

SmallVector<Value> ScaledWeights::read(VectorBuilder &b,
                                       ArrayRef<Value> weights, Value row,
                                       Value column, int64_t vectors,
                                       bool whole) const {
  int64_t length = vectors * b.lanes;
  auto products = static_cast<int64_t>(weights.size());
  if (byteTables && length * products == kBytes) {
    Values parts;
    for (Value matrix : weights)
      parts.push_back(readBytes(b, matrix, row, column, length, whole));
    Value bytes = parts.front();
    if (products == 2)
      bytes = vector::ShuffleOp::create(
          b, parts[0], parts[1], llvm::to_vector(llvm::seq<int64_t>(kBytes)));
    return lookUpF32(b, cast<FloatType>(format.getStored()), bytes);
  }
  Values result;
  for (Value matrix : weights)
    for (int64_t vector : llvm::seq(vectors)) {
      Value at = b.add(column, b.index(vector * b.lanes));
      result.push_back(
          format.widen(b, readStored(b, matrix, row, at, b.lanes, whole),
                       /*which=*/Value()));
    }
  return result;
}

SmallVector<Value> ScaledWeights::readPairs(VectorBuilder &b,
                                            ArrayRef<Value> panels,
                                            Value row) const {
  SmallVector<int64_t> order;
  for (int64_t lane : llvm::seq(kLanes))
    for (int64_t half : llvm::seq<int64_t>(2))
      llvm::append_range(order,
                         llvm::seq(half * kBytes / 2 + lane * kHalf,
                                   half * kBytes / 2 + (lane + 1) * kHalf));
  auto element = cast<FloatType>(format.getStored());
  Values result;
  for (Value panel : panels) {
    int64_t width = cast<MemRefType>(panel.getType()).getShape()[1];
    for (int64_t first = 0; first < width; first += kBytes)
      llvm::append_range(result,
                         lookUp(b, element,
                                readBytes(b, panel, row, b.index(first), kBytes,
                                          /*whole=*/true),
                                order));
  }
  return result;
}

Value ScaledWeights::readScales(VectorBuilder &b, Value scales, Value row,
                                Value column) const {
  int64_t n = format.getBlock().n;
  Value ofRow = scaleRow(b, row);
  if (n == 1)
    return b.read(scales, {ofRow, column});
  Value last = b.sub(b.dim(scales, 1), b.index(1));
  return b.splat(b.load(scales, {ofRow, b.min(b.blockOf(column, n), last)}));
}

StringAttr ScaledWeights::getKey() const {
  if (format == BlocksAttr::getDefault(format.getContext()))
    return {};
  std::string key;
  llvm::raw_string_ostream(key) << format;
  return StringAttr::get(format.getContext(), key);
}

/// The body of the function that emitCopy calls.
static void emitRows(VectorBuilder &b, const ScaledWeights &kind, bool whole,
                     Value weights, Value scales, Value column, Value panel) {
  int64_t vectors = cast<MemRefType>(panel.getType()).getShape()[1] / b.lanes;
  int64_t together = std::max<int64_t>(kBytes / b.lanes, 1);
  Value rows = b.dim(panel, 0);
  int64_t ofBlock = kind.format.getBlock().k;
  auto emitBlock = [&](Value first) {
    Values factors;
    for (int64_t vector : llvm::seq(vectors)) {
      Value at = b.add(column, b.index(vector * b.lanes));
      factors.push_back(kind.readScales(b, scales, first, at));
    }
    Value last = rows;
    if (ofBlock != WeightBlock::kAll)
      last = b.min(b.add(first, b.index(ofBlock)), rows);
    b.loop(first, last, [&](Value k) {
      for (int64_t first = 0; first < vectors; first += together) {
        Value at = b.index(first * b.lanes);
        Values values = kind.read(b, weights, k, at,
                                  std::min(together, vectors - first), whole);
        for (auto [index, value] : llvm::enumerate(values)) {
          int64_t vector = first + static_cast<int64_t>(index);
          b.write(b.mul(value, factors[vector]), panel,
                  {k, b.index(vector * b.lanes)}, /*whole=*/true);
        }
      }
    });
  };
  if (ofBlock == WeightBlock::kAll)
    emitBlock(b.index(0));
  else
    b.stepLoop(b.index(0), rows, ofBlock, emitBlock);
}

void ScaledWeights::emitCopy(VectorBuilder &b, ModuleOp module, Value weights,
                             Value scales, Value column, Value panel,
                             bool whole) const {
  int64_t width = cast<MemRefType>(panel.getType()).getShape()[1];
  std::string name =
      ("et_widen_" + Twine(width) + (whole ? "_whole" : "")).str();
  weights = b.generalize(weights);
  scales = b.generalize(scales);
  b.callShared(
      module, name, {&weights, &scales, &column, &panel},
      [&] { emitRows(b, *this, whole, weights, scales, column, panel); },
      getKey());
}
