//===- AppendRoutingStats.cpp - Statistics as results ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::et {
#define GEN_PASS_DEF_APPENDROUTINGSTATS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

//===----------------------------------------------------------------------===//
// Gates
//===----------------------------------------------------------------------===//

/// The ops that select pairs.
static SmallVector<Operation *> findGates(func::FuncOp function) {
  SmallVector<Operation *> gates;
  function.walk([&](Operation *op) {
    if (isa<GateOp, RouteOp>(op))
      gates.push_back(op);
  });
  return gates;
}

/// What has a gate's T rows, and what its E columns.
static std::pair<Value, Value> getSized(Operation *gate) {
  if (auto route = dyn_cast<RouteOp>(gate))
    return {route.getX(), route.getRouter()};
  Value scores = cast<GateOp>(gate).getScores();
  return {scores, scores};
}

static OpFoldResult addOne(OpBuilder &builder, Location loc,
                           OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return builder.getIndexAttr(*constant + 1);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  return arith::AddIOp::create(builder, loc, cast<Value>(size), one)
      .getResult();
}

/// The gate's loads and fan-out, right behind it.
static SmallVector<Value> addStatistics(Operation *gate, OpBuilder &builder) {
  Location loc = gate->getLoc();
  builder.setInsertionPointAfter(gate);
  auto [rows, columns] = getSized(gate);
  OpFoldResult tokens = tensor::getMixedSize(builder, loc, rows, /*dim=*/0);
  OpFoldResult experts = tensor::getMixedSize(builder, loc, columns, /*dim=*/1);
  OpFoldResult fanOuts = addOne(builder, loc, experts);
  Type i32 = builder.getI32Type(), f32 = builder.getF32Type();
  Value tokenCount = getValueOrCreateConstantIndexOp(builder, loc, tokens);
  Value loads = tensor::EmptyOp::create(builder, loc, experts, i32);
  Value fanOut = tensor::EmptyOp::create(builder, loc, fanOuts, i32);
  Value figures = tensor::EmptyOp::create(
      builder, loc, ArrayRef<OpFoldResult>{builder.getIndexAttr(4)}, f32);
  SmallVector<Type> types = {loads.getType(), fanOut.getType(),
                             figures.getType()};
  auto stats = RoutingStatsOp::create(builder, loc, types, gate->getResult(0),
                                      tokenCount, loads, fanOut, figures);
  return {stats->getResult(0), stats->getResult(1)};
}

//===----------------------------------------------------------------------===//
// Sums over the runs of loops and branches
//===----------------------------------------------------------------------===//

/// Counts of one run fit in 32 bits, those of many need 64.
static Value makeZeros(OpBuilder &builder, Location loc, Value counts) {
  auto type = cast<RankedTensorType>(counts.getType());
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type.clone(builder.getI64Type()), int64_t(0)));
}

static Value addCounts(OpBuilder &builder, Location loc, Value counts,
                       Value sum) {
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(1));
  utils::IteratorType iterators[] = {utils::IteratorType::parallel};
  auto add = [](OpBuilder &nested, Location nestedLoc, ValueRange values) {
    Value count = values[0];
    if (count.getType() != values[1].getType())
      count =
          arith::ExtSIOp::create(nested, nestedLoc, values[1].getType(), count);
    linalg::YieldOp::create(
        nested, nestedLoc,
        arith::AddIOp::create(nested, nestedLoc, values[1], count).getResult());
  };
  return linalg::GenericOp::create(builder, loc, sum.getType(), counts, sum,
                                   maps, iterators, add)
      .getResult(0);
}

static SmallVector<Value> makeZeros(OpBuilder &builder, Location loc,
                                    ArrayRef<Value> counts) {
  return llvm::map_to_vector(
      counts, [&](Value each) { return makeZeros(builder, loc, each); });
}

static SmallVector<Value> addCounts(OpBuilder &builder, Location loc,
                                    ArrayRef<Value> counts, ValueRange sums) {
  SmallVector<Value> added;
  for (auto [each, sum] : llvm::zip_equal(counts, sums))
    added.push_back(addCounts(builder, loc, each, sum));
  return added;
}

/// Appends the counts to what the block gives to its successor, added to
/// `sums`.
static void yieldCounts(OpBuilder &builder, Block *block,
                        ArrayRef<Value> counts, ValueRange sums) {
  Operation *terminator = block->getTerminator();
  builder.setInsertionPoint(terminator);
  terminator->insertOperands(
      terminator->getNumOperands(),
      addCounts(builder, terminator->getLoc(), counts, sums));
}

/// `op` again, with results for the sums besides, before it. Its regions are
/// still empty.
static Operation *extendOp(OpBuilder &builder, Operation *op,
                           ArrayRef<Value> inits, ArrayRef<Value> sums) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(op->getOperands());
  state.addOperands(inits);
  state.addTypes(op->getResultTypes());
  state.addTypes(TypeRange(ValueRange(sums)));
  state.addAttributes(op->getAttrs());
  for (unsigned i = 0; i < op->getNumRegions(); ++i)
    state.addRegion();
  return builder.create(state);
}

