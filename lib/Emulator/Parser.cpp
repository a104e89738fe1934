//===- Parser.cpp - PTX text to statements --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"

#include <algorithm>
#include <cstring>

using namespace et::emu;

namespace {

/// Bounds that keep a hostile text from exhausting the host.
constexpr uint64_t kMaxRegisters = 1 << 18;
constexpr uint64_t kMaxVariableBytes = uint64_t(1) << 30;
constexpr unsigned kMaxNesting = 64;

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
    if (token.kind == Token::Bad)
      return error(token.loc, std::string(token.text));
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

} // namespace

Type et::emu::parseType(std::string_view word) {
  static const std::unordered_map<std::string_view, Type> types = {
      {"pred", Type::Pred},     {"b8", Type::B8},
      {"b16", Type::B16},       {"b32", Type::B32},
      {"b64", Type::B64},       {"b128", Type::B128},
      {"u8", Type::U8},         {"u16", Type::U16},
      {"u32", Type::U32},       {"u64", Type::U64},
      {"s8", Type::S8},         {"s16", Type::S16},
      {"s32", Type::S32},       {"s64", Type::S64},
      {"u16x2", Type::U16x2},   {"s16x2", Type::S16x2},
      {"f16", Type::F16},       {"f16x2", Type::F16x2},
      {"bf16", Type::BF16},     {"bf16x2", Type::BF16x2},
      {"tf32", Type::TF32},     {"f32", Type::F32},
      {"f32x2", Type::F32x2},   {"f64", Type::F64},
      {"e4m3", Type::E4M3},     {"e5m2", Type::E5M2},
      {"e4m3x2", Type::E4M3x2}, {"e5m2x2", Type::E5M2x2},
  };
  auto it = types.find(word);
  return it == types.end() ? Type::None : it->second;
}

unsigned et::emu::typeBytes(Type type) {
  switch (type) {
  case Type::None:
    return 0;
  case Type::Pred:
    return 1;
  case Type::B8:
  case Type::U8:
  case Type::S8:
  case Type::E4M3:
  case Type::E5M2:
    return 1;
  case Type::B16:
  case Type::U16:
  case Type::S16:
  case Type::F16:
  case Type::BF16:
  case Type::E4M3x2:
  case Type::E5M2x2:
    return 2;
  case Type::B64:
  case Type::U64:
  case Type::S64:
  case Type::F64:
  case Type::F32x2:
    return 8;
  case Type::B128:
    return 16;
  default:
    return 4;
  }
}

bool et::emu::isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 ||
         type == Type::S64;
}

bool et::emu::isFloat(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F32 ||
         type == Type::F64 || type == Type::TF32;
}

bool Parser::integer(int64_t &value) {
  bool minus = accept('-');
  if (token.kind != Token::Int)
    return error(token.loc, token.kind == Token::Bad ? std::string(token.text)
                                                     : "expected an integer");
  value = static_cast<int64_t>(minus ? 0 - token.bits : token.bits);
  lex();
  return true;
}

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

static uint32_t registerBytes(Type type) {
  return type == Type::Pred ? 4 : 32 * std::max(2u, typeBytes(type));
}

bool Parser::registers(Function &fn) {
  if (token.kind != Token::Word || token.text.size() < 2)
    return error(token.loc, "expected a type after .reg");
  uint32_t vector = 1;
  if (token.text == ".v2" || token.text == ".v4") {
    return error(token.loc, "vector registers are not supported; declare "
                            "scalars and use {a, b}");
  }
  Type type = parseType(token.text.substr(1));
  if (type == Type::None)
    return error(token.loc, "'" + std::string(token.text) +
                                "' is no register type that is supported");
  (void)vector;
  lex();
  do {
    if (token.kind != Token::Word)
      return error(token.loc, "expected a register name");
    Symbol *symbol = newSymbol(token.text, token.loc);
    lex();
    symbol->type = type;
    uint32_t bytes = registerBytes(type);
    symbol->size = bytes;
    if (bytes >= 64)
      fn.frameBytes = (fn.frameBytes + 63) / 64 * 64;
    symbol->offset = fn.frameBytes;
    uint64_t count = 1;
    if (accept('<')) {
      Loc loc = token.loc;
      int64_t value;
      if (!integer(value) || !expect('>', "after a register count"))
        return false;
      if (value < 0 || uint64_t(value) > kMaxRegisters)
        return error(loc, "too many registers");
      count = value;
      ranges.back().push_back(
          {symbol->name, symbol, static_cast<uint32_t>(count)});
    } else if (!declare(symbol)) {
      return false;
    }
    registerCount += count;
    if (registerCount > kMaxRegisters)
      return error(symbol->loc, "too many registers");
    fn.frameBytes += static_cast<uint32_t>(count) * bytes;
  } while (accept(','));
  return expect(';', "after .reg");
}

