//===- Products.cpp - Grouped products over panels of weights -------------===//
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

#include "PanelKernel.h"
#include "Patterns.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

/// Rows of a task: few enough that they stay in a second-level cache while
/// panels pass by, as many as that allows.
static constexpr int64_t kMaxTaskRows = 384, kFullTaskRows = 128;
static constexpr int64_t kTaskRowBytes = 1 << 20;
/// Tasks wanted for each thread, so that the last ones to finish are short.
static constexpr int64_t kTasksPerThread = 4;
/// Packed weights of a task, so that taking one costs little beside it.
static constexpr int64_t kTaskWeightBytes = 256 << 10;
/// Columns that are copied together from weights in rows for matrix registers:
/// long pieces of a row.
static constexpr int64_t kCopiedColumns = 128;

/// An expert's rows up to which packed weights are not worth matrix registers.
static constexpr int64_t kFewPackedRows = 2;

namespace {
/// One product being lowered: sizes as values, and the steps of the lowering.
class ProductLowering {
public:
  /// `kernel` serves most tasks, `fewRows` those of experts with at most its
  /// tile's rows, if there are matrix registers. A panel has `panelColumns`.
  ProductLowering(GroupedMatmulOp op, VectorBuilder &b, PanelKernel kernel,
                  PanelKernel fewRows, int64_t panelColumns)
      : op(op), b(b), module(op->getParentOfType<ModuleOp>()), kernel(kernel),
        fewRows(fewRows), panelColumns(panelColumns),
        experts(b.dim(op.getRhs(), 0)), depth(b.dim(op.getLhs(), 1)),
        columns(b.dim(op.getOut(), 1)),
        panels(b.ceilDiv(columns, b.index(panelColumns))), lhs(op.getLhs()),
        tokens(op.getTokens()), paddedDepth(roundUp(depth, depthStep())) {}

