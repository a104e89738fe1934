//===- PanelKernel.h - The register-tiled product kernel --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOVECTOR_PANELKERNEL_H
#define ET_LIB_CONVERSION_ETTOVECTOR_PANELKERNEL_H

#include "ScaledWeights.h"
#include "et/Conversion/Epilogue.h"
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
  /// The same with columns that divide those of a panel.
  TileShape within(int64_t panelColumns) const;
  /// The same for weights with scales: a vector has one of them, or each of its
  /// columns has its own; and a tile has one if more columns than a vector's
  /// share one. `block` is of a format that has scaled tiles.
  TileShape withScales(WeightBlock block, int64_t panelColumns) const;
};

/// Whether kernels of vectors of so many lanes multiply weights in a format.
bool hasScaledTiles(WeightFormatAttrInterface format, int64_t lanes);

/// Elements of a row that a matrix register holds.
inline constexpr int64_t kMatrixDepth = 32;

/// How a kernel multiplies.
enum class Multiply {
  /// f32 vectors, to which 16-bit elements are widened.
  Widened,
  /// Pairs of bf16 (AVX-512-BF16).
  Pairs,
  /// Matrix registers (AMX).
  Matrices
};

/// A panel kernel computes rows [begin, end) of the tile.columns() columns that
/// start at `column`: products in registers, then the epilogue
/// while the tile is in the nearest cache. This is the interface between what
/// walks experts, panels and rows and what multiplies. Row r of a panel holds
/// for each column the steps [r * interleave, (r + 1) * interleave) of K beside
/// each other; rows may lie any stride apart. K is cut into blocks whose part
/// of the panel stays in the first-level cache for all rows. A result is summed
/// in one order, whatever the blocks, the rows beside it in a task or the
/// thread.
///
/// While it works on a block, a kernel asks for the next one, a few lines at a
/// time, unless it is read ahead anyway; after the last, for the first block of
/// the panel that its thread needs next.
///
/// Weights that are not as the products want them are copied a block at a time
/// to where `panel` and `gatePanel` point, which stays in the first-level
/// cache. With matrix registers whole panels are copies, made before: then
/// every block asks for its part of the next panel.
///
/// The products of weights in a format, which have `scales`, are summed for
/// each block of K, and these sums times the block's scale. No block of K has
/// two scales of a column.
///
/// With matrix registers, `lhs` has a multiple of kMatrixDepth columns and no
/// `tokens`, the panel as many steps of K, and all rows go through it.
struct PanelOperands {
  Value lhs;       // [R, K]; elements of 16 bits are slow to widen one by one
  Value tokens;    // [P], optional: row p reads lhs[tokens[p], :]
  Value panel;     // [K / interleave rounded up, columns * interleave]; if it
                   // is copied by the block, [a block's rows, columns]
  Value gatePanel; // the same, optional
  Value weights;   // [K / copiedFrom rounded up, from the first column on], if
                   // the panel is copied by the block
  Value gateWeights; // the same, optional
  Value nextPanel;   // what will be read after the panel, or after the weights
  Value nextGate;    // the same, optional
  Value scales;      // [K, N in blocks of the format], optional
  Value gateScales;  // the same, optional
  Value bias;        // [N], optional
  Value gateBias;    // [N], optional
  Value out;         // [P, N]
  Value rowBlock;    // [rows, a block of K], with matrix registers: rows are
                     // copied when fewer than a tile's are left in lhs
  Value sums;        // [end - begin rounded up to a tile, products * columns]
                     // f32: sums between blocks of K, and on their way to the
                     // epilogue
  Value begin, end, column;
  Value hasNext; // i1: nextPanel and nextGate will be needed

  /// Those that are present, in a fixed order.
  SmallVector<Value *> present();
};