/// After the space word; ends before ';' or, for a parameter, ',' or ')'.
bool Parser::variable(Space space, bool isExtern, Function *owner,
                      bool isParam) {
  uint32_t align = 0, vector = 1;
  Type type = Type::None;
  while (token.kind == Token::Word && token.text[0] == '.') {
    std::string_view word = token.text.substr(1);
    Loc loc = token.loc;
    if (word == "align") {
      lex();
      int64_t value;
      if (!integer(value))
        return false;
      if (value < 1 || value > 4096 || (value & (value - 1)))
        return error(loc, ".align takes a power of two up to 4096");
      align = static_cast<uint32_t>(value);
      continue;
    }
    if (word == "v2" || word == "v4")
      vector = word[1] - '0';
    else if (word == "ptr" || word == "global" || word == "shared" ||
             word == "const" || word == "local" || word == "unified" ||
             word == "managed" || word == "noalias")
      ; // Facts about a pointer that change nothing here.
    else if ((type = parseType(word)) == Type::None)
      return error(loc, "'" + std::string(token.text) +
                            "' is not supported in a declaration");
    lex();
  }
  if (type == Type::None || type == Type::Pred)
    return error(token.loc, "expected a type in a variable declaration");
  do {
    if (token.kind != Token::Word)
      return error(token.loc, "expected a variable name");
    Symbol *symbol = newSymbol(token.text, token.loc);
    lex();
    symbol->type = type;
    symbol->space = space;
    symbol->isExtern = isExtern;
    symbol->vector = vector;
    uint64_t element = uint64_t(typeBytes(type)) * vector;
    symbol->align = std::max<uint32_t>(align, static_cast<uint32_t>(element));
    uint64_t count = 1;
    bool open = false;
    while (accept('[')) {
      if (accept(']')) {
        open = true;
        continue;
      }
      Loc loc = token.loc;
      int64_t value;
      if (!integer(value) || !expect(']', "after an array size"))
        return false;
      if (value < 0 || (value && count > kMaxVariableBytes / uint64_t(value)))
        return error(loc, "array too large");
      count *= value;
    }
    if (element * count > kMaxVariableBytes)
      return error(symbol->loc, "variable too large");
    symbol->size = open ? 0 : element * count;
    if (accept('=')) {
      if (open)
        return error(symbol->loc, "an initialized array needs a size");
      if (!initializer(*symbol))
        return false;
    }
    auto place = [&](uint32_t &bytes, uint32_t scale) {
      uint64_t at =
          (uint64_t(bytes) + symbol->align - 1) / symbol->align * symbol->align;
      if (scale > 1)
        at = (uint64_t(bytes) + 63) / 64 * 64;
      symbol->offset = static_cast<uint32_t>(at);
      at += symbol->size * scale;
      if (at > kMaxVariableBytes)
        return error(symbol->loc, "variables too large");
      bytes = static_cast<uint32_t>(at);
      return true;
    };
    if (owner && space == Space::Param) {
      if (!(owner->isEntry && isParam ? place(owner->paramBytes, 1)
                                      : place(owner->frameBytes, 32)))
        return false;
    } else if (owner && space == Space::Local) {
      if (!place(owner->localBytes, 1))
        return false;
    } else {
      module.variables.push_back(symbol);
    }
    if (!owner) {
      auto [it, fresh] = module.globals.emplace(symbol->name, symbol);
      if (!fresh && !it->second->isExtern && !isExtern)
        return error(symbol->loc,
                     "'" + std::string(symbol->name) + "' is declared twice");
      if (!fresh && !isExtern)
        it->second = symbol;
      scopes.front()[symbol->name] = it->second;
    } else if (!declare(symbol)) {
      return false;
    }
    if (isParam) {
      owner->params.push_back(symbol);
      return true;
    }
  } while (accept(','));
  return true;
}

