//===- SelectSchedule.cpp - One launch for a layer, or several ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/LayerWork.h"
#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/ETToGPU/OneLaunch.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::et {
#define GEN_PASS_DEF_SELECTSCHEDULE
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

//===----------------------------------------------------------------------===//
// The cost model
//===----------------------------------------------------------------------===//

static constexpr int64_t kGroupedLaunches = 4;

namespace {
struct Cost {
  int64_t launches;
  KernelWork work;

  double seconds(const ChipFigures &chip) const {
    return static_cast<double>(launches) * kLaunchSeconds +
           std::max(work.bytes / chip.bandwidth, work.flops / chip.matrixFlops);
  }
};
} // namespace

/// How many experts a token has: what the rule allows if that is a bound of its
/// own, else one, since nothing in a layer says what thresholds let through.
static int64_t expertsOfToken(MoeOp op) {
  int64_t experts = cast<ShapedType>(op.getRouter().getType()).getDimSize(1);
  int64_t most = op.getRouting().getMaxExpertsPerToken(experts);
  return most < experts ? most : 1;
}

/// Of a layer that can run in one launch, for at least one token.
static Cost estimate(MoeOp op, int64_t tokens, Schedule schedule) {
  bool isOneLaunch = schedule == Schedule::OneLaunch;
  auto count = static_cast<double>(tokens);
  double pairs = count * static_cast<double>(expertsOfToken(op));
  // `whyNotOneLaunch` wants all sizes known.
  return {isOneLaunch ? 1 : kGroupedLaunches,
          *estimateWork(op, {count, pairs},
                        /*rowsOfUnit=*/isOneLaunch ? 8 : 16)};
}

//===----------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------===//

/// One layer for at most `limit` tokens, another for more.
static void makeBranch(MoeOp op, int64_t limit, LoweringConfigAttr few,
                       LoweringConfigAttr many) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0), tokens;
  if (isa<TensorType>(op.getX().getType()))
    tokens = tensor::DimOp::create(builder, loc, op.getX(), zero);
  else
    tokens = memref::DimOp::create(builder, loc, op.getX(), zero);
  Value most = arith::ConstantIndexOp::create(builder, loc, limit);
  Value isFew = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule,
                                      tokens, most);
  auto layer = [&](LoweringConfigAttr config) {
    return [&, config](OpBuilder &nested, Location) {
      auto clone = cast<MoeOp>(nested.clone(*op));
      clone.setLoweringConfigAttr(config);
      scf::YieldOp::create(nested, loc, clone->getResults());
    };
  };
  auto branch = scf::IfOp::create(builder, loc, isFew, layer(few), layer(many));
  op->replaceAllUsesWith(branch);
  op.erase();
}

namespace {
struct SelectSchedule : et::impl::SelectScheduleBase<SelectSchedule> {
  using SelectScheduleBase::SelectScheduleBase;