struct PanelKernel {
  TileShape tile;
  Epilogue epilogue;
  /// N is a multiple of the tile's columns, so no store needs a mask.
  bool wholeColumns;
  Multiply way;
  /// Steps of K beside each other in a panel.
  int64_t interleave;
  /// K is a multiple of kMatrixDepth, so that nothing along it has a tail.
  bool wholeDepth;
  int64_t firstLevelBytes;
  /// The processor brings the rows of a panel from memory unasked: it reads
  /// ahead, and they follow each other.
  bool readsAhead;
  /// The panel is a copy of weights that have so many steps of K beside each
  /// other. 0 if it is read where it is.
  int64_t copiedFrom = 0;
  /// How weights in a format are read, if these are.
  std::optional<ScaledWeights> scaled = {};
  /// Rows of weights that are copied end with the tile's columns or later.
  bool wholeWeights = false;

  /// Calls the kernel for these operands; the module gets it if it has none.
  void call(VectorBuilder &b, ModuleOp module, PanelOperands operands) const;

  /// Rows of a panel in a block of K, if elements have `bits`.
  int64_t blockRows(int64_t bits) const;
  /// Whether the kernel copies each block of the panel before it reads it, or
  /// its caller the panel.
  bool copiesBlocks() const { return copiedFrom && way != Multiply::Matrices; }
  bool copiesPanels() const { return copiedFrom && way == Multiply::Matrices; }

private:
  /// Whether sums are multiplied by scales. Those of copies are factors of
  /// them.
  bool scalesSums() const { return scaled && !copiedFrom; }
  /// Whether a block of K is one of scales, or part of the only one.
  bool hasBlocksOfScales() const {
    return scaled && scaled->format.getBlock().k != WeightBlock::kAll;
  }
  /// Rows that those of a block are a multiple of, but for the last one.
  int64_t blockUnit() const {
    return hasBlocksOfScales() ? scaled->format.getBlock().k / interleave
                               : stepRows();
  }
  /// A block of K: rows [first, last) of the panels, and the rows to ask for
  /// meanwhile.
  struct Block {
    Value first, last;
    Value next, nextGate, nextRows;
    /// The next block is read at so many places in turn, each of so many rows.
    Value streams, streamRows;
    /// How far a step and a tile get in each of them, in parts of a line.
    Value pace, tilePace;
    /// Whether a step asks for all that it gets to, or for a fixed number of
    /// lines; null where it always asks for all.
    Value asksMany;
    /// Rows come in so many tiles: of the most rows, or after the first of
    /// them, one less.
    Value tiles, mostRows, larger;
    /// Where the results lie, and lines of a row of them to ask for: in the
    /// last block, so that they come while sums are made.
    Place out;
    Value outLines;
    /// With matrix registers, the first row of a tile and how many it has.
    Value row, rows;
  };
  std::string getName(PanelOperands &operands) const;
  void emitBody(VectorBuilder &b, ModuleOp module,
                const PanelOperands &operands) const;
  void copyBlock(VectorBuilder &b, ModuleOp module,
                 const PanelOperands &operands, const Block &block) const;
  void setNext(VectorBuilder &b, const PanelOperands &operands, Value panelRows,
               Value blockRows, Value isLast, Block &block) const;
  /// How the steps of all tiles share the next block's lines.
  void planRequests(VectorBuilder &b, Block &block) const;
  /// In how many places to ask for `lines` lines in `steps` steps.
  Value chooseStreams(VectorBuilder &b, Value lines, Value tiles,
                      Value steps) const;
  /// The products of a block and all rows, added to the sums. They are a
  /// function of their own, which kernels share that differ only in what comes
  /// before and after.
  void callTiles(VectorBuilder &b, ModuleOp module, PanelOperands operands,
                 Block block) const;
  std::string getTilesName(const PanelOperands &operands,
                           const Block &block) const;
  /// The body of that function: the panels begin where the block does, and
  /// where rows are read one after the other, the list of tokens is empty.
  void emitTiles(VectorBuilder &b, const PanelOperands &operands,
                 const Block &block) const;
  /// A tile of the rows of lhs at `positions`. `place` is its place in the next
  /// block, in parts of a line.
  void emitTile(VectorBuilder &b, const PanelOperands &operands,
                const Block &block, ValueRange positions, Value place) const;
  /// The next values of sums in the order [row][product][vector], one row of
  /// the panels further. `lhsRows` begin where those that `operands` has do.
  SmallVector<Value> emitPanelRow(VectorBuilder &b,
                                  const PanelOperands &operands,
                                  ValueRange lhsRows, int64_t panelRow,
                                  ValueRange old, bool isHalf) const;
  /// Adds the sums of a block of K, times its scales, to those before it in
  /// memory.
  void addScaled(VectorBuilder &b, const PanelOperands &operands,
                 const Block &block, ValueRange sums) const;
  /// Where sum `index` lies in a tile's rows of sums.
  SmallVector<Value> placeOfSum(VectorBuilder &b, size_t index) const;
  void emitMatrixTile(VectorBuilder &b, const PanelOperands &operands,
                      const Block &block, Value place) const;
  void emitMatrixSums(VectorBuilder &b, const PanelOperands &operands,
                      const Block &block, Value lhs, Value lhsBytes, Value sum,
                      bool isFirst, Value place) const;
  /// From the sums of a tile to its results. One
  /// loop for tiles of every size keeps the code of an activation small.
  void emitEpilogue(VectorBuilder &b, const PanelOperands &operands,
                    Value firstRow, Value rows) const;
  /// Asks for the lines of a step at `place` of the next block.
  void emitPrefetch(VectorBuilder &b, const Block &block, Value place) const;
  /// Where the kernel's results begin.
  Place placeOfResults(VectorBuilder &b, const PanelOperands &operands) const;
  /// Asks for a line of a row of the results, to be written. Their type plays
  /// no part, so that loops which differ in it alone are shared.
  void emitOutPrefetch(VectorBuilder &b, const Block &block, Value row,
                       Value line) const;
  /// Elements and cache lines of a row of the panel, or of the weights that are
  /// copied, to be read next.
  int64_t nextWidth() const {
    return tile.columns() * (copiedFrom ? copiedFrom : interleave);
  }
  int64_t linesPerRow(const Block &block) const;
  int64_t outLinesPerRow(const PanelOperands &operands) const;
  /// Rows of a panel that one step of the innermost loop multiplies. Those of a
  /// block are a multiple of them, but for the last one.
  int64_t stepRows() const;
};

