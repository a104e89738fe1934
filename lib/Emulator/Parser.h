//===- Parser.h - State of the PTX parser ---------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_PARSER_H
#define ET_EMULATOR_PARSER_H

#include "Lexer.h"

namespace et::emu {

/// How deep scopes and initial values may nest in a text.
inline constexpr unsigned kMaxNesting = 64;

class Parser {
public:
  Parser(PtxModule &module, Diagnostic &diag)
      : module(module), diag(diag), lexer(module.text) {
    lex();
  }
  bool run();

private:
  using Scope = std::unordered_map<std::string_view, Symbol *>;
  /// `%r<100>`: names share one declaration.
  struct Range {
    std::string_view prefix;
    Symbol *first;
    uint32_t count;
  };

  bool error(Loc loc, std::string message) {
    if (diag.message.empty()) {
      diag.line = loc.line;
      diag.column = loc.column;
      diag.message = std::move(message);
    }
    return false;
  }
  void lex() {
    token = ahead.kind != Token::End ? ahead : lexer.next();
    ahead = Token();
    if (token.kind == Token::Bad)
      error(token.loc, std::string(token.text));
  }
  const Token &peek() {
    if (ahead.kind == Token::End)
      ahead = lexer.next();
    return ahead;
  }
  bool is(char c) const {
    return token.kind == Token::Punct && token.text[0] == c;
  }
  bool isWord(std::string_view word) const {
    return token.kind == Token::Word && token.text == word;
  }
  bool accept(char c) {
    if (!is(c))
      return false;
    lex();
    return true;
  }
  bool expect(char c, const char *where) {
    if (accept(c))
      return true;
    return error(token.loc, std::string("expected '") + c + "' " + where);
  }
  bool integer(int64_t &value);
  bool directive();
  bool variable(Space space, bool isExtern, Function *owner, bool isParam);
  bool initializer(Symbol &symbol);
  bool function(bool isEntry, bool isExtern);
  bool body(Function &fn);
  bool statement(Function &fn, uint32_t scope);
  bool operand(Operand &out, unsigned depth);
  bool list(std::vector<Operand> &out, char close, unsigned depth);
  bool registers(Function &fn);
  Symbol *lookup(std::string_view name);
  Symbol *newSymbol(std::string_view name, Loc loc) {
    module.symbols.emplace_back();
    Symbol *symbol = &module.symbols.back();
    symbol->name = name;
    symbol->loc = loc;
    return symbol;
  }
  bool declare(Symbol *symbol) {
    if (scopes.back().emplace(symbol->name, symbol).second)
      return true;
    return error(symbol->loc,
                 "'" + std::string(symbol->name) + "' is declared twice");
  }

  PtxModule &module;
  Diagnostic &diag;
  Lexer lexer;
  Token token, ahead;
  std::vector<Scope> scopes{1};
  std::vector<std::vector<Range>> ranges{1};
  std::vector<uint32_t> scopeIds;
  uint64_t registerCount = 0;
};

} // namespace et::emu

#endif // ET_EMULATOR_PARSER_H
