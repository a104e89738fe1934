//===- ProductLowering.cpp - The tasks of a grouped product ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductLowering.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

/// Rows of a task: few enough that they stay in the second-level cache while
/// panels pass by, as many as that allows.
static constexpr int64_t kMaxTaskRows = 384, kFullTaskRows = 64;
static constexpr int64_t kMaxTaskRowBytes = 1 << 20;
/// Columns that are worth a copy of rows which could be read where they are: at
/// 10 GB/s and 90 GFLOP/s, it takes the time of some 40 of them.
static constexpr int64_t kColumnsOfCopy = 256;
/// Tokens that such a copy may have for each pair.
static constexpr int64_t kTokensAPair = 2;
/// Tasks wanted for each thread, so that the last ones to finish are short.
static constexpr int64_t kTasksPerThread = 4;
/// Packed weights of a task, so that taking one costs little beside it.
static constexpr int64_t kTaskWeightBytes = 256 << 10;

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
  int64_t bits = widensRows() ? 32 : bitsOf(op.getLhs());
  Value bytes = b.max(b.mul(depth, b.index(bits / 8)), b.index(1));
  int64_t cache = std::min(secondLevelBytes, kMaxTaskRowBytes);
  Value most = b.div(b.index(cache), bytes);
  most = b.max(b.min(most, b.index(kMaxTaskRows)), b.index(kFullTaskRows));
  Value wanted = b.ceilDiv(b.mul(threads, b.index(kTasksPerThread)),
                           b.max(b.mul(experts, panels), b.index(1)));
  Value blocks = b.max(wanted, b.ceilDiv(rows, most));
  return b.max(roundUp(b.ceilDiv(rows, blocks), kernel.tile.rows),
               b.index(kernel.tile.rows));
}

Value ProductLowering::panelsOfTask() {
  if (!op.getPanels())
    return b.index(1);
  int64_t bits = bitsOf(op.getRhs()) * kernel.tile.products;
  Value bytes = b.mul(depth, b.index(panelColumns * bits / 8));
  Value some = b.div(b.index(kTaskWeightBytes), b.max(bytes, b.index(1)));
  Value fair = b.div(b.mul(b.mul(experts, rowBlocks), panels),
                     b.mul(threads, b.index(kTasksPerThread)));
  return b.max(b.min(some, fair), b.index(1));
}

LLVM::CallOp ProductLowering::callRuntime(StringRef name, Type result) {
  // An LLVM function, as these take no part in our conventions for calls.
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    function = LLVM::LLVMFuncOp::create(
        b, name, LLVM::LLVMFunctionType::get(result, {}));
  }
  return LLVM::CallOp::create(b, function, ValueRange());
}

Value ProductLowering::askOpenMP(StringRef name) {
  return b.toIndex(callRuntime(name, b.getI32Type()).getResult());
}

void ProductLowering::lower() {
  threads = askOpenMP("omp_get_max_threads");
  Value most = mostRows();
  taskRows = rowsOfTask(most);
  rowBlocks = b.ceilDiv(most, taskRows);
  taskPanels = panelsOfTask();
  panelGroups = b.ceilDiv(panels, taskPanels);
  tasks = b.mul(b.mul(experts, rowBlocks), panelGroups);

  // The operating system grants matrix registers on request.
  if (usesMatrices())
    callRuntime("et_use_matrices", LLVM::LLVMVoidType::get(b.getContext()));
  Value rowCopy = copyRows(most);
  Value copies = b.mul(copyBytes(), b.index(kernel.tile.products));
  Value rows = b.index(kernel.tile.rows * rowBlockWidth() * 2);
  Value threadBytes =
      roundUp(b.add(b.add(sumBytes(), copies), rows), kCacheLine);
  auto scratchType = MemRefType::get(ShapedType::kDynamic, b.getI8Type());
  // The number of tasks taken has a line of its own behind the threads' parts.
  Value allBytes = b.mul(threads, threadBytes);
  Value scratch = memref::AllocOp::create(b, scratchType,
                                          b.add(allBytes, b.index(kCacheLine)),
                                          b.getI64IntegerAttr(kCacheLine));
  Value taken = viewScratch(scratch, allBytes, {1}, {}, b.getI64Type());
  auto i64 = [&](int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  b.store(i64(0), taken, b.index(0));

  auto parallel = omp::ParallelOp::create(b);
  {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&parallel.getRegion());
    Value mine = memref::ViewOp::create(
        b, scratchType, scratch,
        b.mul(askOpenMP("omp_get_thread_num"), threadBytes), threadBytes);
    // Most tasks of a small call are empty. Of OpenMP's dynamic schedule each
    // would be a call of its runtime, which takes a microsecond in some builds.
    auto loop = scf::WhileOp::create(b, b.getIndexType(), ValueRange());
    omp::TerminatorOp::create(b);
    b.createBlock(&loop.getBefore());
    Value index = memref::AtomicRMWOp::create(
        b, arith::AtomicRMWKind::addi, i64(1), taken, ValueRange{b.index(0)});
    index = b.toIndex(index);
    scf::ConditionOp::create(b, b.cmp(CmpIPredicate::ult, index, tasks), index);
    Block *body =
        b.createBlock(&loop.getAfter(), {}, b.getIndexType(), b.getLoc());
    emitTask(body->getArgument(0), mine);
    scf::YieldOp::create(b);
  }
  memref::DeallocOp::create(b, scratch);
  if (rowCopy)
    memref::DeallocOp::create(b, rowCopy);
}

