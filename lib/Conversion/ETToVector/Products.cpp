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
  /// `tile` is the shape of most tasks, `vectorTile` that of those which do
  /// without matrix registers; they are the same where there are none.
  ProductLowering(GroupedMatmulOp op, VectorBuilder &b, TileShape tile,
                  TileShape vectorTile, bool matrices)
      : op(op), b(b), module(op->getParentOfType<ModuleOp>()), tile(tile),
        vectorTile(vectorTile), experts(b.dim(op.getRhs(), 0)),
        depth(b.dim(op.getRhs(), 1)), columns(b.dim(op.getRhs(), 2)),
        tileColumns(b.index(tile.columns())),
        panels(b.ceilDiv(columns, tileColumns)), lhs(op.getLhs()),
        tokens(op.getTokens()), matrices(matrices) {
    isF32 = getElementTypeOrSelf(op.getLhs().getType()).isF32();
  }

  void lower();

private:
  /// The rows of `expert`: [first, last).
  std::pair<Value, Value> rowsOf(Value expert);
  Value mostRows();
  Value rowsOfTask(Value rows);
  void emitTask(Value task, Value scratch);
  /// Rows [first, last) of a panel.
  void emitPanel(Value expert, Value column, Value first, Value last,
                 PanelOperands operands, Value scratch);
  /// The same in vector registers: reads the weights where they are if they are
  /// used once, else through a contiguous f32 copy.
  void emitVectorPanel(Value expert, PanelOperands operands, Value scratch);
  /// A panel of matrix registers in vector registers, part by part.
  void emitFewRows(Value expert, PanelOperands operands, Value scratch);
  /// Calls a kernel that leaves the weights in panels of a thread's scratch.
  void fillPanels(Value expert, PanelOperands operands, Value scratch,
                  const PanelKernel &kernel);
  /// A kernel's sums and rows in a thread's scratch.
  void viewRows(PanelOperands &operands, Value scratch,
                const PanelKernel &kernel);
  PanelKernel kernelOf(const TileShape &shape, bool usesMatrices);
  /// Where in the weights the task that this thread is likely to get next
  /// begins, and how many rows of it to ask for.
  void setNext(Value task, PanelOperands &operands);
  /// The parts of a task: its expert, its first column, its rows [first, last).
  struct TaskParts {
    Value expert, column, first, last;
  };
  TaskParts partsOf(Value task);
  Value panelInPlace(Value weights, Value expert, Value column, int64_t width);
  /// The first `width` columns of a panel.
  Value narrow(Value panel, int64_t width);
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
    int64_t width = vectorTile.columns() * 4;
    if (matrices)
      width = std::max(width, tile.columns() * 2);
    return b.mul(matrices ? paddedDepth : depth, b.index(width));
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
  TileShape tile, vectorTile;
  Value experts, depth, columns, tileColumns, panels;
  Value threads, taskRows, rowBlocks, tasks;
  Value lhs, tokens, paddedDepth;
  bool isF32, matrices;
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
  operands.nextPanel =
      panelInPlace(op.getRhs(), parts.expert, parts.column, tile.columns());
  if (op.getGate())
    operands.nextGate =
        panelInPlace(op.getGate(), parts.expert, parts.column, tile.columns());
}

Value ProductLowering::panelInPlace(Value weights, Value expert, Value column,
                                    int64_t width) {
  auto type = cast<MemRefType>(weights.getType());
  SmallVector<OpFoldResult> offsets = {expert, b.getIndexAttr(0), column};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), depth,
                                     b.getIndexAttr(width)};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  auto panelType = memref::SubViewOp::inferRankReducedResultType(
      {ShapedType::kDynamic, width}, type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, panelType, weights, offsets, sizes,
                                   strides);
}

