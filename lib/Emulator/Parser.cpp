//===- Parser.cpp - PTX text to statements --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

using namespace et::emu;

Symbol *Parser::lookup(std::string_view name) {
  size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9')
    --digits;
  std::string_view prefix = name.substr(0, digits);
  uint64_t index = 0;
  bool numbered = digits < name.size() && name.size() - digits < 9;
  if (numbered)
    for (char c : name.substr(digits))
      index = index * 10 + (c - '0');
  for (size_t i = scopes.size(); i-- > 0;) {
    auto it = scopes[i].find(name);
    if (it != scopes[i].end())
      return it->second;
    if (!numbered)
      continue;
    for (const Range &range : ranges[i])
      if (range.prefix == prefix && index < range.count) {
        // Symbols of one range lie one after the other only logically: a deque
        // may split them, so each is found by its own declaration order.
        Symbol *symbol = newSymbol(name, range.first->loc);
        symbol->type = range.first->type;
        symbol->offset = range.first->offset +
                         static_cast<uint32_t>(index) * range.first->size;
        scopes[i].emplace(name, symbol);
        return symbol;
      }
  }
  return nullptr;
}

bool Parser::list(std::vector<Operand> &out, char close, unsigned depth) {
  if (accept(close))
    return true;
  do {
    out.emplace_back();
    if (!operand(out.back(), depth + 1))
      return false;
  } while (accept(','));
  return expect(close, "in an operand");
}

bool Parser::operand(Operand &out, unsigned depth) {
  if (depth > 8)
    return error(token.loc, "operand nested too deep");
  out.loc = token.loc;
  out.kind = Operand::Name;
  if (accept('{')) {
    out.kind = Operand::Vector;
    return list(out.elements, '}', depth);
  }
  if (accept('[')) {
    out.kind = Operand::Address;
    return list(out.elements, ']', depth);
  }
  if (accept('(')) {
    out.kind = Operand::List;
    return list(out.elements, ')', depth);
  }
  if (accept('!'))
    out.negated = true;
  bool minus = accept('-');
  if (token.kind == Token::Int || token.kind == Token::Float) {
    out.kind = token.kind == Token::Int ? Operand::Int : Operand::Float;
    out.bits = token.bits;
    out.single = token.single;
    if (minus) {
      if (out.kind == Operand::Int)
        out.bits = 0 - out.bits;
      else
        out.bits ^= out.single ? uint64_t(1) << 31 : uint64_t(1) << 63;
    }
    lex();
    if (out.kind == Operand::Int && accept('+')) {
      int64_t more;
      if (!integer(more))
        return false;
      out.bits += static_cast<uint64_t>(more);
    }
    return true;
  }
  if (token.kind != Token::Word)
    return error(token.loc, "expected an operand");
  out.text = token.text;
  if (out.text == "_") {
    out.kind = Operand::Sink;
    lex();
  } else {
    if (out.text == "generic" && peek().kind == Token::Punct &&
        peek().text == "(")
      return error(token.loc, "generic() is not supported outside initial "
                              "values; use cvta");
    out.negated |= minus;
    out.symbol = lookup(out.text);
    lex();
    if (is('+') || is('-')) {
      bool plus = accept('+');
      if (!integer(out.offset))
        return false;
      (void)plus;
    }
  }
  if (accept('|')) {
    out.elements.emplace_back();
    return operand(out.elements.back(), depth + 1);
  }
  return true;
}

static void splitOpcode(std::string_view word, Statement &out) {
  size_t dot = word.find('.', 1);
  out.opcode = word.substr(0, dot);
  while (dot != std::string_view::npos) {
    size_t next = word.find('.', dot + 1);
    out.modifiers.push_back(word.substr(
        dot + 1, next == std::string_view::npos ? next : next - dot - 1));
    dot = next;
  }
}

bool Parser::statement(Function &fn, uint32_t scope) {
  fn.body.emplace_back();
  Statement &out = fn.body.back();
  out.loc = token.loc;
  out.scope = scope;
  if (accept('@')) {
    out.guardNegated = accept('!');
    if (token.kind != Token::Word)
      return error(token.loc, "expected a predicate after '@'");
    out.guard = lookup(token.text);
    if (!out.guard || out.guard->space != Space::Reg ||
        out.guard->type != Type::Pred)
      return error(token.loc, "'" + std::string(token.text) +
                                  "' is no predicate register");
    lex();
    out.loc = token.loc;
  }
  if (token.kind != Token::Word || token.text[0] == '.' || token.text[0] == '%')
    return error(token.loc, "expected an instruction");
  splitOpcode(token.text, out);
  lex();
  if (accept(';'))
    return true;
  do {
    out.operands.emplace_back();
    if (!operand(out.operands.back(), 0))
      return false;
  } while (accept(','));
  return expect(';', "after an instruction");
}

