//===- RaiseMoe.cpp - The steps of a layer into et.moe --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "SizeFacts.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/OriginUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::et {
#define GEN_PASS_DEF_RAISEMOE
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr StringLiteral kPass = "et-raise-moe";

//===----------------------------------------------------------------------===//
// Values and where they come from
//===----------------------------------------------------------------------===//

/// A value as that of another type it may have been given.
static Value skipCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return value;
}

template <typename OpTy>
static OpTy producerOf(Value value) {
  return value ? skipCasts(value).getDefiningOp<OpTy>() : OpTy();
}

static bool areSame(Value one, Value other) {
  return one && other && skipCasts(one) == skipCasts(other);
}

/// An op by its name and place, for remarks.
static std::string describe(Operation *op) {
  std::string text = ("'" + op->getName().getStringRef() + "'").str();
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
    text += llvm::formatv(" at {0}:{1}:{2}", place.getFilename().getValue(),
                          place.getLine(), place.getColumn())
                .str();
  return text;
}

/// Why a value is not what it should be.
static std::string comesFrom(StringRef what, Value value, StringRef wanted) {
  Operation *producer = skipCasts(value).getDefiningOp();
  return llvm::formatv("{0} from {1}, not from {2}", what,
                       producer ? describe(producer) : "an argument", wanted)
      .str();
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

namespace {
/// An et.expert_ffn, or the two products that it is.
struct Experts {
  ActivationAttrInterface activation;
  ExpertFfnOperands operands;
  /// What the first product may have in place of a list of tokens.
  Value mask = {};
  Type hiddenElement = {};
  SmallVector<Operation *> steps = {};
};
} // namespace

/// What a product does besides its part of et.expert_ffn; empty if nothing.
static StringRef findExtra(GroupedMatmulOp product) {
  if (product.getPanels())
    return "has packed weights";
  // A layer's scales are of the default; others reach products by
  // et.dequantize.
  WeightFormatAttrInterface format = product.getWeightFormat();
  if (format && format != BlocksAttr::getDefault(product.getContext()))
    return "has weights in a format of its own";
  if (!product.getEpilogue().empty())
    return "has an epilogue";
  return "";
}

static StringRef findExtraOfSecond(GroupedMatmulOp product) {
  if (!isa<NoneActivationAttr>(product.getActivation()))
    return "has an activation";
  if (product.getGate())
    return "has a gate";
  if (product.getTokens() || product.getMask())
    return "gathers its rows";
  return findExtra(product);
}

/// Finds what computes `rows`. Returns why that is not experts; empty if it is.
static std::string findExperts(Value rows, Experts &experts) {
  constexpr StringLiteral wanted = "an et.expert_ffn or et.grouped_matmul";
  ExpertFfnOperands &operands = experts.operands;
  if (auto ffn = producerOf<ExpertFfnOp>(rows)) {
    experts.activation = ffn.getActivation();
    operands = {ffn.getX(), ffn.getW1(), ffn.getW2()};
    operands.offsets = ffn.getOffsets();
    operands.tokens = ffn.getTokens();
    operands.b1 = ffn.getB1();
    operands.b2 = ffn.getB2();
    operands.gate = ffn.getGate();
    operands.gateBias = ffn.getGateBias();
    operands.w1Scales = ffn.getW1Scales();
    operands.w2Scales = ffn.getW2Scales();
    operands.gateScales = ffn.getGateScales();
    experts.hiddenElement = getElementTypeOrSelf(ffn.getX().getType());
    experts.steps.push_back(ffn);
  } else {
    auto second = producerOf<GroupedMatmulOp>(rows);
    if (!second)
      return comesFrom("its experts' outputs come", rows, wanted);
    auto first = producerOf<GroupedMatmulOp>(second.getLhs());
    if (!first)
      return comesFrom("its hidden rows come", second.getLhs(),
                       "an et.grouped_matmul");
    for (auto [product, extra] : {std::pair(first, findExtra(first)),
                                  std::pair(second, findExtraOfSecond(second))})
      if (!extra.empty())
        return llvm::formatv("its {0} {1}", describe(product), extra).str();
    bool isRouted = first.getOffsets() || second.getOffsets();
    if (isRouted && !areSame(first.getOffsets(), second.getOffsets()))
      return "its two products are by different offsets";
    experts.activation = first.getActivation();
    operands = {first.getLhs(), first.getRhs(), second.getRhs()};
    operands.offsets = first.getOffsets();
    operands.tokens = first.getTokens();
    experts.mask = first.getMask();
    operands.b1 = first.getBias();
    operands.b2 = second.getBias();
    operands.gate = first.getGate();
    operands.gateBias = first.getGateBias();
    operands.w1Scales = first.getScales();
    operands.w2Scales = second.getScales();
    operands.gateScales = first.getGateScales();
    experts.hiddenElement = getElementTypeOrSelf(first.getOut().getType());
    experts.steps.append({first, second});
  }
  auto gather = producerOf<GatherOp>(operands.x);
  bool gathers = operands.tokens || experts.mask;
  if (gather && !gathers && areSame(gather.getOffsets(), operands.offsets)) {
    operands.x = gather.getX();
    operands.tokens = gather.getTokens();
    experts.steps.push_back(gather);
  }
  Type element = getElementTypeOrSelf(operands.x.getType());
  for (auto [stored, what] :
       {std::pair(experts.hiddenElement, "its hidden rows"),
        std::pair(getElementTypeOrSelf(rows.getType()),
                  "its experts' outputs")})
    if (stored != element)
      return llvm::formatv("{0} are stored as {1}, and those of a layer like "
                           "its input, as {2}",
                           what, stored, element)
          .str();
  return "";
}

/// Why the experts cannot be the shared one of a layer with the others; empty
/// if they can.
static StringRef whyNotShared(const Experts &shared, Value x,
                              ActivationAttrInterface activation,
                              bool withGate) {
  const ExpertFfnOperands &operands = shared.operands;
  if (operands.offsets || operands.tokens)
    return "they are routed";
  if (!areSame(operands.x, x))
    return "they read other rows";
  if (shared.activation != activation || bool(operands.gate) != withGate)
    return "they have another activation or form";
  if (operands.b1 || operands.b2 || operands.gateBias)
    return "they have biases";
  if (operands.w1Scales)
    return "their weights are scaled";
  return "";
}

/// The matrix of a stack of one.
static Value asMatrix(OpBuilder &builder, Location loc, Value stack) {
  if (!stack)
    return {};
  SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
  auto expanded = stack.getDefiningOp<tensor::ExpandShapeOp>();
  if (expanded && expanded.getReassociationIndices() == groups)
    return expanded.getSrc();
  return tensor::CollapseShapeOp::create(builder, loc, stack, groups);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {
/// The steps of a layer that ends in an et.combine, as the op that they are
/// together.
class Steps {
public:
  explicit Steps(CombineOp combine) : combine(combine) {}

  /// Returns why they are not those of an et.moe; empty if they are.
  std::string find();
  MoeOp raise(RewriterBase &rewriter);
  /// Why the op does not compute the scores itself; empty if it does.
  StringRef whyGiven() const { return obstacleOfScores; }

private:
  std::string findPlan();
  std::string findRouted();
  std::string findScores();
  std::string whyNotComputed(ScoresOp scores);
  std::string findShared();
  std::string checkUses();
  Operation *findOtherUse(Operation *op, DenseSet<Operation *> &seen);

  CombineOp combine;
  /// All but the combine.
  llvm::SetVector<Operation *> steps;
  /// What the steps read that none of them makes.
  DenseSet<Value> inputs;
  /// None after an et.route.
  GateOp gate;
  std::string obstacleOfScores;
  ScoreKind score = ScoreKind::Given;
  RoutingAttrInterface routing;
  Experts routed, shared;
  Value x, router, theta, bias;
};
} // namespace

std::string Steps::findPlan() {
  Value mask = combine.getMask(), gates = combine.getGates();
  if (auto route = producerOf<RouteOp>(mask)) {
    if (!areSame(mask, route->getResult(0)) ||
        !areSame(gates, route->getResult(1)) ||
        !areSame(combine.getOffsets(), route->getResult(2)))
      return "its mask, gates and offsets are not those of one et.route";
    score = route.getScore();
    routing = route.getRouting();
    x = route.getX();
    router = route.getRouter();
    theta = route.getTheta();
    bias = route.getBias();
    steps.insert(route);
    return "";
  }
  gate = producerOf<GateOp>(mask);
  if (!gate)
    return comesFrom("its mask comes", mask, "an et.gate");
  if (!areSame(gates, gate->getResult(1)))
    return comesFrom("its gates come", gates, "the et.gate of its mask");
  auto offsets = producerOf<OffsetsOp>(combine.getOffsets());
  if (!offsets || !areSame(offsets.getMask(), mask))
    return comesFrom("its offsets come", combine.getOffsets(),
                     "an et.offsets of its mask");
  routing = gate.getRouting();
  theta = gate.getTheta();
  bias = gate.getBias();
  steps.insert(gate);
  steps.insert(offsets);
  return "";
}

std::string Steps::findRouted() {
  std::string obstacle = findExperts(combine.getPairs(), routed);
  if (!obstacle.empty())
    return obstacle;
  const ExpertFfnOperands &operands = routed.operands;
  if (!areSame(operands.offsets, combine.getOffsets()))
    return "its experts are by other offsets";
  Value mask = routed.mask;
  if (auto list = producerOf<TokenListOp>(operands.tokens)) {
    if (!areSame(list.getOffsets(), operands.offsets))
      return "its list of tokens is by other offsets";
    mask = list.getMask();
    steps.insert(list);
  }
  if (!areSame(mask, combine.getMask()))
    return "its experts' tokens are not known to be those of its mask";
  steps.insert_range(routed.steps);
  return "";
}

std::string Steps::whyNotComputed(ScoresOp scores) {
  if (!scores)
    return comesFrom("they come", gate.getScores(), "an et.scores");
  if (!areSame(scores.getX(), routed.operands.x))
    return "they are of other rows than its experts take";
  if (scores->getBlock() != combine->getBlock())
    return "they are computed in another block";
  DenseSet<Operation *> seen;
  if (Operation *user = findOtherUse(scores, seen))
    return "they have another use, " + describe(user);
  return "";
}

std::string Steps::findScores() {
  Value rows = routed.operands.x;
  if (!gate)
    return areSame(x, rows)
               ? ""
               : "its scores are of other rows than its experts take";
  x = rows;
  auto scores = producerOf<ScoresOp>(gate.getScores());
  obstacleOfScores = whyNotComputed(scores);
  if (obstacleOfScores.empty()) {
    score = scores.getKind();
    router = scores.getRouter();
    steps.insert(scores);
    return "";
  }
  router = gate.getScores();
  // A plan may be of fewer tokens than there are rows, a layer's is not.
  SizeFacts facts;
  if (facts.ofDim(router, 0) == facts.ofDim(rows, 0))
    return "";
  return "its scores are not known to be of all rows that its experts take";
}

std::string Steps::findShared() {
  Value rows = combine.getShared();
  if (!rows)
    return "";
  std::string obstacle = findExperts(rows, shared);
  if (obstacle.empty())
    obstacle =
        whyNotShared(shared, x, routed.activation, bool(routed.operands.gate));
  if (!obstacle.empty())
    return "its shared rows are not of an expert that it could have: " +
           obstacle;
  steps.insert_range(shared.steps);
  return "";
}

/// The op that uses a result of `op` and would stay if the steps went.
Operation *Steps::findOtherUse(Operation *op, DenseSet<Operation *> &seen) {
  for (Operation *user : op->getUsers()) {
    if (user == combine || steps.contains(user) || !seen.insert(user).second)
      continue;
    if (!wouldOpBeTriviallyDead(user) || findOtherUse(user, seen))
      return user;
  }
  return llvm::any_of(op->getResults(),
                      [&](Value result) { return inputs.contains(result); })
             ? combine.getOperation()
             : nullptr;
}

std::string Steps::checkUses() {
  auto collectInputs = [&](Operation *op) {
    for (OpOperand *operand :
         cast<DestinationStyleOpInterface>(op).getDpsInputOperands()) {
      Operation *producer = skipCasts(operand->get()).getDefiningOp();
      if (!producer || !steps.contains(producer))
        inputs.insert(operand->get());
    }
  };
  llvm::for_each(steps, collectInputs);
  collectInputs(combine);
  inputs.insert(combine.getOut());
  DenseSet<Operation *> seen;
  for (Operation *step : steps) {
    if (step->getBlock() != combine->getBlock())
      return "its " + describe(step) + " is in another block";
    if (Operation *user = findOtherUse(step, seen))
      return llvm::formatv("its {0} has another use, {1}", describe(step),
                           describe(user))
          .str();
  }
  return "";
}

std::string Steps::find() {
  for (auto part : {&Steps::findPlan, &Steps::findRouted, &Steps::findScores,
                    &Steps::findShared, &Steps::checkUses}) {
    std::string obstacle = (this->*part)();
    if (!obstacle.empty())
      return obstacle;
  }
  Type element = getElementTypeOrSelf(x.getType());
  Type out = getElementTypeOrSelf(combine.getOut().getType());
  if (out != element && !out.isF32())
    return "its result has neither the type of its input nor f32";
  return "";
}

MoeOp Steps::raise(RewriterBase &rewriter) {
  Location loc = combine.getLoc();
  const ExpertFfnOperands &experts = routed.operands;
  MoeOperands operands = {x, router, experts.w1, experts.w2};
  operands.theta = theta;
  operands.bias = bias;
  operands.b1 = experts.b1;
  operands.b2 = experts.b2;
  operands.gate = experts.gate;
  operands.gateBias = experts.gateBias;
  operands.w1Scales = experts.w1Scales;
  operands.w2Scales = experts.w2Scales;
  operands.gateScales = experts.gateScales;
  operands.sharedW1 = asMatrix(rewriter, loc, shared.operands.w1);
  operands.sharedW2 = asMatrix(rewriter, loc, shared.operands.w2);
  operands.sharedGate = asMatrix(rewriter, loc, shared.operands.gate);
  return MoeOp::create(rewriter, renameOrigin(MoeOp::getOperationName(), loc),
                       combine->getResultTypes(), score, routing,
                       routed.activation, operands, combine.getOut());
}

namespace {
struct RaiseMoePattern : OpRewritePattern<CombineOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return failure();
    Steps steps(op);
    std::string obstacle = steps.find();
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    StringRef whyGiven = steps.whyGiven();
    remark::passed(op.getLoc(), fusionRemark(op, kPass))
        << llvm::formatv(
               "the steps up to here are one et.moe{0}{1}",
               whyGiven.empty() ? "" : " whose scores are given: ", whyGiven)
               .str();
    rewriter.replaceOp(op, steps.raise(rewriter));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Shared experts that are added to a layer
//===----------------------------------------------------------------------===//

namespace {
/// The sum of a layer's result, which has no other use, and something else.
struct Sum {
  Operation *op;
  Value other;
  arith::FastMathFlags flags;
};
} // namespace

static std::optional<Sum> findSum(MoeOp layer) {
  if (!layer.hasPureTensorSemantics() || layer.getSharedW1() ||
      !layer->hasOneUse())
    return std::nullopt;
  Value result = layer->getResult(0);
  OpOperand &use = *result.use_begin();
  Operation *op = use.getOwner();
  auto sum = dyn_cast<arith::AddFOp>(op);
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    auto isIdentity = [](AffineMap map) { return map.isIdentity(); };
    if (!structured.hasPureTensorSemantics() ||
        structured.getNumDpsInputs() != 2 || structured.isDpsInit(&use) ||
        !llvm::all_of(structured.getIndexingMapsArray(), isIdentity))
      return std::nullopt;
    Block *body = structured.getBlock();
    sum = dyn_cast<arith::AddFOp>(body->front());
    ValueRange inputs = body->getArguments().take_front(2);
    if (!sum || body->getTerminator()->getOperand(0) != sum.getResult() ||
        !(sum->getOperands() == inputs ||
          (sum.getLhs() == inputs[1] && sum.getRhs() == inputs[0])))
      return std::nullopt;
  }
  if (!sum || op->getResult(0).getType() != result.getType())
    return std::nullopt;
  Value other = op->getOperand(1 - use.getOperandNumber());
  return Sum{op, other, sum.getFastmath()};
}

/// Finds the experts that are added to a layer. Returns why that is not the
/// layer's shared expert; empty if it is.
static std::string findAdded(MoeOp layer, const Sum &sum, Experts &shared) {
  std::string obstacle = findExperts(sum.other, shared);
  if (obstacle.empty())
    obstacle = whyNotShared(shared, layer.getX(), layer.getActivation(),
                            bool(layer.getGate()));
  if (!obstacle.empty())
    return obstacle;
  for (Operation *step : shared.steps)
    if (step->getBlock() != sum.op->getBlock() || !step->hasOneUse())
      return "its " + describe(step) + " has another use";
  if (layer->getBlock() != sum.op->getBlock())
    return "its sum is in another block";
  // The layer begins with the shared row, in f32, and rounds once.
  bool isRounded = !getElementTypeOrSelf(layer.getOut().getType()).isF32();
  auto needed = arith::FastMathFlags::reassoc;
  if (isRounded)
    needed = needed | arith::FastMathFlags::contract;
  if (!bitEnumContainsAll(sum.flags, needed))
    return llvm::formatv("the layer would add in another order{0}, which "
                         "fastmath<{1}> on the addition allows",
                         isRounded ? " and round once" : "",
                         arith::stringifyFastMathFlags(needed))
        .str();
  return "";
}

namespace {
struct AddSharedExpert : OpRewritePattern<MoeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MoeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Sum> sum = findSum(op);
    if (!sum)
      return failure();
    Experts shared;
    std::string obstacle = findAdded(op, *sum, shared);
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    remark::passed(sum->op->getLoc(), fusionRemark(op, kPass))
        << "what is added here is the layer's shared expert";
    Location loc = op.getLoc();
    rewriter.moveOpBefore(op, sum->op);
    rewriter.setInsertionPoint(op);
    Value w1 = asMatrix(rewriter, loc, shared.operands.w1);
    Value w2 = asMatrix(rewriter, loc, shared.operands.w2);
    Value gate = asMatrix(rewriter, loc, shared.operands.gate);
    rewriter.modifyOpInPlace(op, [&] {
      op.getSharedW1Mutable().assign(w1);
      op.getSharedW2Mutable().assign(w2);
      if (gate)
        op.getSharedGateMutable().assign(gate);
    });
    rewriter.replaceOp(sum->op, op);
    return success();
  }
};

struct RaiseMoe : et::impl::RaiseMoeBase<RaiseMoe> {
  void runOnOperation() override {
    // Most layers are written as one op.
    auto hasSteps = [](Operation *op) {
      auto layer = dyn_cast<MoeOp>(op);
      return isa<CombineOp>(op) || (layer && findSum(layer))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    };
    if (!getOperation()->walk(hasSteps).wasInterrupted())
      return;
    RewritePatternSet patterns(&getContext());
    populateRaiseMoePatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([](Operation *op) {
      if (auto combine = dyn_cast<CombineOp>(op);
          combine && combine.hasPureTensorSemantics())
        remark::missed(op->getLoc(), fusionRemark(op, kPass))
            << "the steps up to here stay apart"
            << remark::reason("{0}", Steps(combine).find());
      auto layer = dyn_cast<MoeOp>(op);
      std::optional<Sum> sum = layer ? findSum(layer) : std::nullopt;
      Experts shared;
      if (sum && (producerOf<ExpertFfnOp>(sum->other) ||
                  producerOf<GroupedMatmulOp>(sum->other)))
        remark::missed(sum->op->getLoc(), fusionRemark(op, kPass))
            << "what is added here stays apart from the layer"
            << remark::reason("{0}", findAdded(layer, *sum, shared));
    });
  }
};
} // namespace

void et::populateRaiseMoePatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseMoePattern, AddSharedExpert>(patterns.getContext());
}
