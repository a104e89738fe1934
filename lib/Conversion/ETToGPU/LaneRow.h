//===- LaneRow.h - A rule by token in registers -----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_LANEROW_H
#define ET_LIB_CONVERSION_ETTOGPU_LANEROW_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/IR/RoutingRow.h"

namespace mlir::et {

/// How a warp shares the experts of its tokens: a token has `lanes` neighboring
/// lanes, and each of these has `each` neighboring experts. The last ones may
/// have fewer.
struct LaneLayout {
  /// A lane has no more experts than a word has bits.
  static constexpr int64_t kMostExperts = kWarpSize * 32;

  explicit LaneLayout(int64_t experts);

  int64_t tokensOfWarp() const { return kWarpSize / lanes; }
  /// As many threads, of at most so many, as 32 tokens keep busy.
  int64_t usefulThreads(int64_t most) const {
    return std::min(lanes * kTokensPerWord, most);
  }
  /// A word of every lane of 32 tokens. A warp meets all banks both where it
  /// has all lanes of some tokens, and where one lane of all.
  MemRefType bitsType(KernelBuilder &b) const {
    return b.sharedType({lanes, kTokensPerWord + tokensOfWarp()},
                        b.getI32Type());
  }
  /// Whether every lane has an expert at this place.
  bool isEverywhere(int64_t place) const {
    return (lanes - 1) * each + place < experts;
  }
  /// How many neighboring experts are there or not together, and at a multiple
  /// of as many.
  int64_t width() const { return experts % 4 == 0 ? 4 : 1; }

  int64_t experts, lanes, each;
};

/// The rows of the tokens of a warp, an expert a register. All lanes of the
/// warp take part in all that is emitted. Sums are added in the order of the
/// experts, so that they have the bits that loops give them.
class LaneRow final : public RoutingRow {
public:
  /// So many f32 values of neighboring experts, beginning with this one; the
  /// token and the experts are there.
  using LoadFn = function_ref<Values(Value expert, int64_t width)>;
  using StoreFn = function_ref<void(Value expert, ValueRange gates)>;

  /// `lane` is that of the warp. `loadBias` is null if there is no bias.
  LaneRow(KernelBuilder &b, LaneLayout layout, Value lane, Value isToken,
          LoadFn loadScores, LoadFn loadBias, StoreFn storeGates);

  /// After the rule: bit i says whether the i-th expert of the lane is chosen.
  Value chosen;

  Value countExperts() override { return b.index(layout.experts); }
  Row scores() override { return load(loadScores); }
  std::optional<Row> bias() override;
  Row numbers() override;
  Row map(Rows rows, Body body) override;
  Row replace(Row row, Value expert, Value value) override;
  Value sum(Row row, Value first) override;
  Value max(Row row) override;
  Best best(Row row) override;
  BestOfRuns bestOfRuns(Row row, int64_t runs) override;
  Row firstsOfRuns(int64_t runs) override;
  State repeat(Value rounds, const State &first,
               function_ref<State(const State &)> body) override;
  void finish(Rows rows, function_ref<Decision(ValueRange)> decide) override;

private:
  Row addRow(Values values);
  Row load(LoadFn from);
  /// The row with `neutral` where there is no expert.
  Values padded(Row row, double neutral);
  Value isExpert(int64_t place);
  /// Of the lanes' values, `lanes` neighboring lanes at a time.
  Value combine(Value value, int64_t lanes,
                function_ref<Value(Value, Value)> op);
  /// Of the experts at places [first, end) of so many neighboring lanes.
  Best bestOf(ArrayRef<Value> values, int64_t first, int64_t end,
              int64_t lanes);

  KernelBuilder &b;
  LaneLayout layout;
  Value lane, isToken, firstExpert;
  LoadFn loadScores, loadBias;
  StoreFn storeGates;
  SmallVector<Values> rows;
};

/// Neighboring elements of a row in memory, all at once where they lie so that
/// a thread may.
LoopBuilder::Values loadExperts(KernelBuilder &b, Value from,
                                ValueRange indices, int64_t width);

/// Where a block finds what a rule by token decides by, and puts what it
/// decided. Tokens are numbered in the block.
struct TokenGate {
  TokenRoutingAttrInterface routing;
  /// So many f32 values of neighboring experts, beginning with this one; the
  /// token and the experts are there. `loadBias` is null if there is no bias.
  function_ref<LoopBuilder::Values(Value token, Value expert, int64_t width)>
      loadScores;
  LaneRow::LoadFn loadBias;
  function_ref<void(Value token, Value expert, ValueRange gates)> storeGates;
  /// A bit of the word is a token. One thread has it.
  function_ref<void(Value expert, Value word)> storeWord;
};

/// Decides for the tokens of a block of so many threads, a power of two; there
/// are at most 32 tokens, with a few lanes each. What they chose passes through
/// `bits`, shared memory of `bitsType`, to lanes that run along the tokens, so
/// that a ballot is a mask word.
void emitTokenGate(KernelBuilder &b, LaneLayout layout, Value thread,
                   int64_t threads, Value tokens, Value bits,
                   const TokenGate &gate);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_LANEROW_H
