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
  ProductLowering(GroupedMatmulOp op, VectorBuilder &b, TileShape tile,
                  bool matrices)
      : op(op), b(b), module(op->getParentOfType<ModuleOp>()), tile(tile),
        experts(b.dim(op.getRhs(), 0)), depth(b.dim(op.getRhs(), 1)),
        columns(b.dim(op.getRhs(), 2)), tileColumns(b.index(tile.columns())),
        panels(b.ceilDiv(columns, tileColumns)), lhs(op.getLhs()),
        tokens(op.getTokens()), matrices(matrices) {
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
  /// The matrix of `columns` columns at byte `offset` of a thread's scratch,
  /// of f32 unless it is for matrix registers.
  Value viewScratch(Value scratch, Value offset, Value rows, Value columns,
                    Type element);
  /// The rows of the left side, one after the other, as many as there are
  /// pairs, padded for matrix registers; null if they are as good where they
  /// are.
  Value gatherRows();
  /// Asks the operating system for the matrix registers.
  void useMatrices();

  Value roundUp(Value value, int64_t multiple) {
    return b.mul(b.ceilDiv(value, b.index(multiple)), b.index(multiple));
  }
  /// What a thread's scratch holds besides a tile's sums: panels, and rows that
  /// are widened or copied.
  Value panelBytes() {
    return b.mul(matrices ? paddedDepth : depth,
                 b.index(tile.columns() * (matrices ? 2 : 4)));
  }
  Value rowBytes() {
    if (matrices)
      return b.mul(paddedDepth, b.index(tile.rows * 2));
    return isF32 ? b.index(0)
                 : b.mul(roundUp(depth, tile.lanes), b.index(tile.rows * 4));
  }
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
  Value lhs, tokens, paddedDepth;
  bool wholeColumns, isF32, matrices;
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

  Value gathered;
  if (matrices) {
    useMatrices();
    paddedDepth = roundUp(depth, kMatrixDepth);
    gathered = gatherRows();
  }
  Value allPanels = b.mul(panelBytes(), b.index(tile.products));
  Value threadBytes =
      roundUp(b.add(b.add(sumBytes(), allPanels), rowBytes()), kCacheLine);
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
  if (gathered)
    memref::DeallocOp::create(b, gathered);
}

void ProductLowering::useMatrices() {
  StringRef name = "et_use_matrices";
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto none = LLVM::LLVMVoidType::get(b.getContext());
    function = LLVM::LLVMFuncOp::create(b, name,
                                        LLVM::LLVMFunctionType::get(none, {}));
  }
  LLVM::CallOp::create(b, function, ValueRange());
}

Value ProductLowering::gatherRows() {
  auto lhsType = cast<MemRefType>(lhs.getType());
  int64_t width = lhsType.getShape()[1];
  bool isPadded = !ShapedType::isDynamic(width) && width % kMatrixDepth == 0;
  if (!tokens && isPadded)
    return {};
  // The list of tokens may be longer than there are pairs.
  Value rows = op.getOffsets() ? b.toIndex(b.load(op.getOffsets(), experts))
                               : b.dim(op.getOut(), 0);
  auto type = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                              lhsType.getElementType());
  Value copy = memref::AllocOp::create(b, type, ValueRange{rows, paddedDepth},
                                       b.getI64IntegerAttr(kCacheLine));
  b.parallel(rows, [&](ValueRange row) {
    Value from = tokens ? b.toIndex(b.load(tokens, row)) : row[0];
    emitRowCopy(b, lhs, from, copy, row[0]);
  });
  lhs = copy;
  tokens = {};
  return copy;
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
    operands.lhs = lhs;
    operands.tokens = tokens;
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
                                   Value columns, Type element) {
  auto type =
      MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, element);
  return memref::ViewOp::create(b, type, scratch, offset,
                                ValueRange{rows, columns});
}

void ProductLowering::emitPanel(Value expert, Value column, Value first,
                                Value last, PanelOperands operands,
                                Value scratch) {
  PanelKernel kernel{tile, op.getActivation(), wholeColumns, matrices};
  operands.begin = first;
  operands.end = last;
  operands.column = column;
  if (op.getBias())
    operands.bias = sliceOf(op.getBias(), expert);
  if (op.getGateBias())
    operands.gateBias = sliceOf(op.getGateBias(), expert);
  Value panelAt = sumBytes(), gateAt = b.add(panelAt, panelBytes());
  Value rowsAt = op.getGate() ? b.add(gateAt, panelBytes()) : gateAt;
  Type f32 = b.getF32Type(), element = matrices ? Type(b.getBF16Type()) : f32;
  operands.sums = viewScratch(scratch, b.index(0), b.index(tile.rows),
                              b.index(tile.products * tile.columns()), f32);
  if (!isF32)
    operands.rowBlock = viewScratch(
        scratch, rowsAt, b.index(tile.rows),
        matrices ? paddedDepth : roundUp(depth, tile.lanes), element);
  auto usePanels = [&] {
    Value rows = matrices ? b.div(paddedDepth, b.index(2)) : depth;
    Value width = matrices ? b.mul(tileColumns, b.index(2)) : tileColumns;
    operands.weights = sliceOf(op.getRhs(), expert);
    operands.panel = viewScratch(scratch, panelAt, rows, width, element);
    if (op.getGate()) {
      operands.gateWeights = sliceOf(op.getGate(), expert);
      operands.gatePanel = viewScratch(scratch, gateAt, rows, width, element);
    }
    kernel.call(b, module, operands);
  };
  // The sums of matrix registers differ in the last bits from those of vector
  // registers, so which are used must not depend on the number of rows.
  if (matrices)
    return usePanels();

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
  usePanels();
}

static LogicalResult lowerGroupedMatmul(GroupedMatmulOp op, VectorBuilder &b,
                                        const VectorRegisters &registers) {
  // Views of nothing have no valid offset.
  ArrayRef<int64_t> sizes = cast<MemRefType>(op.getRhs().getType()).getShape();
  if (op.getMask() || llvm::is_contained(sizes, 0))
    return failure();
  int64_t products = op.getGate() ? 2 : 1;
  bool matrices = registers.matrices &&
                  getElementTypeOrSelf(op.getLhs().getType()).isBF16() &&
                  getElementTypeOrSelf(op.getRhs().getType()).isBF16();
  TileShape tile = matrices
                       ? TileShape::chooseMatrix(widthOf(op), products)
                       : TileShape::choose(registers.lanes, registers.count,
                                           widthOf(op), products);
  ProductLowering(op, b, tile, matrices).lower();
  return success();
}

void et::populateProductPatterns(RewritePatternSet &patterns,
                                 const VectorRegisters &registers) {
  patterns.add<VectorPattern<GroupedMatmulOp>>(patterns.getContext(), registers,
                                               lowerGroupedMatmul);
}
