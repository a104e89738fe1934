//===- MoeLaunch.cpp - A whole layer in one kernel ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks take tickets, ascending. The first are for the scores of 16 experts
// each, which may be given; a rule by token is applied by the block that ends
// the last of them. Once all of this is there, a block lists the experts that
// have tokens and knows what the other tickets are for: every listed expert's
// tiles of hidden units, then every one's tiles of outputs. Who adds the last
// expert's part to the outputs of some columns combines these.
//
// A ticket waits only for lower ones, and whoever holds those is at work on one
// of them. So nothing depends on which blocks run at the same time.
//
//===----------------------------------------------------------------------===//

#include "MoeLaunch.h"
#include "Patterns.h"
#include "et/Dialect/ET/Utils/WeightUtils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// What a block can list the experts of in shared memory.
static constexpr int64_t kMaxExperts = 1024;
static_assert(kMaxExperts <= LaneLayout::kMostExperts);
/// Enough for the largest chips, and no harm to others: a block that finds no
/// ticket leaves.
static constexpr int64_t kWorkgroups = 1024;
static_assert(NarrowProduct::kThreads == NarrowScores::kThreads);
static constexpr int64_t kStageBytes =
    std::max(NarrowScores::kSharedBytes, NarrowProduct::kSharedBytes);

//===----------------------------------------------------------------------===//
// Which layers
//===----------------------------------------------------------------------===//

std::string et::whyNotOneLaunch(MoeOp op) {
  if (!isa<PairRoutingAttrInterface, TokenRoutingAttrInterface>(
          op.getRouting()))
    return "its routing compares scores of several tokens";
  auto x = cast<ShapedType>(op.getX().getType());
  Type element = x.getElementType();
  if (!element.isF16() && !element.isBF16())
    return "its elements are not f16 or bf16";
  for (Value weights : {op.getW1(), op.getW2(), op.getGate()})
    if (weights && getStoredElement(weights) != element)
      return llvm::formatv("its weights are {0}", getStoredElement(weights));
  auto w1 = cast<ShapedType>(op.getW1().getType());
  auto router = cast<ShapedType>(op.getRouter().getType());
  SmallVector<std::pair<int64_t, StringRef>> widths = {
      {x.getDimSize(1), "D"},
      {router.getDimSize(1), "E"},
      {w1.getDimSize(2), "F"}};
  if (op.getSharedW1())
    widths.push_back(
        {cast<ShapedType>(op.getSharedW1().getType()).getDimSize(1), "G"});
  for (auto [width, name] : widths)
    if (ShapedType::isDynamic(width) || width == 0 || width % 8 != 0)
      return (name + " is not a known multiple of 8").str();
  if (router.getDimSize(1) > kMaxExperts)
    return "it has more than " + std::to_string(kMaxExperts) + " experts";
  int64_t tokens = x.getDimSize(0);
  if (!ShapedType::isDynamic(tokens) && tokens > kOneLaunchTokens)
    return "it has " + std::to_string(tokens) + " tokens, more than " +
           std::to_string(kOneLaunchTokens);
  return "";
}

