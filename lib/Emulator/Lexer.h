//===- Lexer.h - PTX tokens -----------------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_LEXER_H
#define ET_EMULATOR_LEXER_H

#include "Ptx.h"

namespace et::emu {

struct Token {
  /// A word is an identifier with every `.suffix` and `::suffix` that follows
  /// it without a space, so `ld.global.L1::no_allocate.v4.b32`, `%tid.x` and
  /// `.reg` are one token each.
  enum Kind : uint8_t { End, Word, Int, Float, String, Punct, Bad } kind = End;
  std::string_view text;
  Loc loc;
  uint64_t bits = 0;
  bool single = false;
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}
  /// A Bad token's text says what is wrong; the end comes after it.
  Token next();

private:
  Token read();
  bool skipSpace();
  Token number(Token token);
  void advance(size_t count) {
    pos += count;
    column += static_cast<uint32_t>(count);
  }

  std::string_view text;
  size_t pos = 0;
  uint32_t line = 1, column = 1;
};

} // namespace et::emu

#endif // ET_EMULATOR_LEXER_H
