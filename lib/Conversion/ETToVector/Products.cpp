//===- Products.cpp - Grouped products over panels of weights -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product is cut into tasks (expert, block of rows, panel of columns). Every
// task is independent, so one dynamically scheduled loop over all of them keeps
// threads busy however skewed the loads are: with few rows the panels are the
// parallelism, with few panels the row blocks are.
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "Patterns.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;

/// Rows of a task at most: enough that copying a panel costs little, few enough
/// that the rows stay in a second-level cache.
static constexpr int64_t kMaxTaskRows = 384;
/// Tasks wanted for each thread, so that the last ones to finish are short.
static constexpr int64_t kTasksPerThread = 4;
static constexpr int64_t kCacheLine = 64;

static int64_t widthOf(GroupedMatmulOp op) {
  return cast<MemRefType>(op.getRhs().getType()).getShape()[2];
}

namespace {
/// One product being lowered: sizes as values, and the steps of the lowering.
class ProductLowering {
public:
  ProductLowering(GroupedMatmulOp op, VectorBuilder &b, TileShape tile)
      : op(op), b(b), module(op->getParentOfType<ModuleOp>()), tile(tile),
        experts(b.dim(op.getRhs(), 0)), depth(b.dim(op.getRhs(), 1)),
        columns(b.dim(op.getRhs(), 2)), tileColumns(b.index(tile.columns())),
        panels(b.ceilDiv(columns, tileColumns)) {
    int64_t width = widthOf(op);
    wholeColumns = !ShapedType::isDynamic(width) && width % tile.columns() == 0;
    isF32 = getElementTypeOrSelf(op.getLhs().getType()).isF32();
  }

  void lower();

private:
  /// The rows of `expert`: [first, last).
  std::pair<Value, Value> rowsOf(Value expert);
  Value mostRows();
  Value rowsOfTask(Value rows, Value threads);
  void emitTask(Value task, Value rowBlocks, Value taskRows, Value scratch);
  /// Rows [first, last) of a panel: reads the weights where they are if they
  /// are used once, else from a contiguous f32 copy.
  void emitPanel(Value expert, Value column, Value first, Value last,
                 Value scratch);
  Value panelInPlace(Value weights, Value expert, Value column);
  Value copyPanel(Value weights, Value expert, Value column, Value target);
  /// The f32 matrix of `columns` columns at byte `offset` of a thread's
  /// scratch.
  Value viewScratch(Value scratch, Value offset, Value rows, Value columns);

  Value callRuntime(StringRef name);

  GroupedMatmulOp op;
  VectorBuilder &b;
  ModuleOp module;
  TileShape tile;
  Value experts, depth, columns, tileColumns, panels;
  bool wholeColumns, isF32;
};
} // namespace

std::pair<Value, Value> ProductLowering::rowsOf(Value expert) {
  if (!op.getOffsets())
    return {b.index(0), b.dim(op.getOut(), 0)};
  Value next = b.add(expert, b.index(1));
  return {b.toIndex(b.load(op.getOffsets(), expert)),
          b.toIndex(b.load(op.getOffsets(), next))};
}

Value ProductLowering::mostRows() {
  return b.loop(b.index(0), experts, b.index(0),
                [&](Value expert, ValueRange most) -> LoopBuilder::Values {
                  auto [first, last] = rowsOf(expert);
                  return {b.max(most[0], b.sub(last, first))};
                })[0];
}

Value ProductLowering::rowsOfTask(Value rows, Value threads) {
  Value tileRows = b.index(tile.rows);
  Value wanted = b.ceilDiv(b.mul(threads, b.index(kTasksPerThread)),
                           b.max(b.mul(experts, panels), b.index(1)));
  Value fair = b.mul(b.ceilDiv(b.ceilDiv(rows, wanted), tileRows), tileRows);
  int64_t most = kMaxTaskRows / tile.rows * tile.rows;
  return b.max(b.min(fair, b.index(most)), tileRows);
}

Value ProductLowering::callRuntime(StringRef name) {
  // An LLVM function, as the OpenMP runtime takes no part in our conventions
  // for calls.
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    function = LLVM::LLVMFuncOp::create(
        b, name, LLVM::LLVMFunctionType::get(b.getI32Type(), {}));
  }
  return b.toIndex(LLVM::CallOp::create(b, function, ValueRange()).getResult());
}

void ProductLowering::lower() {
  Value threads = callRuntime("omp_get_max_threads");
  Value most = mostRows();
  Value taskRows = rowsOfTask(most, threads);
  Value rowBlocks = b.ceilDiv(most, taskRows);
  Value tasks = b.mul(b.mul(experts, rowBlocks), panels);

  // A thread's scratch holds its panels and, for 16-bit rows, its widened rows.
  Value panelBytes = b.mul(depth, b.index(tile.columns() * 4 * tile.products));
  Value rowBytes = b.index(0);
  if (!isF32)
    rowBytes = b.mul(b.ceilDiv(depth, b.index(tile.lanes)),
                     b.index(tile.lanes * 4 * tile.rows));
  Value line = b.index(kCacheLine);
  Value threadBytes = b.mul(b.ceilDiv(b.add(panelBytes, rowBytes), line), line);
  auto scratchType = MemRefType::get(ShapedType::kDynamic, b.getI8Type());
  Value scratch =
      memref::AllocOp::create(b, scratchType, b.mul(threads, threadBytes),
                              b.getI64IntegerAttr(kCacheLine));

  omp::LoopNestOperands range;
  range.loopLowerBounds = {b.index(0)};
  range.loopUpperBounds = {tasks};
  range.loopSteps = {b.index(1)};
  omp::WsloopOperands schedule;
  schedule.scheduleKind = omp::ClauseScheduleKindAttr::get(
      b.getContext(), omp::ClauseScheduleKind::Dynamic);
  auto parallel = omp::ParallelOp::create(b);
  {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&parallel.getRegion());
    Value mine = memref::ViewOp::create(
        b, scratchType, scratch,
        b.mul(callRuntime("omp_get_thread_num"), threadBytes), threadBytes);
    auto share = omp::WsloopOp::create(b, schedule);
    omp::TerminatorOp::create(b);
    b.createBlock(&share.getRegion());
    auto nest = omp::LoopNestOp::create(b, range);
    Block *body =
        b.createBlock(&nest.getRegion(), {}, b.getIndexType(), b.getLoc());
    emitTask(body->getArgument(0), rowBlocks, taskRows, mine);
    omp::YieldOp::create(b, ValueRange());
  }
  memref::DeallocOp::create(b, scratch);
}

