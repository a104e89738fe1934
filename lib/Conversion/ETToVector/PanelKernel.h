//===- PanelKernel.h - The register-tiled product kernel --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOVECTOR_PANELKERNEL_H
#define ET_LIB_CONVERSION_ETTOVECTOR_PANELKERNEL_H

#include "VectorBuilder.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::et {

/// The block of results that a kernel keeps in registers: `rows` by `vectors`
/// accumulators for each of `products` products of the same rows.
struct TileShape {
  int64_t rows, vectors, products, lanes;

  int64_t columns() const { return vectors * lanes; }

  /// The shape that feeds the multipliers best with `registers` vector
  /// registers, for results `columns` wide (dynamic if unknown).
  static TileShape choose(int64_t lanes, int64_t registers, int64_t columns,
                          int64_t products);
  /// The shape of a kernel with matrix registers.
  static TileShape chooseMatrix(int64_t columns, int64_t products);
};

/// A panel kernel computes rows [begin, end) of the tile.columns() columns that
/// start at `column`: products over K in registers, then bias, activation and
/// gate while the tile is in the nearest cache. This is the interface between
/// what walks experts, panels and rows and what multiplies. A panel is any
/// memref of K rows of tile.columns() elements with unit stride inside a row:
/// row-major weights (row stride N) and packed ones (row stride tile.columns())
/// alike. Every result is summed in ascending order of k whatever the layout,
/// the rows beside it or the thread.
///
/// With `weights`, the panel is scratch: the first tile reads the weights at
/// `column` and leaves them in the panel, contiguous and widened, for the tiles
/// that follow. While it works, a kernel asks for the panel that its thread
/// needs next, a few lines at a time.
///
/// With matrix registers, `lhs` has a multiple of kMatrixDepth columns and no
/// `tokens`, the panel is scratch of [K rounded up to kMatrixDepth / 2,
/// 2 * columns] bf16, and all rows go through it.
struct PanelOperands {
  Value lhs;         // [R, K]
  Value tokens;      // [P], optional: row p reads lhs[tokens[p], :]
  Value weights;     // [K, N], optional
  Value gateWeights; // [K, N], optional
  Value panel;       // [K, columns]
  Value gatePanel;   // [K, columns], optional
  Value nextPanel;   // [nextRows, columns]
  Value nextGate;    // [nextRows, columns], optional
  Value bias;        // [N], optional
  Value gateBias;    // [N], optional
  Value out;         // [P, N]
  Value rowBlock;    // [rows, K rounded up] optional: rows of 16-bit elements
                     // are widened there; with matrix registers, copied when
                     // fewer than a tile's are left in lhs
  Value sums;        // [rows, products * columns] f32: a tile's sums, on their
                     // way to bias, activation and gate
  Value begin, end, column, nextRows;

  /// Those that are present, in a fixed order.
  SmallVector<Value *> present();
};

struct PanelKernel {
  TileShape tile;
  Activation activation;
  /// N is a multiple of the tile's columns, so no store needs a mask.
  bool wholeColumns;
  /// Multiply in matrix registers.
  bool matrices;

  /// Calls the kernel for these operands; the module gets it if it has none.
  void call(VectorBuilder &b, ModuleOp module, PanelOperands operands) const;

private:
  std::string getName(PanelOperands &operands) const;
  void emitBody(VectorBuilder &b, PanelOperands operands) const;
  /// `packing` tiles read the weights and fill the panel.
  void emitTile(VectorBuilder &b, const PanelOperands &operands, int64_t rows,
                Value firstRow, Value nextPerStep, bool packing) const;
  /// Bias, activation and gate: from the sums of a tile to its results. One
  /// loop for tiles of every size keeps the code of an activation small.
  void emitEpilogue(VectorBuilder &b, const PanelOperands &operands,
                    Value firstRow, Value rows) const;
  /// The sums of a tile, in the order [row][product][vector].
  SmallVector<Value> emitSums(VectorBuilder &b, const PanelOperands &operands,
                              Value lhs, ValueRange lhsRows, Value firstNext,
                              Value nextPerStep, bool packing) const;
  void emitMatrixBody(VectorBuilder &b, const PanelOperands &operands) const;
  /// The sums of 16 or 32 rows that begin at address `lhs`, to operands.sums.
  void emitMatrixSums(VectorBuilder &b, const PanelOperands &operands,
                      Value lhs, Value lhsBytes, int64_t rowTiles,
                      Value firstNext, Value lastNext) const;
  /// Cache lines of a row of the next panel, and of all of it.
  int64_t linesPerRow(const PanelOperands &operands) const;
  Value nextLines(VectorBuilder &b, const PanelOperands &operands) const;
  /// Asks for lines [first, first + count) of the next panels, up to `last`. A
  /// few at a time, between many multiplications: more would fill the buffers
  /// that loads need as well.
  void emitPrefetch(VectorBuilder &b, const PanelOperands &operands,
                    Value first, Value count, Value last) const;
};

/// Elements of a row that a matrix register holds.
inline constexpr int64_t kMatrixDepth = 32;

/// copy[to, :] = lhs[from, :] and zeros, for a copy whose rows are multiples of
/// kMatrixDepth.
void emitRowCopy(VectorBuilder &b, Value lhs, Value from, Value copy, Value to);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOVECTOR_PANELKERNEL_H