/// Makes sums over the iterations, or of the branch if it is taken, the last
/// results of the op that `counts` of one run are computed in. Nothing if there
/// is no way.
static std::optional<SmallVector<Value>>
sumOverRuns(Operation *op, Region *region, ArrayRef<Value> counts) {
  if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
    return std::nullopt;
  OpBuilder builder(op);
  Location loc = op->getLoc();
  SmallVector<Value> zeros = makeZeros(builder, loc, counts);
  bool isLoop = !isa<scf::IfOp>(op);
  Operation *extended = extendOp(
      builder, op, isLoop ? ArrayRef<Value>(zeros) : ArrayRef<Value>(), zeros);
  for (auto [from, to] :
       llvm::zip_equal(op->getRegions(), extended->getRegions()))
    to.takeBody(from);
  Region *counted = &extended->getRegion(region->getRegionNumber());
  for (Region &part : extended->getRegions()) {
    if (part.empty()) {
      builder.createBlock(&part);
      scf::YieldOp::create(builder, loc);
    }
    Block &block = part.front();
    ValueRange sums = zeros;
    if (isLoop) {
      for (Value zero : zeros)
        block.addArgument(zero.getType(), loc);
      sums = ValueRange(block.getArguments()).take_back(zeros.size());
    }
    if (&part == counted) {
      yieldCounts(builder, &block, counts, sums);
      continue;
    }
    Operation *terminator = block.getTerminator();
    terminator->insertOperands(terminator->getNumOperands(), sums);
  }
  unsigned own = op->getNumResults();
  op->replaceAllUsesWith(extended->getResults().take_front(own));
  op->erase();
  return llvm::to_vector_of<Value>(extended->getResults().drop_front(own));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct AppendRoutingStats
    : et::impl::AppendRoutingStatsBase<AppendRoutingStats> {
  using AppendRoutingStatsBase::AppendRoutingStatsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>(entry);
    if (!function || function.isDeclaration()) {
      module.emitError("no function '") << entry << "' with a body";
      return signalPassFailure();
    }
    if (!SymbolTable::symbolKnownUseEmpty(function, module)) {
      function.emitError("'")
          << entry << "' has callers, which expect its results";
      return signalPassFailure();
    }
    if (failed(verifyCallees(function)))
      return signalPassFailure();
    SmallVector<Operation *> gates = findGates(function);
    if (gates.empty()) {
      function.emitError("'")
          << entry
          << "' selects no experts: it has no et.gate on tensors, which each "
             "et.moe has when it is decomposed";
      return signalPassFailure();
    }
    for (Operation *gate : gates)
      if (failed(append(function, gate)))
        return signalPassFailure();
  }

private:
  InFlightDiagnostic refuse(Operation *gate, const Twine &why) {
    return gate->emitOpError("is not counted: ") << why;
  }

  /// Calls were inlined before, as far as they can be.
  LogicalResult verifyCallees(func::FuncOp function) {
    llvm::SetVector<Operation *> called;
    called.insert(function);
    for (unsigned i = 0; i < called.size(); ++i)
      called[i]->walk([&](func::CallOp call) {
        auto callee =
            getOperation().lookupSymbol<func::FuncOp>(call.getCallee());
        if (callee)
          called.insert(callee);
      });
    for (Operation *callee : llvm::drop_begin(called)) {
      SmallVector<Operation *> gates = findGates(cast<func::FuncOp>(callee));
      if (!gates.empty())
        return refuse(gates.front(),
                      "it is in '" + cast<func::FuncOp>(callee).getName() +
                          "', which is called; inline the call first");
    }
    return success();
  }

  LogicalResult append(func::FuncOp function, Operation *op) {
    if (op->getNumResults() == 0)
      return refuse(op, "it works on memory, and only gates on tensors are");
    if (!function.getBody().hasOneBlock())
      return refuse(op, "its function has branches between blocks; write them "
                        "as scf.if and scf.while");
    OpBuilder builder(op);
    SmallVector<Value> counts = addStatistics(op, builder);
    Region *region = op->getParentRegion();
    bool isNested = region != &function.getBody();
    if (isNested && llvm::any_of(counts, [](Value each) {
          return !cast<ShapedType>(each.getType()).hasStaticShape();
        }))
      return refuse(op, "the number of experts must be known outside of the "
                        "loop or branch that it is in; give it a static size");
    while (region != &function.getBody()) {
      Operation *parent = region->getParentOp();
      Region *outer = parent->getParentRegion();
      StringRef name = parent->getName().getStringRef();
      auto sums = sumOverRuns(parent, region, counts);
      if (!sums)
        return refuse(op, "it is in '" + name +
                              "'; gates in scf.for, scf.if and scf.while are");
      counts = std::move(*sums);
      region = outer;
    }
    static constexpr StringLiteral roles[] = {"routing.loads",
                                              "routing.fan_out"};
    for (auto [value, role] : llvm::zip_equal(counts, roles)) {
      unsigned index = function.getNumResults();
      auto attributes = builder.getDictionaryAttr(
          builder.getNamedAttr("et.role", builder.getStringAttr(role)));
      (void)function.insertResult(index, value.getType(), attributes);
    }
    cast<func::ReturnOp>(function.getBody().front().getTerminator())
        .getOperandsMutable()
        .append(counts);
    return success();
  }
};
} // namespace
