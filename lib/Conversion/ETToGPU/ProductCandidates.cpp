//===- ProductCandidates.cpp - Kernels a product may run on ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductCandidates.h"
#include "GroupedMatmul.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

void KernelDevices::emitBody(KernelBuilder &b,
                             function_ref<void()> body) const {
  if (numbers.empty())
    return body();
  Value isThere = b.isCompiledFor(numbers);
  b.when(others ? b.bitXor(isThere, b.boolean(true)) : isThere, body);
}

//===----------------------------------------------------------------------===//
// The cost of a product
//===----------------------------------------------------------------------===//

/// Rows that costs are compared for where their number is not known.
static constexpr int64_t kNominalRows = 4096;

namespace {
struct ProductWork {
  int64_t rows;
  double flops, bytes;

  double seconds(const ProductCandidate &candidate, GroupedMatmulOp op,
                 StringRef chip) const {
    return std::max(bytes / getChipFigures(chip).bandwidth,
                    flops / candidate.getFlops(op, chip));
  }
};
} // namespace

static ProductWork estimate(GroupedMatmulOp op) {
  auto out = cast<MemRefType>(op.getOut().getType());
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  auto rhs = cast<MemRefType>(op.getRhs().getType());
  // What is not known is the same for all candidates.
  auto size = [](MemRefType type, int64_t dimension, int64_t unknown) {
    return type.isDynamicDim(dimension) ? unknown : type.getDimSize(dimension);
  };
  auto bytesOf = [](MemRefType type) {
    return type.getElementTypeBitWidth() / 8.0;
  };
  int64_t rows = size(out, 0, kNominalRows);
  auto sides = static_cast<double>(rightHandSides(op).size());
  auto m = static_cast<double>(rows);
  auto k = static_cast<double>(size(lhs, 1, 1)),
       n = static_cast<double>(size(out, 1, 1));
  auto experts = static_cast<double>(size(rhs, 0, 1));
  return {rows, 2 * m * k * n * sides,
          experts * k * n * sides * bytesOf(rhs) + m * k * bytesOf(lhs) +
              m * n * bytesOf(out)};
}

//===----------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------===//

ProductCandidates::ProductCandidates(GPUTargetAttr target, bool splitsF32)
    : chips(target.getChips()) {
  for (StringAttr chip : chips)
    numbers.push_back(parseChip(chip).number);
  llvm::sort(numbers);
  numbers.erase(llvm::unique(numbers), numbers.end());
  candidates.push_back(makeWarpgroupCandidate());
  candidates.push_back(makeMatrixCandidate(splitsF32));
  candidates.push_back(makeThreadCandidate(splitsF32));
}

std::string ProductCandidates::whyNot(const ProductCandidate &candidate,
                                      GroupedMatmulOp op,
                                      unsigned number) const {
  // Nothing tells chips of one number apart, such as sm_90 and sm_90a.
  for (StringAttr chip : chips)
    if (parseChip(chip).number == number)
      if (std::string obstacle = candidate.whyNot(op, chip); !obstacle.empty())
        return obstacle;
  return "";
}

StringRef ProductCandidates::getChip(unsigned number) const {
  return *llvm::find_if(
      chips, [&](StringAttr chip) { return parseChip(chip).number == number; });
}

const ProductCandidate *ProductCandidates::chooseFor(GroupedMatmulOp op,
                                                     unsigned number) const {
  StringRef chip = getChip(number);
  ProductWork work = estimate(op);
  const ProductCandidate *best = nullptr;
  double least = 0;
  for (const auto &candidate : candidates) {
    if (!whyNot(*candidate, op, number).empty())
      continue;
    double seconds = work.seconds(*candidate, op, chip);
    if (!best || seconds < least) {
      best = candidate.get();
      least = seconds;
    }
  }
  assert(best && "multiply-adds take what nothing else does");
  return best;
}

SmallVector<ProductCandidates::Choice>
ProductCandidates::choose(ArrayRef<GroupedMatmulOp> ops) const {
  SmallVector<Choice> choices;
  for (unsigned number : numbers) {
    Choice choice;
    for (GroupedMatmulOp op : ops)
      choice.candidates.push_back(chooseFor(op, number));
    Choice *same = llvm::find_if(choices, [&](const Choice &other) {
      return other.candidates == choice.candidates;
    });
    if (same == choices.end()) {
      choices.push_back(choice);
      same = std::prev(choices.end());
    }
    same->numbers.push_back(number);
  }
  return choices;
}

//===----------------------------------------------------------------------===//
// The launches
//===----------------------------------------------------------------------===//