/// copy[to, :] = lhs[from, first ...] and zeros, for a copy of bf16 whose rows
/// are multiples of kMatrixDepth.
void emitRowCopy(VectorBuilder &b, Value lhs, Value from, Value first,
                 Value copy, Value to);

/// The `rows` rows of lhs that `tokens` names, or the first, one after the
/// other, with zeros up to a `width` that is a multiple of kMatrixDepth. The
/// caller frees the memory.
Value emitPaddedRows(VectorBuilder &b, Value lhs, Value tokens, Value rows,
                     Value width);

/// Bytes of a way of a first-level cache of x86: a page, so that its sets are
/// chosen by bits of addresses which need no translation.
inline constexpr int64_t kWayBytes = 4096;

/// Whether rows lie a multiple of kWayBytes apart. Then a tile's rows all go to
/// the same few lines of the first-level cache, and drive out the panel there.
bool rowsCollide(MemRefType matrix);

/// Memory for rows of f32, an odd number of cache lines apart, so that those of
/// a tile do not collide. The caller frees it.
Value allocateF32Rows(VectorBuilder &b, Value rows, Value width);

/// Copies the first `rows` rows of lhs there, with zeros up to `width`: a
/// scalar of 16 bits would be widened anew for each panel. `whole` promises
/// that the width has no tail.
void emitF32Rows(VectorBuilder &b, Value lhs, Value rows, Value width,
                 bool whole, Value copy);

/// How the steps of K lie beside each other before and after a copy.
enum class PanelCopy {
  /// panel[k, n] = weights[k, n], widened, and 0 past the last column.
  Rows,
  /// panel[k, 2n + i] = weights[2k + i, n], and 0 past the last row or column.
  ToPairs,
  /// panel[2k + i, n] = weights[k, 2n + i], widened.
  FromPairs
};
void emitPanelCopy(VectorBuilder &b, ModuleOp module, Value weights,
                   Value panel, bool wholeColumns, PanelCopy kind);

/// Columns [0, width) of rows [first, first + rows) of a matrix.
Value viewRows(VectorBuilder &b, Value matrix, Value first, OpFoldResult rows,
               OpFoldResult width);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOVECTOR_PANELKERNEL_H