  void lower();

private:
  /// The parts of a task: its expert, its rows and its columns, which may end
  /// past the last one.
  struct Task {
    Value expert, firstRow, lastRow, firstColumn, lastColumn;
  };
  /// Whether weights are never copied: packed, and not widened to f32 for an
  /// expert of many rows.
  bool readsPacked() {
    return op.getPanels() && (!op.getScales() || kernel.way == Multiply::Pairs);
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
  /// The task in vector registers: reads the weights where they are if they are
  /// packed or used once, else through a contiguous f32 copy.
  void emitVectorTask(PanelKernel kernel, const Task &task, const Task &next,
                      Value hasNext, PanelOperands operands, Value scratch);
  void emitColumns(PanelKernel kernel, const Task &task, const Task &next,
                   Value hasNext, PanelOperands operands, Value scratch);
  /// Weights of f8E4M3FN times their scales, as `kernel` wants a copy.
  void emitScaledCopy(Value weights, const Task &task, Value scales, Value copy,
                      bool whole);
  /// `width` columns of an expert's weights from `column` on.
  Value panelAt(Value weights, Value expert, Value column, int64_t width);
  /// Row or matrix `expert` of a [E, ...] memref.
  Value sliceOf(Value memref, Value expert);
  /// The rows of the left side, one after the other, as many as there are
  /// pairs, padded for matrix registers; null if they are as good where they
  /// are.
  Value gatherRows();
  /// Asks the operating system for the matrix registers.
  void useMatrices();

  Value roundUp(Value value, int64_t multiple) {
    return b.mul(b.ceilDiv(value, b.index(multiple)), b.index(multiple));
  }
  unsigned bitsOf(Value memref) {
    return cast<MemRefType>(memref.getType()).getElementTypeBitWidth();
  }
  /// What a thread's scratch holds: sums, copies of panels, and rows that are
  /// widened or copied, as wide as a block of K.
  Value sumBytes();
  Value copyBytes();
  int64_t rowBlockWidth(const PanelKernel &kernel);
  int64_t rowBlockBytes(const PanelKernel &kernel);
  Value viewScratch(Value scratch, Value offset, ArrayRef<int64_t> shape,
                    ValueRange sizes, Type element);
  Value callRuntime(StringRef name);

  GroupedMatmulOp op;
  VectorBuilder &b;
  ModuleOp module;
  PanelKernel kernel, fewRows;
  int64_t panelColumns;
  Value experts, depth, columns, panels;
  Value threads, taskRows, rowBlocks, taskPanels, panelGroups, tasks;
  Value lhs, tokens, paddedDepth;
};
} // namespace

std::pair<Value, Value> ProductLowering::rowsOf(Value expert) {
  if (!op.getOffsets())
    return {b.index(0), b.dim(op.getOut(), 0)};
  // Pairs that out has no row for are left out.
  Value rows = b.dim(op.getOut(), 0);
  auto offset = [&](Value expert) -> Value {
    Value pair = b.toIndex(b.load(op.getOffsets(), expert));
    return arith::MinUIOp::create(b, pair, rows);
  };
  return {offset(expert), offset(b.add(expert, b.index(1)))};
}

Value ProductLowering::mostRows() {
  return b.loop(b.index(0), experts, b.index(0),
                [&](Value expert, ValueRange most) -> LoopBuilder::Values {
                  auto [first, last] = rowsOf(expert);
                  return {b.max(most[0], b.sub(last, first))};
                })[0];
}

Value ProductLowering::rowsOfTask(Value rows) {
  int64_t bits = bitsOf(op.getLhs());
  Value bytes = b.max(b.mul(depth, b.index(bits / 8)), b.index(1));
  Value most = b.div(b.index(kTaskRowBytes), bytes);
  most = b.max(b.min(most, b.index(kMaxTaskRows)), b.index(kFullTaskRows));
  Value wanted = b.ceilDiv(b.mul(threads, b.index(kTasksPerThread)),
                           b.max(b.mul(experts, panels), b.index(1)));
  Value blocks = b.max(wanted, b.ceilDiv(rows, most));
  return b.max(roundUp(b.ceilDiv(rows, blocks), kernel.tile.rows),
               b.index(kernel.tile.rows));
}

Value ProductLowering::panelsOfTask() {
  if (!readsPacked())
    return b.index(1);
  int64_t bits = bitsOf(op.getRhs()) * kernel.tile.products;
  Value bytes = b.mul(depth, b.index(panelColumns * bits / 8));
  Value some = b.div(b.index(kTaskWeightBytes), b.max(bytes, b.index(1)));
  Value fair = b.div(b.mul(b.mul(experts, rowBlocks), panels),
                     b.mul(threads, b.index(kTasksPerThread)));
  return b.max(b.min(some, fair), b.index(1));
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
  taskPanels = panelsOfTask();
  panelGroups = b.ceilDiv(panels, taskPanels);
  tasks = b.mul(b.mul(experts, rowBlocks), panelGroups);

  Value gathered;
  if (usesMatrices()) {
    useMatrices();
    gathered = gatherRows();
  }
  int64_t rowBytes = std::max(rowBlockBytes(kernel), rowBlockBytes(fewRows));
  Value copies = b.mul(copyBytes(), b.index(kernel.tile.products));
  Value threadBytes =
      roundUp(b.add(b.add(sumBytes(), copies), b.index(rowBytes)), kCacheLine);
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
  bool isPadded = !ShapedType::isDynamic(width) && width % depthStep() == 0;
  if (!tokens && isPadded)
    return {};
  // The list of tokens may be longer than there are pairs.
  Value rows = b.dim(op.getOut(), 0);
  if (op.getOffsets())
    rows = arith::MinUIOp::create(b, rows,
                                  b.toIndex(b.load(op.getOffsets(), experts)));
  auto type = MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                              lhsType.getElementType());
  Value copy = memref::AllocOp::create(b, type, ValueRange{rows, paddedDepth},
                                       b.getI64IntegerAttr(kCacheLine));
  b.parallel(rows, [&](ValueRange row) {
    Value from = tokens ? b.toIndex(b.load(tokens, row)) : row[0];
    emitRowCopy(b, lhs, from, b.index(0), copy, row[0]);
  });
  lhs = copy;
  tokens = {};
  return copy;
}

ProductLowering::Task ProductLowering::taskAt(Value index) {
  Value group = arith::RemUIOp::create(b, index, panelGroups);
  Value block = b.div(index, panelGroups);
  Value rowBlock = arith::RemUIOp::create(b, block, rowBlocks);
  Value expert = b.div(block, rowBlocks);
  auto [begin, end] = rowsOf(expert);
  Value first = b.add(begin, b.mul(rowBlock, taskRows));
  Value width = b.mul(taskPanels, b.index(panelColumns));
  Value firstColumn = b.mul(group, width);
  return {expert, first, b.min(b.add(first, taskRows), end), firstColumn,
          b.add(firstColumn, width)};
}