  void runOnOperation() override {
    FailureOr<GPUTargetAttr> target =
        getGPUTarget(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    chips = target->getChips();
    SmallVector<MoeOp> layers;
    getOperation()->walk([&](MoeOp op) { layers.push_back(op); });
    for (MoeOp op : layers)
      if (failed(select(op)))
        return signalPassFailure();
  }

private:
  ArrayRef<StringAttr> chips;

  static constexpr StringLiteral kRemark = "et-select-schedule";

  remark::RemarkOpts remarkOf(MoeOp op) const {
    auto function = op->getParentOfType<func::FuncOp>();
    return remark::RemarkOpts::name("schedule")
        .category(kRemark)
        .function(function ? function.getSymName() : StringRef());
  }

  /// With the rate and the most tokens that the layer is configured for.
  LoweringConfigAttr configOf(MoeOp op, Schedule schedule,
                              int64_t workgroups = 0) {
    std::optional<LoweringConfigAttr> given = op.getLoweringConfig();
    if (!given)
      given = LoweringConfigAttr::get(&getContext());
    return LoweringConfigAttr::get(&getContext(), schedule, workgroups,
                                   given->getRate(), given->getSlack(),
                                   given->getMaxTokens());
  }

  LogicalResult select(MoeOp op) {
    std::optional<LoweringConfigAttr> given = op.getLoweringConfig();
    if (given && given->getSchedule() == Schedule::Automatic)
      given.reset();
    std::string obstacle = whyNotOneLaunch(op);
    if (given && given->getSchedule() == Schedule::Grouped) {
      remark::analysis(op.getLoc(), remarkOf(op)) << "grouped, as configured";
      return success();
    }
    if (!obstacle.empty()) {
      if (given)
        return op.emitOpError()
               << "cannot run in one launch: " << obstacle
               << "; change that, or configure schedule = grouped";
      remark::analysis(op.getLoc(), remarkOf(op)) << "grouped: " + obstacle;
      op.setLoweringConfigAttr(configOf(op, Schedule::Grouped));
      return success();
    }
    if (given && limitOfBranch(op))
      return success();

    std::optional<int64_t> most = getMaxTokens(op);
    bool isDynamic = cast<ShapedType>(op.getX().getType()).isDynamicDim(0);
    int64_t limit = given ? kOneLaunchTokens : chooseLimit(op);
    explain(op, limit, given.has_value());
    LoweringConfigAttr few =
        given.value_or(configOf(op, Schedule::OneLaunch, chooseWorkgroups(op)));
    LoweringConfigAttr many = configOf(op, Schedule::Grouped);
    bool areFew = most && *most <= limit;
    if (isDynamic && !areFew && limit > 0)
      makeBranch(op, limit, few, many);
    else
      op.setLoweringConfigAttr(areFew ? few : many);
    return success();
  }

  /// The most tokens for which one launch costs no more, on every chip.
  int64_t chooseLimit(MoeOp op) const {
    auto isBetter = [&](int64_t tokens) {
      Cost one = estimate(op, tokens, Schedule::OneLaunch);
      Cost grouped = estimate(op, tokens, Schedule::Grouped);
      return llvm::all_of(chips, [&](StringAttr name) {
        const ChipFigures &chip = getChipFigures(name);
        return one.seconds(chip) <= grouped.seconds(chip);
      });
    };
    int64_t limit = 0;
    while (limit < kOneLaunchTokens && isBetter(limit + 1))
      ++limit;
    return limit;
  }

  /// As many as fit on the chip that most fit on.
  int64_t chooseWorkgroups(MoeOp op) const {
    int64_t bytes = oneLaunchSharedBytes(op), most = 0;
    for (StringAttr name : chips) {
      const ChipFigures &chip = getChipFigures(name);
      int64_t fit =
          std::clamp<int64_t>(countBlocks(chip, bytes), 1, kOneLaunchBlocks);
      most = std::max(most, fit * chip.multiprocessors);
    }
    return most;
  }

  void explain(MoeOp op, int64_t limit, bool isGiven) const {
    std::optional<int64_t> most = getMaxTokens(op);
    bool isDynamic = cast<ShapedType>(op.getX().getType()).isDynamicDim(0);
    bool areFew = most && *most <= limit;
    bool isBranch = isDynamic && !areFew;
    int64_t shown = std::max<int64_t>(isBranch ? limit : *most, 1);
    auto text = [&](Schedule schedule) {
      Cost cost = estimate(op, shown, schedule);
      std::string result;
      for (StringAttr name : chips) {
        const ChipFigures &chip = getChipFigures(name);
        result += llvm::formatv(", {0:f1} us on {1}", cost.seconds(chip) * 1e6,
                                chip.product);
      }
      return llvm::formatv("{0} takes {1} launch{2}, {3:f1} MB{4}",
                           stringifySchedule(schedule), cost.launches,
                           cost.launches == 1 ? "" : "es",
                           cost.work.bytes / 1e6, result)
          .str();
    };
    std::string choice = "one launch";
    if (isBranch)
      choice = llvm::formatv("one launch for T <= {0}", limit);
    if (limit == 0 || (!isDynamic && !areFew))
      choice = "grouped";
    if (isGiven)
      choice += ", as configured";
    remark::passed(op.getLoc(), remarkOf(op))
        << llvm::formatv("{0}; at T = {1}: {2}; {3}", choice, shown,
                         text(Schedule::OneLaunch), text(Schedule::Grouped))
               .str();
  }
};
} // namespace
