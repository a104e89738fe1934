//===- RoutingRow.h - What a routing's lowering works on --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A routing says once how it decides, by these classes; each target has its own
// of them. Rules thereby know nothing of memory, threads or registers.
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ROUTINGROW_H
#define ET_DIALECT_ET_IR_ROUTINGROW_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::et {

/// The scores of one token, and rows of values made of them. A row has a value
/// of every expert, an f32, i32 or i1; a plain Value is the same for all of
/// them. What bodies are given and return are such values of one expert: they
/// use arith and math ops, and scalars of the token from around them.
class RoutingRow {
public:
  /// A row, by the number that the implementation gave it.
  struct Row {
    unsigned number;
  };
  using Rows = llvm::ArrayRef<Row>;
  using Values = llvm::SmallVector<Value>;
  using Body = llvm::function_ref<Value(ValueRange)>;

  RoutingRow(ImplicitLocOpBuilder &builder) : builder(builder) {}
  virtual ~RoutingRow() = default;

  /// For scalars of the token.
  ImplicitLocOpBuilder &builder;

  /// The number of experts, an index.
  virtual Value countExperts() = 0;
  virtual Row scores() = 0;
  /// The selection bias, if the op has one.
  virtual std::optional<Row> bias() = 0;
  /// Of each expert its number, an i32.
  virtual Row numbers() = 0;

  /// The row of what `body` makes of each expert's values of `rows`.
  virtual Row map(Rows rows, Body body) = 0;
  /// A row with another value at the expert of this number, an i32; the row
  /// itself if there is none.
  virtual Row replace(Row row, Value expert, Value value) = 0;
  /// `first` and the f32 values of a row, added in the order of the experts.
  virtual Value sum(Row row, Value first) = 0;
  /// The largest value of a row, NaN if it has one, -inf without experts.
  virtual Value max(Row row) = 0;

  /// The largest value of a row that is no NaN, and the number of the first
  /// expert that has it, an i32. If there is none, the number is -1 and the
  /// value NaN. Zeros are equal, and the value's sign is then any.
  struct Best {
    Value value, expert;
  };
  virtual Best best(Row row) = 0;
  /// The same in each of so many runs of experts of equal length: rows of runs,
  /// which are equal throughout a run. What `map` makes of such rows alone is
  /// one as well; a target may keep a value a run.
  struct BestOfRuns {
    Row value, expert;
  };
  virtual BestOfRuns bestOfRuns(Row row, int64_t runs) = 0;
  /// Of each expert the number of the first one of its run, an i32; a row of
  /// runs.
  virtual Row firstsOfRuns(int64_t runs) = 0;

  /// What goes from round to round of a loop. `isOpen`, an i1, says whether
  /// there is another round; null is for always.
  struct State {
    llvm::SmallVector<Row> rows;
    Values scalars;
    Value isOpen;
  };
  /// At most `rounds` rounds of `body`, which is given the state and returns
  /// the next; a row of runs stays one. A target may go on until no token of
  /// several is open, so a round of one that is not must leave its state as it
  /// is.
  virtual State repeat(Value rounds, const State &first,
                       llvm::function_ref<State(const State &)> body) = 0;

  /// Ends the rule: of each expert's values of `rows`, whether it is chosen and
  /// its gate.
  struct Decision {
    Value isChosen, gate;
  };
  virtual void finish(Rows rows,
                      llvm::function_ref<Decision(ValueRange)> decide) = 0;
};

/// The scores of one expert for all tokens.
class RoutingColumn {
public:
  RoutingColumn(ImplicitLocOpBuilder &builder) : builder(builder) {}
  virtual ~RoutingColumn() = default;

  ImplicitLocOpBuilder &builder;

  /// The number of tokens, an index.
  virtual Value countTokens() = 0;
  /// How many tokens `isCounted` holds for, an index; it is given the score.
  virtual Value count(llvm::function_ref<Value(Value)> isCounted) = 0;
};

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_ROUTINGROW_H
