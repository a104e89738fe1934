//===- MoeLaunch.h - A whole layer in one kernel ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_MOELAUNCH_H
#define ET_LIB_CONVERSION_ETTOGPU_MOELAUNCH_H

#include "DeviceWords.h"
#include "LaneRow.h"
#include "NarrowProduct.h"
#include "NarrowScores.h"
#include "et/Conversion/ETToGPU/OneLaunch.h"

namespace mlir::et {

/// Emits the kernel. A block's methods come in the order of the tickets.
class OneLaunch {
public:
  OneLaunch(MoeOp op, KernelBuilder &b);

  void emit();

private:
  void emitBlock();
  /// An expert with tokens, as the list has it. The shared expert comes last,
  /// by the number E.
  struct Expert {
    Value rank, number, isShared, word, count;
  };

  //===--- Meeting other blocks -------------------------------------------===//
  DeviceWords meeting();
  Value takeFirstTicket();
  /// Ends work that `word` counts: returns the next ticket, and how often the
  /// word was counted up before.
  std::pair<Value, Value> finish(Value word);
  /// Until `word` was counted up `count` times; what was done before each is
  /// seen from there on.
  void await(Value word, Value count);
  /// Counts `word` up without an end of work.
  void announce(Value word);

  //===--- Work -----------------------------------------------------------===//
  void emitScores(Value firstExpert);
  /// Gates and mask words of all tokens, by one block, once all scores are
  /// there; their memory is then the gates'.
  void decideTokens(TokenRoutingAttrInterface routing);
  void listExperts();
  Expert expertAt(Value rank);
  void emitHidden(const Expert &expert, Value tile);
  void emitOutputs(const Expert &expert, Value tile);
  void emitCombine(Value tile);
  Value weightsOf(const Expert &expert, Value routed, Value shared,
                  int64_t elements);
  Value hiddenWidth(const Expert &expert);
  Value rowIn(Value buffer, Value row, Value width);

  static bool isContiguous(Value memref) {
    return cast<MemRefType>(memref.getType()).getLayout().isIdentity();
  }
  /// The operand, or a copy of it if its elements are not next to each other.
  Value contiguous(Value operand);
  static int64_t sizeOf(Value memref, int64_t dim) {
    return memref ? cast<MemRefType>(memref.getType()).getDimSize(dim) : 0;
  }
  static constexpr int64_t kThreads = NarrowProduct::kThreads;
  static constexpr int64_t kColumns = NarrowProduct::kColumns;
  static int64_t tilesOf(int64_t columns) {
    return llvm::divideCeil(columns, kColumns);
  }
  int64_t scoreItems() const {
    return llvm::divideCeil(experts, NarrowScores::kExperts);
  }

  // Where the words are that blocks meet at.
  Value ticketWord() { return b.index(0); }
  Value scoredWord() { return b.index(1); }
  Value hiddenWord(Value rank) { return b.add(rank, 2); }
  Value outputsWord(Value tile) { return b.add(tile, experts + 3); }
  Value maskWord(Value expert) {
    return b.add(expert, experts + 3 + tilesOf(width));
  }
  /// The bits of a pair's gate.
  Value gateWord(Value expert, Value token) {
    return b.add(b.add(b.mul(expert, kOneLaunchTokens), token),
                 2 * experts + 3 + tilesOf(width));
  }
  Value loadGate(Value expert, Value token) {
    return arith::BitcastOp::create(b, b.getF32Type(),
                                    b.load(words, gateWord(expert, token)));
  }
  void storeGate(Value gate, Value expert, Value token) {
    b.store(arith::BitcastOp::create(b, b.getI32Type(), gate), words,
            gateWord(expert, token));
  }
  int64_t numWords() const {
    return (2 + kOneLaunchTokens) * experts + 3 + tilesOf(width);
  }
  Value outputPlace(Value row, Value column) {
    return b.add(b.mul(row, width), column);
  }

  MoeOp op;
  KernelBuilder &b;
  /// What `contiguous` made.
  SmallVector<Value> copies;
  Value x, router, w1, w2, theta, bias, b1, b2, gate, gateBias;
  Value sharedW1, sharedW2, sharedGate, out;
  Type element;
  int64_t experts, width, hidden, sharedHidden, maxTokens;
  bool isWhole;
  /// Nothing if the scores are given, in the router's place.
  std::optional<NarrowScores> scores;
  NarrowProduct hiddenProduct, outputProduct;
  // Global memory, and the number of tokens.
  Value words, hiddenUnits, outputs, tokens;
  // What a block has: its thread, shared memory, and the number of experts with
  // tokens.
  Value thread, isFirstThread, dynamicShared;
  Value listedExperts, listedWords, tokensOfExpert, slots, numListed;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_MOELAUNCH_H