bool Parser::body(Function &fn) {
  fn.scopes = {0};
  fn.labels.resize(1);
  scopeIds = {0};
  while (true) {
    if (token.kind == Token::End)
      return error(token.loc,
                   "'}' missing at the end of '" + std::string(fn.name) + "'");
    uint32_t scope = scopeIds.back();
    if (accept('{')) {
      if (scopeIds.size() > kMaxNesting)
        return error(token.loc, "scopes nested too deep");
      scopeIds.push_back(static_cast<uint32_t>(fn.scopes.size()));
      fn.scopes.push_back(scope);
      fn.labels.emplace_back();
      scopes.emplace_back();
      ranges.emplace_back();
      continue;
    }
    if (accept('}')) {
      scopeIds.pop_back();
      if (scopeIds.empty())
        return true;
      scopes.pop_back();
      ranges.pop_back();
      continue;
    }
    if (accept(';'))
      continue;
    if (token.kind == Token::Word && peek().kind == Token::Punct &&
        peek().text == ":") {
      std::string_view label = token.text;
      Loc loc = token.loc;
      lex();
      lex();
      if (isWord(".branchtargets") || isWord(".callprototype")) {
        bool branch = isWord(".branchtargets");
        lex();
        std::vector<std::string_view> names;
        while (!is(';') && token.kind != Token::End) {
          if (branch && token.kind == Token::Word)
            names.push_back(token.text);
          lex();
        }
        fn.tables[label] = std::move(names);
        if (!expect(';', "after a table"))
          return false;
        continue;
      }
      if (!fn.labels[scope]
               .emplace(label, static_cast<uint32_t>(fn.body.size()))
               .second)
        return error(loc, "label '" + std::string(label) + "' stands twice");
      continue;
    }
    if (token.kind == Token::Word && token.text[0] == '.') {
      std::string_view word = token.text;
      Loc loc = token.loc;
      lex();
      bool ok = true;
      if (word == ".reg")
        ok = registers(fn);
      else if (word == ".shared")
        ok = variable(Space::Shared, false, &fn, false) &&
             expect(';', "after a variable");
      else if (word == ".local")
        ok = variable(Space::Local, false, &fn, false) &&
             expect(';', "after a variable");
      else if (word == ".param")
        ok = variable(Space::Param, false, &fn, false) &&
             expect(';', "after a variable");
      else if (word == ".global" || word == ".const")
        ok = variable(word == ".const" ? Space::Const : Space::Global, false,
                      &fn, false) &&
             expect(';', "after a variable");
      else if (word == ".loc") {
        uint32_t line = loc.line;
        while (token.kind != Token::End && token.loc.line == line)
          lex();
      } else if (word == ".pragma") {
        while (token.kind == Token::String || is(','))
          lex();
        ok = expect(';', "after .pragma");
      } else
        ok = error(loc, "directive '" + std::string(word) +
                            "' is not supported in a function");
      if (!ok)
        return false;
      continue;
    }
    if (!statement(fn, scope))
      return false;
  }
}