Value ProductLowering::narrow(Value panel, int64_t width) {
  SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = {b.dim(panel, 0), b.getIndexAttr(width)};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  return memref::SubViewOp::create(b, panel, offsets, sizes, strides);
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

PanelKernel ProductLowering::kernelOf(const TileShape &shape,
                                      bool usesMatrices) {
  int64_t width = widthOf(op);
  bool whole = !ShapedType::isDynamic(width) && width % shape.columns() == 0;
  return {shape, op.getActivation(), whole, usesMatrices};
}

void ProductLowering::emitPanel(Value expert, Value column, Value first,
                                Value last, PanelOperands operands,
                                Value scratch) {
  operands.begin = first;
  operands.end = last;
  operands.column = column;
  if (op.getBias())
    operands.bias = sliceOf(op.getBias(), expert);
  if (op.getGateBias())
    operands.gateBias = sliceOf(op.getGateBias(), expert);
  if (!matrices)
    return emitVectorPanel(expert, operands, scratch);

  // The sums of matrix registers differ in the last bits from those of vector
  // registers. How many rows the expert has decides which are used: that is the
  // same for any number of threads.
  auto [begin, end] = rowsOf(expert);
  Value few = b.cmp(arith::CmpIPredicate::ule, b.sub(end, begin),
                    b.index(vectorTile.rows));
  auto branch = scf::IfOp::create(b, few, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  emitFewRows(expert, operands, scratch);
  b.setInsertionPoint(branch.elseYield());
  fillPanels(expert, operands, scratch, kernelOf(tile, /*usesMatrices=*/true));
}

void ProductLowering::emitFewRows(Value expert, PanelOperands operands,
                                  Value scratch) {
  Value first = operands.column;
  operands.lhs = op.getLhs();
  operands.tokens = op.getTokens();
  // Requests for the next panel come from the last part; the others ask for the
  // part that follows.
  Value nextRows = operands.nextRows;
  Value nextPanel = operands.nextPanel, nextGate = operands.nextGate;
  int64_t width = vectorTile.columns();
  for (int64_t part = 0; part < tile.columns(); part += width) {
    operands.column = b.add(first, b.index(part));
    bool isLast = part + width >= tile.columns();
    Value following = b.add(operands.column, b.index(width));
    Value follows = b.cmp(arith::CmpIPredicate::ult, following, columns);
    b.when(b.cmp(arith::CmpIPredicate::ult, operands.column, columns), [&] {
      auto next = [&](Value weights, Value ofTask) {
        return isLast ? narrow(ofTask, width)
                      : panelInPlace(weights, expert, following, width);
      };
      operands.nextRows =
          isLast ? nextRows : b.select(follows, depth, b.index(0));
      operands.nextPanel = next(op.getRhs(), nextPanel);
      if (op.getGate())
        operands.nextGate = next(op.getGate(), nextGate);
      emitVectorPanel(expert, operands, scratch);
    });
  }
}

void ProductLowering::fillPanels(Value expert, PanelOperands operands,
                                 Value scratch, const PanelKernel &kernel) {
  bool pairs = kernel.matrices;
  Value panelAt = sumBytes(), gateAt = b.add(panelAt, panelBytes());
  Value rows = pairs ? b.div(paddedDepth, b.index(2)) : depth;
  Value width = b.index(kernel.tile.columns() * (pairs ? 2 : 1));
  Type element = pairs ? Type(b.getBF16Type()) : b.getF32Type();
  viewRows(operands, scratch, kernel);
  operands.weights = sliceOf(op.getRhs(), expert);
  operands.panel = viewScratch(scratch, panelAt, rows, width, element);
  if (op.getGate()) {
    operands.gateWeights = sliceOf(op.getGate(), expert);
    operands.gatePanel = viewScratch(scratch, gateAt, rows, width, element);
  }
  kernel.call(b, module, operands);
}

void ProductLowering::viewRows(PanelOperands &operands, Value scratch,
                               const PanelKernel &kernel) {
  const TileShape &shape = kernel.tile;
  operands.sums =
      viewScratch(scratch, b.index(0), b.index(shape.rows),
                  b.index(shape.products * shape.columns()), b.getF32Type());
  if (isF32)
    return;
  Value at = b.add(sumBytes(), b.mul(panelBytes(), b.index(tile.products)));
  Value width = kernel.matrices ? paddedDepth : roundUp(depth, shape.lanes);
  Type element = kernel.matrices ? Type(b.getBF16Type()) : b.getF32Type();
  operands.rowBlock =
      viewScratch(scratch, at, b.index(shape.rows), width, element);
}

void ProductLowering::emitVectorPanel(Value expert, PanelOperands operands,
                                      Value scratch) {
  PanelKernel kernel = kernelOf(vectorTile, /*usesMatrices=*/false);
  int64_t width = vectorTile.columns();
  Value column = operands.column;
  Value once =
      b.cmp(arith::CmpIPredicate::ule, b.sub(operands.end, operands.begin),
            b.index(vectorTile.rows));
  if (!kernel.wholeColumns)
    once = b.both(once, b.cmp(arith::CmpIPredicate::ule,
                              b.add(column, b.index(width)), columns));
  auto branch = scf::IfOp::create(b, once, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);

  b.setInsertionPoint(branch.thenYield());
  PanelOperands inPlace = operands;
  viewRows(inPlace, scratch, kernel);
  inPlace.panel = panelInPlace(op.getRhs(), expert, column, width);
  if (op.getGate())
    inPlace.gatePanel = panelInPlace(op.getGate(), expert, column, width);
  kernel.call(b, module, inPlace);

  b.setInsertionPoint(branch.elseYield());
  fillPanels(expert, operands, scratch, kernel);
}

static LogicalResult lowerGroupedMatmul(GroupedMatmulOp op, VectorBuilder &b,
                                        const VectorRegisters &registers) {
  if (op.getPanels())
    return failure();
  // Views of nothing have no valid offset.
  ArrayRef<int64_t> sizes = cast<MemRefType>(op.getRhs().getType()).getShape();
  if (op.getMask() || op.getScales() || llvm::is_contained(sizes, 0))
    return failure();
  int64_t products = op.getGate() ? 2 : 1;
  bool matrices = registers.matrices &&
                  getElementTypeOrSelf(op.getLhs().getType()).isBF16() &&
                  getElementTypeOrSelf(op.getRhs().getType()).isBF16();
  TileShape vectorTile = TileShape::choose(registers.lanes, registers.count,
                                           widthOf(op), products);
  TileShape tile =
      matrices ? TileShape::chooseMatrix(widthOf(op), products) : vectorTile;
  ProductLowering(op, b, tile, vectorTile, matrices).lower();
  return success();
}

void et::populateProductPatterns(RewritePatternSet &patterns,
                                 const VectorRegisters &registers) {
  patterns.add<VectorPattern<GroupedMatmulOp>>(patterns.getContext(), registers,
                                               lowerGroupedMatmul);
}