bool Parser::initializer(Symbol &symbol) {
  symbol.init.assign(symbol.size, 0);
  unsigned bytes = typeBytes(symbol.type);
  uint64_t at = 0;
  unsigned depth = 0;
  do {
    while (accept('{'))
      ++depth;
    if (depth > kMaxNesting)
      return error(token.loc, "initializer nested too deep");
    Loc loc = token.loc;
    if (at + bytes > symbol.size)
      return error(loc, "more initial values than the variable holds");
    bool minus = accept('-');
    uint64_t bits = token.bits;
    if (token.kind == Token::Int) {
      bits = minus ? 0 - bits : bits;
      lex();
    } else if (token.kind == Token::Float) {
      double wide;
      float narrow;
      if (token.single) {
        uint32_t low = static_cast<uint32_t>(bits);
        std::memcpy(&narrow, &low, 4);
        wide = narrow;
      } else {
        std::memcpy(&wide, &bits, 8);
        narrow = static_cast<float>(wide);
      }
      if (minus) {
        wide = -wide;
        narrow = -narrow;
      }
      if (symbol.type == Type::F64 || bytes == 8) {
        std::memcpy(&bits, &wide, 8);
      } else {
        uint32_t low;
        std::memcpy(&low, &narrow, 4);
        bits = low;
      }
      lex();
    } else if (token.kind == Token::Word) {
      bool generic = token.text == "generic";
      if (generic) {
        lex();
        if (!expect('(', "after generic"))
          return false;
      }
      Symbol::Relocation relocation{at, token.text, 0, bytes, token.loc};
      if (token.kind != Token::Word)
        return error(token.loc, "expected a variable name");
      lex();
      if (generic && !expect(')', "after the variable's name"))
        return false;
      if (is('+') || is('-')) {
        bool plus = accept('+');
        if (!integer(relocation.addend))
          return false;
        (void)plus;
      }
      symbol.relocations.push_back(relocation);
      bits = 0;
    } else if (token.kind == Token::Punct && token.text[0] == '}' &&
               depth > 0) {
      goto close; // `{}`: all zero
    } else {
      return error(loc, token.kind == Token::Bad ? std::string(token.text)
                                                 : "expected an initial value");
    }
    std::memcpy(symbol.init.data() + at, &bits, std::min(bytes, 8u));
    at += bytes;
  close:
    while (depth > 0 && accept('}'))
      --depth;
  } while (depth > 0 && accept(','));
  if (depth > 0)
    return expect('}', "at the end of the initial values");
  return true;
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
    return error(token.loc, token.kind == Token::Bad ? std::string(token.text)
                                                     : "expected an operand");
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
    return error(token.loc, token.kind == Token::Bad
                                ? std::string(token.text)
                                : "expected an instruction");
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
    else if (word == ".reqnctapercluster") {
      if (value[0] * value[1] * value[2] != 1)
        return error(loc, "clusters of more than one block are not supported");
    } else if (word != ".minnctapersm" && word != ".maxnreg" &&
               word != ".maxnctapersm" && word != ".noreturn" &&
               word != ".explicitcluster" && word != ".maxclusterrank" &&
               word != ".blocksareclusters" && word != ".pragma" &&
               word != ".abi_preserve" && word != ".abi_preserve_control" &&
               word != ".unified")
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
    return error(loc, token.kind == Token::Bad ? std::string(token.text)
                                               : "expected a directive");
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
  return true;
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