void ProductLowering::emitTask(Value task, Value rowBlocks, Value taskRows,
                               Value scratch) {
  Value panel = arith::RemUIOp::create(b, task, panels);
  Value group = b.div(task, panels);
  Value rowBlock = arith::RemUIOp::create(b, group, rowBlocks);
  Value expert = b.div(group, rowBlocks);
  auto [begin, end] = rowsOf(expert);
  Value first = b.add(begin, b.mul(rowBlock, taskRows));
  Value last = b.min(b.add(first, taskRows), end);
  b.when(b.cmp(arith::CmpIPredicate::ult, first, end), [&] {
    emitPanel(expert, b.mul(panel, tileColumns), first, last, scratch);
  });
}

Value ProductLowering::panelInPlace(Value weights, Value expert, Value column) {
  auto type = cast<MemRefType>(weights.getType());
  SmallVector<OpFoldResult> offsets = {expert, b.getIndexAttr(0), column};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), depth,
                                     b.getIndexAttr(tile.columns())};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  auto panelType = memref::SubViewOp::inferRankReducedResultType(
      {ShapedType::kDynamic, tile.columns()}, type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, panelType, weights, offsets, sizes,
                                   strides);
}

Value ProductLowering::viewScratch(Value scratch, Value offset, Value rows,
                                   Value columns) {
  auto type = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                              b.getF32Type());
  return memref::ViewOp::create(b, type, scratch, offset,
                                ValueRange{rows, columns});
}

Value ProductLowering::copyPanel(Value weights, Value expert, Value column,
                                 Value target) {
  b.loop(b.index(0), depth, [&](Value k) {
    for (int64_t vector : llvm::seq(tile.vectors)) {
      Value within = b.index(vector * tile.lanes);
      Value values =
          b.read(weights, {expert, k, b.add(column, within)}, wholeColumns);
      b.write(values, target, {k, within}, /*whole=*/true);
    }
  });
  return target;
}

void ProductLowering::emitPanel(Value expert, Value column, Value first,
                                Value last, Value scratch) {
  PanelKernel kernel{tile, op.getActivation(), wholeColumns};
  PanelOperands operands;
  operands.lhs = op.getLhs();
  operands.tokens = op.getTokens();
  operands.out = op.getOut();
  operands.begin = first;
  operands.end = last;
  operands.column = column;
  auto rowOf = [&](Value biases) -> Value {
    if (!biases)
      return nullptr;
    auto type = cast<MemRefType>(biases.getType());
    SmallVector<OpFoldResult> offsets = {expert, b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), columns};
    SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
    auto rowType = memref::SubViewOp::inferRankReducedResultType(
        ShapedType::kDynamic, type, offsets, sizes, strides);
    return memref::SubViewOp::create(b, rowType, biases, offsets, sizes,
                                     strides);
  };
  operands.bias = rowOf(op.getBias());
  operands.gateBias = rowOf(op.getGateBias());
  Value panelBytes = b.mul(depth, b.index(tile.columns() * 4));
  if (!isF32)
    operands.rowBlock = viewScratch(
        scratch, b.mul(panelBytes, b.index(tile.products)), b.index(tile.rows),
        b.mul(b.ceilDiv(depth, b.index(tile.lanes)), b.index(tile.lanes)));

  Value once =
      b.cmp(arith::CmpIPredicate::ule, b.sub(last, first), b.index(tile.rows));
  if (!wholeColumns)
    once = b.both(once, b.cmp(arith::CmpIPredicate::ule,
                              b.add(column, tileColumns), columns));
  auto branch = scf::IfOp::create(b, once, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);

  b.setInsertionPoint(branch.thenYield());
  PanelOperands inPlace = operands;
  inPlace.panel = panelInPlace(op.getRhs(), expert, column);
  if (op.getGate())
    inPlace.gatePanel = panelInPlace(op.getGate(), expert, column);
  kernel.call(b, module, inPlace);

  b.setInsertionPoint(branch.elseYield());
  auto copy = [&](Value weights, Value offset) {
    return copyPanel(weights, expert, column,
                     viewScratch(scratch, offset, depth, tileColumns));
  };
  operands.panel = copy(op.getRhs(), b.index(0));
  if (op.getGate())
    operands.gatePanel = copy(op.getGate(), panelBytes);
  kernel.call(b, module, operands);
}

static LogicalResult lowerGroupedMatmul(GroupedMatmulOp op, VectorBuilder &b,
                                        const VectorRegisters &registers) {
  TileShape tile = TileShape::choose(registers.lanes, registers.count,
                                     widthOf(op), op.getGate() ? 2 : 1);
  ProductLowering(op, b, tile).lower();
  return success();
}

void et::populateProductPatterns(RewritePatternSet &patterns,
                                 const VectorRegisters &registers) {
  patterns.add<VectorPattern<GroupedMatmulOp>>(patterns.getContext(), registers,
                                               lowerGroupedMatmul);
}