std::optional<int64_t> et::limitOfBranch(MoeOp op) {
  auto branch = dyn_cast<scf::IfOp>(op->getParentOp());
  if (!branch || op->getBlock() != branch.thenBlock())
    return std::nullopt;
  auto cmp = branch.getCondition().getDefiningOp<arith::CmpIOp>();
  APInt limit;
  if (!cmp || cmp.getPredicate() != CmpIPredicate::ule ||
      !matchPattern(cmp.getRhs(), m_ConstantInt(&limit)) ||
      limit.ugt(kOneLaunchTokens))
    return std::nullopt;
  Operation *dim = cmp.getLhs().getDefiningOp();
  if (!isa_and_present<tensor::DimOp, memref::DimOp>(dim) ||
      dim->getOperand(0) != op.getX() ||
      !matchPattern(dim->getOperand(1), m_Zero()))
    return std::nullopt;
  return limit.getSExtValue();
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

static int64_t mostTokens(MoeOp op) {
  return std::clamp<int64_t>(getMaxTokens(op).value_or(kOneLaunchTokens), 1,
                             kOneLaunchTokens);
}

/// Numbers and mask words of the experts with tokens, the tokens of an expert,
/// and what a thread tells the others.
static std::array<int64_t, 4> wordsOfBlock(MoeOp op) {
  int64_t experts = cast<ShapedType>(op.getRouter().getType()).getDimSize(1);
  return {experts + 1, experts + 1, kOneLaunchTokens, 2};
}

int64_t et::oneLaunchSharedBytes(MoeOp op) {
  int64_t bytes = kStageBytes;
  for (int64_t words : wordsOfBlock(op))
    bytes += llvm::alignTo(words * sizeof(int32_t), 16);
  return bytes;
}

OneLaunch::OneLaunch(MoeOp op, KernelBuilder &b)
    : op(op), b(b), x(contiguous(op.getX())),
      router(contiguous(op.getRouter())), w1(contiguous(op.getW1())),
      w2(contiguous(op.getW2())), theta(contiguous(op.getTheta())),
      bias(contiguous(op.getBias())), b1(contiguous(op.getB1())),
      b2(contiguous(op.getB2())), gate(contiguous(op.getGate())),
      gateBias(contiguous(op.getGateBias())),
      sharedW1(contiguous(op.getSharedW1())),
      sharedW2(contiguous(op.getSharedW2())),
      sharedGate(contiguous(op.getSharedGate())), out(op.getOut()),
      element(cast<MemRefType>(x.getType()).getElementType()),
      experts(sizeOf(router, 1)), width(sizeOf(x, 1)), hidden(sizeOf(w1, 2)),
      sharedHidden(sizeOf(sharedW1, 1)), maxTokens(mostTokens(op)),
      isWhole(width % kColumns == 0 && hidden % kColumns == 0 &&
              sharedHidden % kColumns == 0),
      hiddenProduct(b, element, gate ? 2 : 1, maxTokens),
      outputProduct(b, element, 1, maxTokens) {
  if (op.getScore() != ScoreKind::Given)
    scores.emplace(b, x, router, op.getScore(), maxTokens);
}

Value OneLaunch::contiguous(Value operand) {
  if (!operand || isContiguous(operand))
    return operand;
  auto type = cast<MemRefType>(operand.getType());
  Values sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(b.dim(operand, i));
  Value copy = memref::AllocOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()), sizes);
  memref::CopyOp::create(b, operand, copy);
  return copies.emplace_back(copy);
}

//===----------------------------------------------------------------------===//
// Meeting other blocks
//===----------------------------------------------------------------------===//

DeviceWords OneLaunch::meeting() {
  return {b, words, cast<IntegerType>(b.getI32Type())};
}

Value OneLaunch::takeFirstTicket() {
  Value zero = b.index(0);
  b.when(isFirstThread,
         [&] { b.store(meeting().increment(ticketWord()), slots, zero); });
  b.barrier();
  return b.load(slots, zero);
}

std::pair<Value, Value> OneLaunch::finish(Value word) {
  Value zero = b.index(0), one = b.index(1);
  b.barrier();
  b.when(isFirstThread, [&] {
    // Tickets order nothing, so this one comes while the fence is waited for.
    Value ticket = meeting().increment(ticketWord());
    meeting().fence();
    Value before = meeting().increment(word);
    meeting().fence();
    b.store(ticket, slots, zero);
    b.store(before, slots, one);
  });
  b.barrier();
  return {b.load(slots, zero), b.load(slots, one)};
}

void OneLaunch::announce(Value word) {
  b.barrier();
  b.when(isFirstThread, [&] {
    meeting().fence();
    meeting().increment(word);
  });
}