void ProductLowering::emitTask(Value index, Value scratch) {
  Task task = taskAt(index);
  b.when(b.cmp(CmpIPredicate::ult, task.firstRow, task.lastRow), [&] {
    // Threads take turns, so a thread's next task is likely to be as far away
    // as there are threads.
    Value last = b.sub(tasks, b.index(1)), following = b.add(index, threads);
    Value exists = b.cmp(CmpIPredicate::ule, following, last);
    Task next = taskAt(b.min(following, last));
    Value hasNext =
        b.both(exists, b.cmp(CmpIPredicate::ult, next.firstRow, next.lastRow));

    PanelOperands operands;
    operands.lhs = op.getLhs();
    operands.tokens = op.getTokens();
    operands.out = op.getOut();
    operands.begin = task.firstRow;
    operands.end = task.lastRow;
    if (op.getScales())
      operands.scales = sliceOf(op.getScales(), task.expert);
    if (op.getGateScales())
      operands.gateScales = sliceOf(op.getGateScales(), task.expert);
    if (op.getBias())
      operands.bias = sliceOf(op.getBias(), task.expert);
    if (op.getGateBias())
      operands.gateBias = sliceOf(op.getGateBias(), task.expert);
    if (!usesMatrices())
      return emitVectorTask(kernel, task, next, hasNext, operands, scratch);

    // The sums of matrix registers differ in the last bits from those of vector
    // registers. How many rows the expert has decides which are used: that is
    // the same for any number of threads.
    auto [begin, end] = rowsOf(task.expert);
    Value few = b.cmp(CmpIPredicate::ule, b.sub(end, begin),
                      b.index(fewRows.tile.rows));
    auto branch = scf::IfOp::create(b, few, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    emitVectorTask(fewRows, task, next, hasNext, operands, scratch);
    b.setInsertionPoint(branch.elseYield());
    operands.lhs = lhs;
    operands.tokens = tokens;
    emitColumns(kernel, task, next, hasNext, operands, scratch);
  });
}

void ProductLowering::emitVectorTask(PanelKernel kernel, const Task &task,
                                     const Task &next, Value hasNext,
                                     PanelOperands operands, Value scratch) {
  if (readsPacked())
    return emitColumns(kernel, task, next, hasNext, operands, scratch);
  // Scales multiply sums in the one way and weights in the other. So the
  // expert's rows decide, and not those of a task, which depend on the threads.
  auto [begin, end] = op.getScales() ? rowsOf(task.expert)
                                     : std::pair(task.firstRow, task.lastRow);
  Value once =
      b.cmp(CmpIPredicate::ule, b.sub(end, begin), b.index(kernel.tile.rows));
  if (!kernel.wholeColumns && !op.getPanels())
    once = b.both(once, b.cmp(CmpIPredicate::ule, task.lastColumn, columns));
  auto branch = scf::IfOp::create(b, once, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  emitColumns(kernel, task, next, hasNext, operands, scratch);
  b.setInsertionPoint(branch.elseYield());
  kernel.copied = true;
  kernel.readsAhead = false;
  emitColumns(kernel, task, next, hasNext, operands, scratch);
}

void ProductLowering::emitColumns(PanelKernel kernel, const Task &task,
                                  const Task &next, Value hasNext,
                                  PanelOperands operands, Value scratch) {
  const TileShape &shape = kernel.tile;
  int64_t width = shape.columns();
  operands.sums = viewScratch(
      scratch, b.index(0), {ShapedType::kDynamic, shape.products * width},
      b.max(taskRows, b.index(shape.rows)), b.getF32Type());
  if (rowBlockBytes(kernel)) {
    Value at = b.add(sumBytes(), b.mul(copyBytes(), b.index(shape.products)));
    bool isCopy = kernel.way == Multiply::Matrices;
    operands.rowBlock =
        viewScratch(scratch, at, {shape.rows, rowBlockWidth(kernel)}, {},
                    isCopy ? Type(b.getBF16Type()) : b.getF32Type());
  }
  SmallVector<Value, 2> weights = {op.getRhs()}, copies;
  if (op.getGate())
    weights.push_back(op.getGate());
  if (kernel.copied) {
    bool inPairs = kernel.interleave == 2;
    Value rows = inPairs ? b.div(paddedDepth, b.index(2)) : depth;
    Type element = inPairs ? Type(b.getBF16Type()) : b.getF32Type();
    for (auto [index, matrix] : llvm::enumerate(weights)) {
      Value at = b.add(sumBytes(), b.mul(copyBytes(), b.index(index)));
      Value copy = viewScratch(
          scratch, at, {ShapedType::kDynamic, panelColumns * kernel.interleave},
          rows, element);
      int64_t n = cast<MemRefType>(op.getOut().getType()).getShape()[1];
      bool whole = !ShapedType::isDynamic(n) && n % panelColumns == 0;
      if (op.getScales()) {
        Value scales = index ? operands.gateScales : operands.scales;
        emitScaledCopy(matrix, task, scales, copy, whole);
      } else {
        emitPanelCopy(b, module, sliceOf(matrix, task.expert), task.firstColumn,
                      copy, whole, inPairs);
      }
      copies.push_back(copy);
    }
  }

  if (kernel.copied)
    operands.scales = operands.gateScales = {};
  Value last = b.min(task.lastColumn, columns);
  b.stepLoop(task.firstColumn, last, width, [&](Value column) {
    PanelOperands inside = operands;
    inside.column = column;
    Value nextExpert = next.expert, nextColumn = next.firstColumn;
    Value within = b.sub(column, task.firstColumn);
    if (kernel.copied) {
      // Every part of the columns asks for its own part of the next ones.
      nextColumn = b.add(nextColumn, within);
      inside.hasNext = hasNext;
    } else {
      Value following = b.add(column, b.index(width));
      Value isInside = b.cmp(CmpIPredicate::ult, following, last);
      nextExpert = b.select(isInside, task.expert, nextExpert);
      nextColumn = b.select(isInside, following, nextColumn);
      inside.hasNext = b.either(isInside, hasNext);
    }
    SmallVector<Value> panels, nextPanels;
    for (auto [index, matrix] : llvm::enumerate(weights)) {
      nextPanels.push_back(panelAt(matrix, nextExpert, nextColumn, width));
      if (!kernel.copied) {
        panels.push_back(panelAt(matrix, task.expert, column, width));
        continue;
      }
      SmallVector<OpFoldResult> offsets = {
          b.getIndexAttr(0), b.mul(within, b.index(kernel.interleave))};
      SmallVector<OpFoldResult> sizes = {
          b.dim(copies[index], 0), b.getIndexAttr(width * kernel.interleave)};
      SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
      panels.push_back(
          memref::SubViewOp::create(b, copies[index], offsets, sizes, strides));
    }
    inside.panel = panels.front();
    inside.nextPanel = nextPanels.front();
    if (op.getGate()) {
      inside.gatePanel = panels.back();
      inside.nextGate = nextPanels.back();
    }
    kernel.call(b, module, inside);
  });
}

void ProductLowering::emitScaledCopy(Value weights, const Task &task,
                                     Value scales, Value copy, bool whole) {
  Value from = task.firstColumn;
  if (op.getPanels()) {
    weights = panelAt(weights, task.expert, from, panelColumns);
    from = b.index(0);
    whole = true;
  } else {
    weights = sliceOf(weights, task.expert);
  }
  kernel.scaled.emitCopy(b, module, weights, from, scales, task.firstColumn,
                         copy, whole);
}

Value ProductLowering::panelAt(Value weights, Value expert, Value column,
                               int64_t width) {
  auto type = cast<MemRefType>(weights.getType());
  SmallVector<OpFoldResult> offsets = {expert, b.getIndexAttr(0), column};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), b.dim(weights, 1),
                                     b.getIndexAttr(width)};
  if (std::optional<PanelsAttr> panels = op.getPanels()) {
    int64_t interleave = panels->getInterleave();
    Value panelWidth = b.index(panelColumns);
    Value within = arith::RemUIOp::create(b, column, panelWidth);
    width *= interleave;
    offsets = {expert, b.div(column, panelWidth), b.getIndexAttr(0),
               b.mul(within, b.index(interleave))};
    sizes = {b.getIndexAttr(1), b.getIndexAttr(1), b.dim(weights, 2),
             b.getIndexAttr(width)};
  }
  SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
  auto panelType = memref::SubViewOp::inferRankReducedResultType(
      {ShapedType::kDynamic, width}, type, offsets, sizes, strides);
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

Value ProductLowering::viewScratch(Value scratch, Value offset,
                                   ArrayRef<int64_t> shape, ValueRange sizes,
                                   Type element) {
  return memref::ViewOp::create(b, MemRefType::get(shape, element), scratch,
                                offset, sizes);
}

Value ProductLowering::sumBytes() {
  auto bytes = [&](Value rows, const TileShape &tile) {
    int64_t width = tile.products * tile.columns() * 4;
    return b.mul(b.max(rows, b.index(tile.rows)), b.index(width));
  };
  return b.max(bytes(taskRows, kernel.tile), bytes(taskRows, fewRows.tile));
}

Value ProductLowering::copyBytes() {
  if (readsPacked())
    return b.index(0);
  return b.mul(paddedDepth, b.index(panelColumns * 4));
}

int64_t ProductLowering::rowBlockWidth(const PanelKernel &kernel) {
  // Copies of panels may be wider than the weights, and their blocks shorter.
  int64_t rows = kernel.blockRows(bitsOf(op.getRhs()));
  if (op.getScales())
    rows = std::max(rows, kernel.blockRows(/*bits=*/32));
  return llvm::alignTo(rows * kernel.interleave, kMatrixDepth);
}

int64_t ProductLowering::rowBlockBytes(const PanelKernel &kernel) {
  bool isCopy = kernel.way == Multiply::Matrices;
  if (!isCopy && (kernel.way == Multiply::Pairs || bitsOf(op.getLhs()) == 32))
    return 0;
  return kernel.tile.rows * rowBlockWidth(kernel) * (isCopy ? 2 : 4);
}

static LogicalResult lowerGroupedMatmul(GroupedMatmulOp op, VectorBuilder &b,
                                        const VectorTarget &target) {
  // Views of nothing have no valid offset.
  ArrayRef<int64_t> sizes = cast<MemRefType>(op.getRhs().getType()).getShape();
  if (op.getMask() || llvm::is_contained(sizes, 0))
    return failure();
  if (op.getScales() && target.lanes > kScaleBlock)
    return failure();
  int64_t depth = cast<MemRefType>(op.getLhs().getType()).getShape()[1];
  int64_t columns = cast<MemRefType>(op.getOut().getType()).getShape()[1];
  int64_t products = op.getGate() ? 2 : 1;
  bool isBF16 = getElementTypeOrSelf(op.getLhs().getType()).isBF16();
  TileShape tile =
      TileShape::choose(target.lanes, target.registers, columns, products);
  TileShape matrixTile = TileShape::chooseMatrix(columns, products);
  bool usesMatrices = target.matrices && isBF16 && !op.getScales();
  if (op.getScales())
    tile = tile.withOneScale(kScaleBlock);
  int64_t panelColumns = tile.columns(), interleave = 1;
  if (std::optional<PanelsAttr> panels = op.getPanels()) {
    panelColumns = panels->getColumns();
    interleave = panels->getInterleave();
    if (panelColumns % target.lanes || interleave > 2 ||
        (interleave == 2 && !isBF16))
      return failure();
    tile = op.getScales() ? tile.withOneScale(panelColumns)
                          : tile.within(panelColumns);
    if (op.getScales() && interleave == 2 &&
        !target.hasScaledPairs(tile.columns()))
      return failure();
    usesMatrices &= interleave == 2 && panelColumns % matrixTile.lanes == 0 &&
                    panels->getStep() % kMatrixDepth == 0;
    if (usesMatrices) {
      matrixTile = matrixTile.within(panelColumns);
      tile.rows = std::min(tile.rows, kFewPackedRows);
    }
  } else if (usesMatrices) {
    panelColumns = std::max(kCopiedColumns / products, tile.columns());
    if (!ShapedType::isDynamic(columns))
      panelColumns = std::min<int64_t>(panelColumns,
                                       llvm::alignTo(columns, tile.columns()));
  }

  auto isWhole = [](int64_t size, int64_t part) {
    return !ShapedType::isDynamic(size) && size % part == 0;
  };
  auto kernelOf = [&](const TileShape &shape, Multiply way,
                      int64_t interleave) -> PanelKernel {
    return {shape,
            op.getActivation(),
            isWhole(columns, shape.columns()),
            way,
            interleave,
            isWhole(depth, kMatrixDepth),
            target.firstLevelBytes,
            target.readsAhead && op.getPanels() &&
                shape.columns() == panelColumns,
            /*copied=*/false,
            ScaledWeights{target.byteTables}};
  };
  bool usesPairs = interleave == 2 && target.pairs;
  PanelKernel vectors = kernelOf(
      tile, usesPairs ? Multiply::Pairs : Multiply::Widened, interleave);
  PanelKernel most = vectors;
  if (usesMatrices) {
    most = kernelOf(matrixTile, Multiply::Matrices, 2);
    most.copied = !op.getPanels();
  }
  ProductLowering(op, b, most, vectors, panelColumns).lower();
  return success();
}

void et::populateProductPatterns(RewritePatternSet &patterns,
                                 const VectorTarget &target) {
  patterns.add<VectorPattern<GroupedMatmulOp>>(patterns.getContext(), target,
                                               lowerGroupedMatmul);
}
