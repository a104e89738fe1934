//===- ProductLowering.h - A grouped product, task by task ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product is cut into tasks (expert, block of rows, columns). Every task is
// independent, so one dynamically scheduled loop over all of them keeps threads
// busy however skewed the loads are: with few rows the columns are the
// parallelism, with few columns the row blocks are.
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOVECTOR_PRODUCTLOWERING_H
#define ET_LIB_CONVERSION_ETTOVECTOR_PRODUCTLOWERING_H

#include "PanelKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::et {

/// One product being lowered: sizes as values, and the steps of the lowering.
class ProductLowering {
public:
  /// `kernel` serves most tasks, `fewRows` those of experts with at most its
  /// tile's rows, if there are matrix registers. A panel has `panelColumns`.
  ProductLowering(GroupedMatmulOp op, VectorBuilder &b, PanelKernel kernel,
                  PanelKernel fewRows, int64_t panelColumns,
                  int64_t secondLevelBytes)
      : op(op), b(b), module(op->getParentOfType<ModuleOp>()), kernel(kernel),
        fewRows(fewRows), panelColumns(panelColumns),
        secondLevelBytes(secondLevelBytes), experts(b.dim(op.getRhs(), 0)),
        depth(b.dim(op.getLhs(), 1)), columns(b.dim(op.getOut(), 1)),
        panels(b.ceilDiv(columns, b.index(panelColumns))), lhs(op.getLhs()),
        tokens(op.getTokens()), paddedDepth(roundUp(depth, depthStep())) {}

  void lower();

private:
  /// The parts of a task: its expert, its rows and its columns, which may end
  /// past the last one.
  struct Task {
    Value expert, firstRow, lastRow, firstColumn, lastColumn;
  };
  /// Whether weights are never copied: packed, and not widened to f32 for many
  /// rows.
  bool readsPacked() {
    return op.getPanels() &&
           (kernel.way != Multiply::Widened || bitsOf(op.getRhs()) == 32);
  }
  bool usesMatrices() const { return kernel.way == Multiply::Matrices; }
  /// What K is rounded up to for matrix registers: as far as packed weights go.
  int64_t depthStep() {
    return op.getPanels() ? op.getPanelsAttr().getStep() : kMatrixDepth;
  }
  /// The rows of `expert`: [first, last).
  std::pair<Value, Value> rowsOf(Value expert);
  Value mostRows();
  Value rowsOfTask(Value rows);
  Value panelsOfTask();
  Task taskAt(Value index);
  void emitTask(Value index, Value scratch);
  /// The task in vector registers: reads the weights where they are if few
  /// tiles do or nothing is gained, else through a contiguous f32 copy.
  void emitVectorTask(PanelKernel kernel, const Task &task, const Task &next,
                      Value hasNext, PanelOperands operands, Value scratch);
  void emitColumns(PanelKernel kernel, const Task &task, const Task &next,
                   Value hasNext, PanelOperands operands, Value scratch);
  /// The kernel that multiplies copies of what `kernel` reads.
  PanelKernel copying(PanelKernel kernel);
  /// The task's panel of each of `weights` in pairs, as matrix registers want
  /// it, in the thread's scratch.
  SmallVector<Value> copyPanels(const Task &task, ArrayRef<Value> weights,
                                Value scratch);
  /// `width` columns of an expert's weights from `column` on.
  Value panelAt(Value weights, Value expert, Value column, int64_t width);
  /// An expert's weights from column `column` on; of packed ones, `width` of
  /// them.
  Value columnsFrom(Value weights, Value expert, Value column, int64_t width);
  /// Row or matrix `expert` of a [E, ...] memref.
  Value sliceOf(Value memref, Value expert);
  /// Whether `kernel` wants rows of 16 bits in f32.
  bool widensRows() {
    return kernel.way == Multiply::Widened && bitsOf(op.getLhs()) < 32;
  }
  /// Whether rows collide and have enough columns to be worth a copy that does
  /// not, if they are many.
  bool mayCollide();
  /// Points lhs to its rows as `kernel` reads them: of f32, or for matrix
  /// registers one after the other and padded; an expert has `most` of them at
  /// most. Returns the memory of the copy, or null if they are as good where
  /// they are.
  Value copyRows(Value most);

  Value roundUp(Value value, int64_t multiple) {
    return b.mul(b.ceilDiv(value, b.index(multiple)), b.index(multiple));
  }
  unsigned bitsOf(Value memref) {
    return cast<MemRefType>(memref.getType()).getElementTypeBitWidth();
  }
  /// What a thread's scratch holds: sums, copies of blocks or panels, and
  /// with matrix registers copied rows, as wide as a block of K.
  Value sumBytes();
  Value copyBytes();
  Value copyPlace(int64_t index);
  int64_t rowBlockWidth();
  Value viewScratch(Value scratch, Value offset, ArrayRef<int64_t> shape,
                    ValueRange sizes, Type element);
  LLVM::CallOp callRuntime(StringRef name, Type result);
  Value askOpenMP(StringRef name);

  GroupedMatmulOp op;
  VectorBuilder &b;
  ModuleOp module;
  PanelKernel kernel, fewRows;
  int64_t panelColumns, secondLevelBytes;
  Value experts, depth, columns, panels;
  Value threads, taskRows, rowBlocks, taskPanels, panelGroups, tasks;
  Value lhs, tokens, paddedDepth;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOVECTOR_PRODUCTLOWERING_H