void OneLaunch::await(Value word, Value count) {
  b.when(isFirstThread, [&] { meeting().await(word, b.toI32(count)); });
  b.barrier();
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

/// By one warp, for all.
void OneLaunch::listExperts() {
  Value zero = b.index(0), none = b.i32(0), one = b.index(1);
  Value lane = thread;
  b.when(b.less(thread, b.index(kWarpSize)), [&] {
    Value bit = arith::ShLIOp::create(b, b.i32(1), b.toI32(lane));
    Value lanesBefore = b.sub(bit, b.i32(1));
    Value count =
        b.loopBy(kWarpSize, zero, b.index(experts), none,
                 [&](Value first, ValueRange listed) -> Values {
                   Value expert = b.add(first, lane);
                   Value word = b.whenElse(
                       b.less(expert, b.index(experts)),
                       [&] { return b.load(words, maskWord(expert)); }, none);
                   Value hasTokens = b.cmp(CmpIPredicate::ne, word, none);
                   Value all = b.ballot(hasTokens);
                   Value place = b.toIndex(
                       b.add(listed[0], b.popcount(b.both(all, lanesBefore))));
                   b.when(hasTokens, [&] {
                     b.store(b.toI32(expert), listedExperts, place);
                     b.store(word, listedWords, place);
                   });
                   return {b.add(listed[0], b.popcount(all))};
                 })[0];
    b.when(isFirstThread, [&] {
      // Of the shared expert, if there is one.
      Value all = none;
      if (sharedHidden != 0)
        all = arith::ShRUIOp::create(
            b, b.i32(-1), b.sub(b.i32(kTokensPerWord), b.toI32(tokens)));
      Value place = b.toIndex(count);
      b.store(b.i32(static_cast<int32_t>(experts)), listedExperts, place);
      b.store(all, listedWords, place);
      b.store(count, slots, one);
    });
  });
  b.barrier();
  numListed = b.toIndex(b.load(slots, one));
}

OneLaunch::Expert OneLaunch::expertAt(Value rank) {
  Value number = b.toIndex(b.load(listedExperts, rank));
  Value word = b.load(listedWords, rank);
  return {rank, number, b.cmp(CmpIPredicate::eq, number, b.index(experts)),
          word, b.toIndex(b.popcount(word))};
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

void OneLaunch::emitBlock() {
  Value ticket = takeFirstTicket();
  Value scoreTickets = b.index(scoreItems());
  auto byToken = dyn_cast<TokenRoutingAttrInterface>(op.getRouting());
  ticket = b.loopWhile(
      ticket,
      [&](ValueRange held) { return b.less(b.toIndex(held[0]), scoreTickets); },
      [&](ValueRange held) -> Values {
        emitScores(b.mul(b.toIndex(held[0]), NarrowScores::kExperts));
        auto [next, before] = finish(scoredWord());
        if (byToken) {
          Value isLast = b.cmp(CmpIPredicate::eq, b.toIndex(b.add(before, 1)),
                               scoreTickets);
          b.when(isLast, [&] {
            decideTokens(byToken);
            announce(scoredWord());
          });
        }
        return {next};
      })[0];
  await(scoredWord(), byToken ? b.add(scoreTickets, 1) : scoreTickets);
  listExperts();

  int64_t tiles = tilesOf(hidden), outputTiles = tilesOf(width);
  Value routedItems = b.mul(numListed, tiles);
  Value hiddenItems = b.add(routedItems, tilesOf(sharedHidden));
  // Without any expert, someone still has to write the outputs.
  Value parts = numListed;
  if (sharedHidden != 0)
    parts = b.add(numListed, 1);
  else
    parts = arith::MaxUIOp::create(b, numListed, b.index(1));
  Value items = b.add(hiddenItems, b.mul(parts, outputTiles));
  auto itemOf = [&](Value ticket) {
    return b.sub(b.toIndex(ticket), scoreTickets);
  };
  auto doHidden = [&](Value item) -> Value {
    Value isRouted = b.less(item, routedItems);
    Expert expert = expertAt(b.select(isRouted, b.div(item, tiles), numListed));
    emitHidden(expert, b.select(isRouted, b.rem(item, tiles),
                                b.sub(item, routedItems)));
    return finish(hiddenWord(expert.rank)).first;
  };
  auto doOutputs = [&](Value item) -> Value {
    Expert expert = expertAt(b.div(item, outputTiles));
    Value tile = b.rem(item, outputTiles);
    b.when(b.cmp(CmpIPredicate::ne, expert.count, b.index(0)),
           [&] { emitOutputs(expert, tile); });
    auto [next, before] = finish(outputsWord(tile));
    Value isLast =
        b.cmp(CmpIPredicate::eq, b.add(before, b.i32(1)), b.toI32(parts));
    b.when(isLast, [&] { emitCombine(tile); });
    return next;
  };
  b.loopWhile(
      ticket, [&](ValueRange held) { return b.less(itemOf(held[0]), items); },
      [&](ValueRange held) -> Values {
        Value item = itemOf(held[0]);
        auto branch =
            scf::IfOp::create(b, b.getI32Type(), b.less(item, hiddenItems),
                              /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(branch.thenBlock());
        scf::YieldOp::create(b, doHidden(item));
        b.setInsertionPointToEnd(branch.elseBlock());
        scf::YieldOp::create(b, doOutputs(b.sub(item, hiddenItems)));
        return {branch.getResult(0)};
      });
}

void OneLaunch::emit() {
  tokens = b.dim(x, 0);
  // A promise is checked with the other sizes.
  bool hasBound =
      getMaxTokens(op).value_or(kOneLaunchTokens + 1) <= kOneLaunchTokens;
  if (!hasBound && !limitOfBranch(op))
    cf::AssertOp::create(
        b, b.cmp(CmpIPredicate::ule, tokens, b.index(kOneLaunchTokens)),
        ("et.moe: more than " + Twine(kOneLaunchTokens) +
         " tokens do not fit in one launch; run --et-select-schedule, or "
         "configure schedule = grouped")
            .str());
  auto allocate = [&](Type type, Value size) -> Value {
    return memref::AllocOp::create(
        b, MemRefType::get(ShapedType::kDynamic, type), size);
  };
  words = allocate(b.getI32Type(), b.index(numWords()));
  hiddenUnits =
      allocate(element, b.mul(tokens, experts * hidden + sharedHidden));
  outputs =
      allocate(element, outputPlace(b.mul(tokens, experts + 1), b.index(0)));
  gpu::MemsetOp::create(b, /*asyncToken=*/Type(), /*asyncDependencies=*/
                        ValueRange(), words, b.i32(0));

  int64_t most = scoreItems() + experts * tilesOf(hidden) +
                 tilesOf(sharedHidden) + (experts + 1) * tilesOf(width);
  int64_t workgroups = op.getLoweringConfig()->getWorkgroups();
  int64_t blocks = std::min(most, workgroups ? workgroups : kWorkgroups);
  SmallVector<MemRefType> shared;
  for (int64_t words : wordsOfBlock(op))
    shared.push_back(b.sharedType({words}, b.getI32Type()));
  gpu::LaunchOp launch = b.launch(
      "moe_one_launch", b.index(blocks), kThreads, shared,
      [&](const BlockInfo &block) {
        thread = block.thread;
        isFirstThread = b.cmp(CmpIPredicate::eq, thread, b.index(0));
        dynamicShared = block.dynamicShared;
        listedExperts = block.shared[0];
        listedWords = block.shared[1];
        tokensOfExpert = block.shared[2];
        slots = block.shared[3];
        b.when(b.less(b.index(0), tokens), [&] { emitBlock(); });
      },
      kStageBytes);
  // Left alone, ptxas aims at more blocks a multiprocessor and spills.
  launch->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  b.getI32IntegerAttr(kOneLaunchBlocks));
  copies.append({words, hiddenUnits, outputs});
  for (Value buffer : copies)
    memref::DeallocOp::create(b, buffer);
}

static void lowerMoe(MoeOp op, KernelBuilder &b) { OneLaunch(op, b).emit(); }

bool et::runsInOneLaunch(MoeOp op) {
  std::optional<LoweringConfigAttr> config = op.getLoweringConfig();
  return config && config->getSchedule() == Schedule::OneLaunch &&
         whyNotOneLaunch(op).empty();
}

void et::populateMoeKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<MoeOp>>(patterns.getContext(), lowerMoe,
                                     runsInOneLaunch);
}
