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
  Value rowsOfTask(Value rows);
  void emitTask(Value task, Value scratch);
  /// Rows [first, last) of a panel: reads the weights where they are if they
  /// are used once, else through a contiguous f32 copy.
  void emitPanel(Value expert, Value column, Value first, Value last,
                 PanelOperands operands, Value scratch);
  /// Where in the weights the task that this thread is likely to get next
  /// begins, and how many rows of it to ask for.
  void setNext(Value task, PanelOperands &operands);
  /// The parts of a task: its expert, its first column, its rows [first, last).
  struct TaskParts {
    Value expert, column, first, last;
  };
  TaskParts partsOf(Value task);
  Value panelInPlace(Value weights, Value expert, Value column);
  /// Row or matrix `expert` of a [E, ...] memref.
  Value sliceOf(Value memref, Value expert);
  /// The f32 matrix of `columns` columns at byte `offset` of a thread's
  /// scratch.
  Value viewScratch(Value scratch, Value offset, Value rows, Value columns);

  Value sumBytes() {
    return b.index(tile.rows * tile.products * tile.columns() * 4);
  }
  Value callRuntime(StringRef name);

  GroupedMatmulOp op;
  VectorBuilder &b;
  ModuleOp module;
  TileShape tile;
  Value experts, depth, columns, tileColumns, panels;
  Value threads, taskRows, rowBlocks, tasks;
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

Value ProductLowering::rowsOfTask(Value rows) {
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
  threads = callRuntime("omp_get_max_threads");
  Value most = mostRows();
  taskRows = rowsOfTask(most);
  rowBlocks = b.ceilDiv(most, taskRows);
  tasks = b.mul(b.mul(experts, rowBlocks), panels);

  // A thread's scratch holds a tile's sums, its panels and, for 16-bit rows,
  // its widened rows.
  Value panelBytes = b.mul(depth, b.index(tile.columns() * 4 * tile.products));
  Value rowBytes = b.index(0);
  if (!isF32)
    rowBytes = b.mul(b.ceilDiv(depth, b.index(tile.lanes)),
                     b.index(tile.lanes * 4 * tile.rows));
  Value line = b.index(kCacheLine);
  Value threadBytes = b.mul(
      b.ceilDiv(b.add(b.add(sumBytes(), panelBytes), rowBytes), line), line);
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
    emitTask(body->getArgument(0), mine);
    omp::YieldOp::create(b, ValueRange());
  }
  memref::DeallocOp::create(b, scratch);
}

ProductLowering::TaskParts ProductLowering::partsOf(Value task) {
  Value panel = arith::RemUIOp::create(b, task, panels);
  Value group = b.div(task, panels);
  Value rowBlock = arith::RemUIOp::create(b, group, rowBlocks);
  Value expert = b.div(group, rowBlocks);
  auto [begin, end] = rowsOf(expert);
  Value first = b.add(begin, b.mul(rowBlock, taskRows));
  Value last = b.min(b.add(first, taskRows), end);
  return {expert, b.mul(panel, tileColumns), first, last};
}

void ProductLowering::emitTask(Value task, Value scratch) {
  TaskParts parts = partsOf(task);
  b.when(b.cmp(arith::CmpIPredicate::ult, parts.first, parts.last), [&] {
    PanelOperands operands;
    operands.lhs = op.getLhs();
    operands.tokens = op.getTokens();
    operands.out = op.getOut();
    setNext(task, operands);
    emitPanel(parts.expert, parts.column, parts.first, parts.last, operands,
              scratch);
  });
}

void ProductLowering::setNext(Value task, PanelOperands &operands) {
  // Threads take turns, so the next task is as far away as there are threads.
  Value last = b.sub(tasks, b.index(1));
  Value next = b.add(task, threads);
  Value exists = b.cmp(arith::CmpIPredicate::ule, next, last);
  TaskParts parts = partsOf(b.min(next, last));
  Value used = b.cmp(arith::CmpIPredicate::ult, parts.first, parts.last);
  operands.nextRows = b.select(b.both(exists, used), depth, b.index(0));
  operands.nextPanel = panelInPlace(op.getRhs(), parts.expert, parts.column);
  if (op.getGate())
    operands.nextGate = panelInPlace(op.getGate(), parts.expert, parts.column);
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

Value ProductLowering::sliceOf(Value memref, Value expert) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, b.getLoc(), memref);
  offsets[0] = expert;
  sizes[0] = b.getIndexAttr(1);
  auto sliceType = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, sliceType, memref, offsets, sizes,
                                   strides);
}

Value ProductLowering::viewScratch(Value scratch, Value offset, Value rows,
                                   Value columns) {
  auto type = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                              b.getF32Type());
  return memref::ViewOp::create(b, type, scratch, offset,
                                ValueRange{rows, columns});
}

void ProductLowering::emitPanel(Value expert, Value column, Value first,
                                Value last, PanelOperands operands,
                                Value scratch) {
  PanelKernel kernel{tile, op.getActivation(), wholeColumns};
  operands.begin = first;
  operands.end = last;
  operands.column = column;
  if (op.getBias())
    operands.bias = sliceOf(op.getBias(), expert);
  if (op.getGateBias())
    operands.gateBias = sliceOf(op.getGateBias(), expert);
  Value panelBytes = b.mul(depth, b.index(tile.columns() * 4));
  Value panelAt = sumBytes(), gateAt = b.add(panelAt, panelBytes);
  operands.sums = viewScratch(scratch, b.index(0), b.index(tile.rows),
                              b.index(tile.products * tile.columns()));
  if (!isF32)
    operands.rowBlock = viewScratch(
        scratch, op.getGate() ? b.add(gateAt, panelBytes) : gateAt,
        b.index(tile.rows),
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
  operands.weights = sliceOf(op.getRhs(), expert);
  operands.panel = viewScratch(scratch, panelAt, depth, tileColumns);
  if (op.getGate()) {
    operands.gateWeights = sliceOf(op.getGate(), expert);
    operands.gatePanel = viewScratch(scratch, gateAt, depth, tileColumns);
  }
  kernel.call(b, module, operands);
}

static LogicalResult lowerGroupedMatmul(GroupedMatmulOp op, VectorBuilder &b,
                                        const VectorRegisters &registers) {
  // Views of nothing have no valid offset.
  ArrayRef<int64_t> sizes = cast<MemRefType>(op.getRhs().getType()).getShape();
  if (op.getMask() || llvm::is_contained(sizes, 0))
    return failure();
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
