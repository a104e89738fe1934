//===- OutlinePacking.cpp - Packing as a function of its own --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/EntryName.h"
#include "et/Dialect/ET/Utils/WeightUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::et {
#define GEN_PASS_DEF_OUTLINEPACKING
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// Moves the packing of one function's weights to another function.
class Outliner {
public:
  explicit Outliner(func::FuncOp function)
      : function(function), builder(function.getContext()) {}

  LogicalResult run(SymbolTable &symbols) {
    collect();
    if (packs.empty())
      return success();
    StringAttr packed = getEntryName(function);
    std::string name = (packed.getValue() + "_pack").str();
    if (Operation *taken = symbols.lookup(name))
      return taken->emitError("'")
             << name << "' is the name that packs the weights of '"
             << packed.getValue() << "'; rename this function";
    if (failed(nameResults()))
      return failure();
    symbols.insert(createPackFunction(name),
                   std::next(function->getIterator()));
    takePackedArguments(name);
    return success();
  }

private:
  struct Packing {
    PackOp op;
    unsigned argument;
    /// Of the packed weight, in files and in messages.
    std::string weight, name;
  };

  /// The packings of weights that the caller gives, by argument.
  void collect() {
    for (BlockArgument argument : function.getArguments())
      function.walk([&](PackOp op) {
        if (op.hasPureTensorSemantics() && findWeight(op.getW()) == argument)
          packs.push_back({op, argument.getArgNumber(), "", ""});
      });
  }

  std::string getText(unsigned argument, StringRef attribute) {
    auto text = function.getArgAttrOfType<StringAttr>(argument, attribute);
    return text ? text.str() : std::string();
  }

  /// How what is packed lies in the argument: "" where it is all of it, in its
  /// order.
  static std::string describePlace(Value weights) {
    std::string place;
    llvm::raw_string_ostream os(place);
    auto list = [&](StringRef what, ArrayRef<int64_t> numbers) {
      os << what;
      for (int64_t number : numbers)
        os << '_' << number;
    };
    Value value = skipReshapes(weights);
    while (Value source = getRearranged(value.getDefiningOp())) {
      if (auto transpose = value.getDefiningOp<linalg::TransposeOp>()) {
        list(".transposed", transpose.getPermutation());
      } else {
        auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
        list(".at", slice.getStaticOffsets());
        list("_of", slice.getStaticSizes());
        list("_by", slice.getStaticStrides());
      }
      value = skipReshapes(source);
    }
    return place;
  }

  /// A file may have a weight in rows and in several layouts, and parts of one.
  LogicalResult nameResults() {
    for (Packing &pack : packs) {
      PanelsAttr panels = pack.op.getPanels();
      std::string suffix = llvm::formatv(
          "{0}.panels_{1}_{2}_{3}", describePlace(pack.op.getW()),
          panels.getColumns(), panels.getInterleave(), panels.getStep());
      pack.weight = getText(pack.argument, "et.weight") + suffix;
      pack.name = getText(pack.argument, "et.name");
      if (pack.name.empty())
        pack.name = pack.weight;
      else if (llvm::count_if(packs, [&](const Packing &other) {
                 return other.argument == pack.argument;
               }) > 1)
        pack.name += suffix;
      for (Packing &other : packs)
        if (other.weight == pack.weight &&
            other.op->getResultTypes() != pack.op->getResultTypes())
          return pack.op.emitError("packs '")
                 << pack.weight
                 << "' in a shape of its own; another et.pack of "
                 << "the same weight and layout has another";
    }
    return success();
  }

  func::FuncOp createPackFunction(StringRef name) {
    SmallVector<unsigned> arguments;
    SmallVector<Type> inputs, results;
    SmallVector<DictionaryAttr> attributes;
    for (Packing &pack : packs) {
      results.push_back(pack.op->getResult(0).getType());
      if (!arguments.empty() && arguments.back() == pack.argument)
        continue;
      arguments.push_back(pack.argument);
      inputs.push_back(function.getArgumentTypes()[pack.argument]);
      attributes.push_back(function.getArgAttrDict(pack.argument));
    }
    auto packing =
        func::FuncOp::create(builder, function.getLoc(), name,
                             builder.getFunctionType(inputs, results),
                             ArrayRef<NamedAttribute>(), attributes);
    IRMapping mapping;
    builder.setInsertionPointToStart(packing.addEntryBlock());
    for (auto [from, to] : llvm::zip_equal(arguments, packing.getArguments()))
      mapping.map(function.getArgument(from), to);
    SmallVector<Value> packed;
    for (auto [index, pack] : llvm::enumerate(packs)) {
      packed.push_back(clone(pack.op->getResult(0), mapping));
      packing.setResultAttr(index, "et.name", builder.getStringAttr(pack.name));
    }
    func::ReturnOp::create(builder, function.getLoc(), packed);
    return packing;
  }

  /// `value` in the new function, with all that it is made of.
  Value clone(Value value, IRMapping &mapping) {
    if (Value done = mapping.lookupOrNull(value))
      return done;
    for (Value operand : value.getDefiningOp()->getOperands())
      clone(operand, mapping);
    builder.clone(*value.getDefiningOp(), mapping);
    return mapping.lookup(value);
  }

  /// Packed weights in the place of those in rows, unless something else reads
  /// these: then behind them.
  void takePackedArguments(StringRef packFunction) {
    for (Packing &pack : llvm::reverse(packs)) {
      auto attributes = builder.getDictionaryAttr(
          {builder.getNamedAttr("et.name", builder.getStringAttr(pack.name)),
           builder.getNamedAttr("et.packed_by",
                                builder.getStringAttr(packFunction)),
           builder.getNamedAttr("et.weight",
                                builder.getStringAttr(pack.weight))});
      Value result = pack.op->getResult(0);
      (void)function.insertArgument(pack.argument + 1, result.getType(),
                                    attributes, pack.op.getLoc());
      result.replaceAllUsesWith(function.getArgument(pack.argument + 1));
      eraseUnused(pack.op);
      if (function.getArgument(pack.argument).use_empty())
        (void)function.eraseArgument(pack.argument);
    }
  }

  static void eraseUnused(Operation *op) {
    if (!op->use_empty() || !isMemoryEffectFree(op))
      return;
    llvm::SmallSetVector<Operation *, 4> producers;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        producers.insert(producer);
    op->erase();
    for (Operation *producer : producers)
      eraseUnused(producer);
  }

  func::FuncOp function;
  OpBuilder builder;
  SmallVector<Packing> packs;
};

struct OutlinePacking : et::impl::OutlinePackingBase<OutlinePacking> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : getFunctionsWithWeights(getOperation()))
      if (failed(Outliner(function).run(symbols)))
        return signalPassFailure();
  }
};
} // namespace