bool ProductLowering::mayCollide() {
  auto outType = cast<MemRefType>(op.getOut().getType());
  return bitsOf(op.getLhs()) == 32 &&
         rowsCollide(cast<MemRefType>(op.getLhs().getType())) &&
         outType.getShape()[1] >= kColumnsOfCopy;
}

Value ProductLowering::copyRows(Value most) {
  bool isPadded = b.isWhole(lhs, depthStep());
  if (!widensRows() && !mayCollide() &&
      (!usesMatrices() || (!tokens && isPadded)))
    return {};
  // The list of tokens may be longer than there are pairs.
  Value pairs = b.dim(op.getOut(), 0);
  if (op.getOffsets())
    pairs = arith::MinUIOp::create(b, pairs,
                                   b.toIndex(b.load(op.getOffsets(), experts)));
  if (usesMatrices()) {
    lhs = emitPaddedRows(b, lhs, tokens, pairs, paddedDepth);
    tokens = {};
    return lhs;
  }
  // A token is copied once, however many experts it has.
  Value rows = tokens ? b.dim(lhs, 0) : pairs;
  Value width = roundUp(depth, kernel.interleave);
  if (widensRows()) {
    Value copy = allocateF32Rows(b, rows, width);
    emitF32Rows(b, lhs, rows, width, kernel.wholeDepth, copy);
    lhs = viewRows(b, copy, b.index(0), rows, width);
    return copy;
  }
  // Rows drive out a panel that tiles after theirs would find in the cache; and
  // not many tokens should be copied that no expert takes.
  Value isReused = b.cmp(CmpIPredicate::ugt, most, b.index(kernel.tile.rows));
  Value areTaken =
      b.cmp(CmpIPredicate::ule, rows, b.mul(pairs, b.index(kTokensAPair)));
  Value pays = b.both(isReused, areTaken);
  rows = b.select(pays, rows, b.index(0));
  Value copy = allocateF32Rows(b, rows, width);
  b.when(pays,
         [&] { emitF32Rows(b, lhs, rows, width, kernel.wholeDepth, copy); });
  Value copied = viewRows(b, copy, b.index(0), rows, width);
  lhs = b.select(pays, b.generalize(copied), b.generalize(lhs));
  return copy;
}

ProductLowering::Task ProductLowering::taskAt(Value index) {
  // Row blocks of the same panels come one after the other: the panels are in a
  // cache then.
  Value rowBlock = arith::RemUIOp::create(b, index, rowBlocks);
  Value block = b.div(index, rowBlocks);
  Value group = arith::RemUIOp::create(b, block, panelGroups);
  Value expert = b.div(block, panelGroups);
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
    operands.lhs = lhs;
    operands.tokens = tokens;
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
    PanelOperands inPlace = operands;
    inPlace.lhs = op.getLhs();
    inPlace.tokens = op.getTokens();
    b.setInsertionPoint(branch.thenYield());
    emitVectorTask(fewRows, task, next, hasNext, inPlace, scratch);
    b.setInsertionPoint(branch.elseYield());
    emitColumns(kernel, task, next, hasNext, operands, scratch);
  });
}