ChipNumbers ProductCandidates::devicesOf(ArrayRef<unsigned> wanted) const {
  // Code for a chip runs on later ones; with a suffix, on that alone or, with
  // an f, on its family. A device runs the latest code that it can.
  constexpr unsigned none = 0, end = 10000, family = 10;
  struct Code {
    unsigned number, end;
    bool isOwn;
  };
  SmallVector<Code> codes;
  std::set<unsigned> places;
  for (StringAttr chip : chips) {
    ChipName name = parseChip(chip);
    unsigned after = name.suffix == 'a'   ? name.number + 1
                     : name.suffix == 'f' ? (name.number / family + 1) * family
                                          : end;
    codes.push_back({name.number, after, name.suffix != 0});
    places.insert({name.number, after});
  }
  ChipNumbers result;
  for (auto place = places.begin(); std::next(place) != places.end(); ++place) {
    unsigned first = *place, next = *std::next(place), found = none;
    bool isOwn = false;
    for (const Code &code : codes)
      if (code.number <= first && first < code.end &&
          std::pair(code.isOwn, code.number) >= std::pair(isOwn, found)) {
        found = code.number;
        isOwn = code.isOwn;
      }
    if (!llvm::is_contained(wanted, found))
      continue;
    if (!result.empty() && result.back().second == first)
      result.back().second = next;
    else
      result.push_back({first, next});
  }
  return result;
}

static void launchChoice(const ProductCandidates::Choice &choice,
                         ArrayRef<GroupedMatmulOp> ops, KernelBuilder &b,
                         const KernelDevices &devices) {
  if (ops.size() == 2 && choice.candidates[0] == choice.candidates[1] &&
      choice.candidates[0]->canJoin(ops[0], ops[1], b))
    return choice.candidates[0]->launch(ops, b, devices);
  Location loc = b.getLoc();
  for (auto [op, candidate] : llvm::zip_equal(ops, choice.candidates)) {
    b.setLoc(GroupedMatmulOp(op).getLoc());
    candidate->launch(op, b, devices);
  }
  b.setLoc(loc);
}

void ProductCandidates::launch(ArrayRef<GroupedMatmulOp> ops,
                               ArrayRef<Choice> choices,
                               KernelBuilder &b) const {
  auto isOfOneChip = [](const Choice &choice) {
    return llvm::any_of(choice.candidates, [](const ProductCandidate *each) {
      return each->isOfOneChip();
    });
  };
  // Devices that no other choice is for get the first that any can have: what
  // is known of them is their number alone.
  const Choice *rest = llvm::find_if_not(choices, isOfOneChip);
  KernelDevices others = {{}, /*others=*/true};
  for (const Choice &choice : choices) {
    if (&choice == rest)
      continue;
    KernelDevices devices = {choice.numbers};
    devices.processors = b.processorsOf(devicesOf(choice.numbers));
    launchChoice(choice, ops, b, devices);
    llvm::append_range(others.numbers, choice.numbers);
    Value isOther = b.cmp(CmpIPredicate::eq, devices.processors, b.index(0));
    others.condition =
        others.condition ? b.both(others.condition, isOther) : isOther;
  }
  if (rest != choices.end())
    launchChoice(*rest, ops, b, others);
}

//===----------------------------------------------------------------------===//
// The remark
//===----------------------------------------------------------------------===//

void ProductCandidates::remark(GroupedMatmulOp op) const {
  ProductWork work = estimate(op);
  SmallVector<std::string> chosen, reasons;
  bool isPlain = false;
  auto say = [&](std::string reason) {
    if (!llvm::is_contained(reasons, reason))
      reasons.push_back(std::move(reason));
  };
  for (const Choice &choice : choose(op)) {
    const ProductCandidate *best = choice.candidates.front();
    isPlain |= best == candidates.back().get();
    SmallVector<std::string> on;
    for (StringAttr chip : chips) {
      unsigned number = parseChip(chip).number;
      if (!llvm::is_contained(choice.numbers, number))
        continue;
      auto time = [&](const ProductCandidate &candidate) {
        return llvm::formatv("{0:f1} us",
                             work.seconds(candidate, op, chip) * 1e6)
            .str();
      };
      on.push_back(llvm::formatv("{0} in {1}", chip.getValue(), time(*best)));
      for (const auto &other : candidates) {
        if (other.get() == best)
          continue;
        std::string obstacle = whyNot(*other, op, number);
        if (obstacle.empty())
          say(llvm::formatv("{0} takes {1} on {2}", other->getName(),
                            time(*other), chip.getValue()));
        else
          say(llvm::formatv("{0} does not fit: {1}", other->getName(),
                            obstacle));
      }
    }
    chosen.push_back(
        llvm::formatv("{0} for {1}", best->getName(), llvm::join(on, ", ")));
  }
  auto function = op->getParentOfType<func::FuncOp>();
  auto options = remark::RemarkOpts::name("product-kernel")
                     .category("convert-et-to-gpu")
                     .function(function ? function.getSymName() : StringRef());
  auto report = [&](auto &&remark) {
    remark << llvm::formatv("{0}, predicted for {1} rows",
                            llvm::join(chosen, "; "), work.rows)
                  .str()
           << remark::reason("{0}", llvm::join(reasons, "; "));
  };
  // Without the matrix units something is missed.
  if (isPlain)
    report(remark::missed(op.getLoc(), options));
  else
    report(remark::passed(op.getLoc(), options));
}
