//===- LoopRow.h - A rule by token in loops ---------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOSCF_LOOPROW_H
#define ET_LIB_CONVERSION_ETTOSCF_LOOPROW_H

#include "et/Conversion/LoopBuilder.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/IR/RoutingRow.h"
#include <map>

namespace mlir::et {

/// A token's rows. What costs little is computed where it is read. For the rest
/// the iteration that owns a mask word has memory of its own, which its tokens
/// use in turn. All of it is one buffer, in which the values of an expert are
/// neighbours: one pointer reaches every row, and a kernel needs few registers.
class LoopRow final : public RoutingRow {
public:
  /// In the parallel `loop` over the words of the op's mask.
  LoopRow(LoopBuilder &b, GateOp op, Value experts, Operation *loop, Value word)
      : RoutingRow(b), b(b), op(op), experts(experts), loop(loop), word(word) {}

  /// The token that the rule is to decide for next.
  void start(Value newToken) {
    token = newToken;
    readers.clear();
    replacements.clear();
  }
  /// Frees the rows' memory, after the loop. Only now is known how many rows
  /// there are, which its type then says: a stride that is no constant would
  /// cost every loop registers.
  void freeRows() {
    if (!room)
      return;
    room.setType(typeOfRoom());
    memref::DeallocOp::create(b, room);
  }

  Value countExperts() override { return experts; }
  Row scores() override;
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
  using Values = LoopBuilder::Values;

  /// An expert; or a run of experts, one of so many, by its first one.
  struct Place {
    Value expert;
    int64_t runs = 0;
    Value run = {};
  };
  Value sizeOf(int64_t runs) { return b.div(experts, b.index(runs)); }
  Value runOf(const Place &place, int64_t runs) {
    return place.runs == runs ? place.run : b.div(place.expert, sizeOf(runs));
  }
  /// Visits every one of so many runs of experts, or with 0 every expert.
  void visit(int64_t runs, function_ref<void(const Place &)> body);
  /// The same, with values that are carried along; returns the last ones.
  Values visit(int64_t runs, ValueRange inits,
               function_ref<Values(const Place &, ValueRange)> body);
  Value countOf(int64_t runs) { return runs ? b.index(runs) : experts; }
  Place placeOf(Value number, int64_t runs) {
    return runs ? Place{b.mul(number, sizeOf(runs)), runs, number}
                : Place{number};
  }

  /// Where a row's values of this type lie, in numbers of 32 bits: a value of
  /// every expert, or of every one of so many runs.
  struct Stored {
    int64_t place;
    Type type;
    int64_t runs;
  };

  /// How a value is read, and in about how many instructions. With runs, it is
  /// the same throughout each of so many.
  struct Reader {
    Type type;
    int64_t cost, runs;
    std::function<Value(const Place &)> emit;
  };
  /// A row that costs more to read is stored.
  static constexpr int64_t kMostCost = 16;

  /// What a row that `replace` made differs in.
  struct Replacement {
    Row row;
    Value expert, value;
  };

  Stored makeRoom(Type type, int64_t runs);
  MemRefType typeOfRoom() {
    int64_t any = ShapedType::kDynamic;
    return MemRefType::get({any, any, rowsInRoom}, b.getF32Type());
  }
  Values indicesOf(const Stored &row, const Place &place) {
    Value value = row.runs ? runOf(place, row.runs) : place.expert;
    return {word, value, b.index(row.place)};
  }
  void write(Value value, const Stored &row, const Place &place);

  Row addRow(Reader reader) {
    readers.push_back(std::move(reader));
    return {static_cast<unsigned>(readers.size() - 1)};
  }
  Row addRow(const Stored &row);
  Type typeOf(Row row) { return readers[row.number].type; }
  int64_t costOf(Row row) { return readers[row.number].cost; }
  int64_t runsOf(Row row) { return readers[row.number].runs; }
  Value read(Row row, const Place &place) {
    return readers[row.number].emit(place);
  }
  Values read(Rows rows, const Place &place) {
    return llvm::map_to_vector(rows, [&](Row row) { return read(row, place); });
  }

  Value lowest() { return b.f32(-std::numeric_limits<double>::infinity()); }
  /// A best's value and expert while it is looked for. What an expert waits for
  /// of the one before is a maximum: that of the value needs no number.
  Values noBest() { return {lowest(), b.i32(-1)}; }
  Values better(ValueRange best, Value candidate, Value expert);
  Best toBest(ValueRange found);

  LoopBuilder &b;
  GateOp op;
  Value experts;
  Operation *loop;
  Value word, token;
  SmallVector<Reader> readers;
  std::map<unsigned, Replacement> replacements;
  /// [W, E, rows].
  Value room;
  int64_t rowsInRoom = 0;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOSCF_LOOPROW_H