bool Parser::function(bool isEntry, bool isExtern) {
  module.functions.emplace_back();
  Function &fn = module.functions.back();
  fn.isEntry = isEntry;
  fn.number = static_cast<uint32_t>(module.functions.size());
  scopes.emplace_back();
  ranges.emplace_back();
  registerCount = 0;
  auto params = [&](std::vector<Symbol *> &into) {
    while (!is(')')) {
      bool isReg = isWord(".reg");
      if (!isReg && !isWord(".param"))
        return error(token.loc, "expected .param");
      if (isReg)
        return error(token.loc, "functions with .reg parameters are not "
                                "supported; PTX ISA 2.0 and later use .param");
      lex();
      std::swap(into, fn.params);
      bool ok = variable(Space::Param, false, &fn, true);
      std::swap(into, fn.params);
      if (!ok)
        return false;
      if (!accept(','))
        break;
    }
    return expect(')', "after parameters");
  };
  if (accept('(') && !params(fn.results))
    return false;
  if (token.kind != Token::Word)
    return error(token.loc, "expected a function name");
  fn.name = token.text;
  fn.loc = token.loc;
  lex();
  if (accept('(') && !params(fn.params))
    return false;
  while (token.kind == Token::Word && token.text[0] == '.') {
    std::string_view word = token.text;
    Loc loc = token.loc;
    lex();
    int64_t value[3] = {1, 1, 1};
    int count = 0;
    while (token.kind == Token::Int && count < 3) {
      if (!integer(value[count++]))
        return false;
      if (!accept(','))
        break;
    }
    uint32_t *into = word == ".reqntid"   ? fn.requiredThreads
                     : word == ".maxntid" ? fn.maxThreads
                                          : nullptr;
    if (into)
      for (int i = 0; i < 3; ++i)
        into[i] = static_cast<uint32_t>(value[i]);
    else if (word == ".maxnreg") {
      fn.maxRegisters = static_cast<uint32_t>(value[0]);
    } else if (word == ".reqnctapercluster") {
      if (value[0] * value[1] * value[2] != 1)
        return error(loc, "clusters of more than one block are not supported");
    } else if (word != ".minnctapersm" && word != ".maxnctapersm" &&
               word != ".noreturn" && word != ".explicitcluster" &&
               word != ".maxclusterrank" && word != ".blocksareclusters" &&
               word != ".pragma" && word != ".abi_preserve" &&
               word != ".abi_preserve_control" && word != ".unified")
      return error(loc, "directive '" + std::string(word) +
                            "' is not supported on a function");
    if (word == ".pragma")
      while (token.kind == Token::String || is(',') || is(';'))
        lex();
  }
  auto it = module.globals.find(fn.name);
  Symbol *symbol;
  if (it == module.globals.end()) {
    symbol = newSymbol(fn.name, fn.loc);
    symbol->kind = Symbol::Func;
    symbol->space = Space::Global;
    symbol->function = &fn;
    module.globals.emplace(fn.name, symbol);
    scopes.front()[fn.name] = symbol;
  } else {
    symbol = it->second;
    if (symbol->kind != Symbol::Func)
      return error(fn.loc, "'" + std::string(fn.name) + "' is declared twice");
  }
  bool ok = true;
  if (accept('{')) {
    if (symbol->function->hasBody)
      return error(fn.loc, "'" + std::string(fn.name) + "' is defined twice");
    fn.hasBody = true;
    symbol->function = &fn;
    ok = body(fn);
  } else {
    ok = expect(';', "after a function declaration");
  }
  (void)isExtern;
  scopes.resize(1);
  ranges.resize(1);
  return ok;
}

bool Parser::directive() {
  Loc loc = token.loc;
  if (token.kind != Token::Word || token.text[0] != '.')
    return error(loc, "expected a directive");
  bool isExtern = false;
  while (isWord(".visible") || isWord(".extern") || isWord(".weak") ||
         isWord(".common")) {
    isExtern |= isWord(".extern");
    lex();
  }
  std::string_view word = token.text;
  if (token.kind != Token::Word)
    return error(token.loc, "expected a directive");
  loc = token.loc;
  lex();
  if (word == ".version") {
    // `8.0` is lexed as a real number, its text is what counts.
    int major = 0, minor = 0;
    size_t i = 0;
    for (; i < token.text.size() && token.text[i] != '.' && i < 4; ++i)
      major = major * 10 + (token.text[i] - '0');
    if (i + 1 < token.text.size())
      minor = token.text[i + 1] - '0';
    module.version = major * 10 + minor;
    lex();
    return true;
  }
  if (word == ".target") {
    module.target = std::string(token.text);
    lex();
    while (accept(','))
      lex();
    return true;
  }
  if (word == ".address_size") {
    int64_t value;
    if (!integer(value))
      return false;
    return value == 64 || error(loc, ".address_size must be 64");
  }
  if (word == ".file" || word == ".loc") {
    while (token.kind != Token::End && token.loc.line == loc.line)
      lex();
    return true;
  }
  if (word == ".section") {
    while (token.kind != Token::End && !is('{'))
      lex();
    while (token.kind != Token::End && !is('}'))
      lex();
    return expect('}', "after .section");
  }
  if (word == ".pragma") {
    while (token.kind == Token::String || is(','))
      lex();
    return expect(';', "after .pragma");
  }
  if (word == ".entry" || word == ".func")
    return function(word == ".entry", isExtern);
  if (word == ".global" || word == ".const" || word == ".shared") {
    Space space = word == ".global"  ? Space::Global
                  : word == ".const" ? Space::Const
                                     : Space::Shared;
    return variable(space, isExtern, nullptr, false) &&
           expect(';', "after a variable");
  }
  return error(loc, "directive '" + std::string(word) + "' is not supported");
}

bool Parser::run() {
  while (token.kind != Token::End)
    if (!directive())
      return false;
  if (module.version == 0)
    return error({1, 1}, "no .version directive: not a PTX module");
  return diag.message.empty();
}

std::unique_ptr<PtxModule>
et::emu::parsePtx(std::string_view text, std::string name, Diagnostic &diag) {
  auto module = std::make_unique<PtxModule>();
  module->name = std::move(name);
  module->text = std::string(text.substr(0, text.find('\0')));
  diag = Diagnostic();
  if (!Parser(*module, diag).run())
    return nullptr;
  return module;
}
