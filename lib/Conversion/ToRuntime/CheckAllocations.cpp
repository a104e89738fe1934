//===- CheckAllocations.cpp - Bytes that 64 bits cannot count -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/Utils/SizeUtils.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKALLOCATIONS
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// What the allocations of a block need that have the same dynamic sizes.
struct Demand {
  Operation *first;
  /// The one with the most bytes for each element of those sizes.
  Operation *largest;
  int64_t largestBytes;
};

class AllocationChecker {
public:
  explicit AllocationChecker(func::FuncOp function)
      : layout(DataLayout::closest(function)) {}

  LogicalResult visit(Operation *op) {
    if (isa<memref::AllocOp, memref::AllocaOp, gpu::AllocOp>(op))
      return visitAllocation(op);
    return success();
  }

  void emitChecks() {
    for (auto &[key, demand] : demands)
      emitCheck(key.second, demand);
  }

private:
  LogicalResult visitAllocation(Operation *op) {
    std::optional<int64_t> bytes = countStaticBytes(getType(op), layout);
    if (!bytes)
      return op->emitError("a buffer of ")
             << describe(op)
             << " would have more than 2^63 - 1 bytes; use smaller sizes";
    SmallVector<Value> sizes = getDynamicSizes(op);
    if (sizes.empty())
      return success();
    auto [place, isNew] =
        demands.insert({{op->getBlock(), sizes}, {op, op, *bytes}});
    Demand &demand = place->second;
    if (!isNew && *bytes > demand.largestBytes) {
      demand.largest = op;
      demand.largestBytes = *bytes;
    }
    return success();
  }

  static MemRefType getType(Operation *alloc) {
    return cast<MemRefType>(alloc->getResult(0).getType());
  }

  static SmallVector<Value> getDynamicSizes(Operation *alloc) {
    if (auto onDevice = dyn_cast<gpu::AllocOp>(alloc))
      return onDevice.getDynamicSizes();
    if (auto onStack = dyn_cast<memref::AllocaOp>(alloc))
      return onStack.getDynamicSizes();
    return cast<memref::AllocOp>(alloc).getDynamicSizes();
  }

  /// "f32[?x64]", as the runtime writes types.
  static std::string describe(Operation *alloc) {
    MemRefType type = getType(alloc);
    std::string text;
    llvm::raw_string_ostream os(text);
    os << type.getElementType() << '[';
    llvm::interleave(
        type.getShape(), os,
        [&](int64_t size) {
          ShapedType::isDynamic(size) ? os << '?' : os << size;
        },
        "x");
    os << ']';
    return text;
  }

  /// Each size is at most what the sizes before it leave of all bytes: read as
  /// an unsigned number, which a negative size is above.
  static void emitCheck(ArrayRef<Value> sizes, const Demand &demand) {
    ImplicitLocOpBuilder b(demand.largest->getLoc(), demand.first);
    Value most =
        arith::ConstantIndexOp::create(b, kMostBytes / demand.largestBytes);
    Value product, fits;
    for (Value size : sizes) {
      Value limit = most;
      if (product) {
        Value one = arith::ConstantIndexOp::create(b, 1);
        limit = arith::DivUIOp::create(b, most,
                                       arith::MaxUIOp::create(b, product, one));
      }
      Value fitsSize =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ule, size, limit);
      fits = fits ? arith::AndIOp::create(b, fits, fitsSize) : fitsSize;
      if (size != sizes.back())
        product = product ? arith::MulIOp::create(b, product, size) : size;
    }
    cf::AssertOp::create(b, fits,
                         "a buffer of " + describe(demand.largest) +
                             " would have a negative size or more than "
                             "2^63 - 1 bytes; use smaller sizes");
  }

  DataLayout layout;
  llvm::MapVector<std::pair<Block *, SmallVector<Value>>, Demand> demands;
};

struct CheckAllocations : et::impl::CheckAllocationsBase<CheckAllocations> {
  void runOnOperation() override {
    AllocationChecker checker(getOperation());
    WalkResult result = getOperation().walk(
        [&](Operation *op) -> WalkResult { return checker.visit(op); });
    if (result.wasInterrupted())
      return signalPassFailure();
    checker.emitChecks();
  }
};
} // namespace
