//===- ParseDeclarations.cpp - Registers and variables of PTX -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include <algorithm>
#include <cstring>

using namespace et::emu;

/// Bounds that keep a hostile text from exhausting the host.
static constexpr uint64_t kMaxRegisters = 1 << 18;
static constexpr uint64_t kMaxVariableBytes = uint64_t(1) << 30;

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
    return error(token.loc, "expected an integer");
  value = static_cast<int64_t>(minus ? 0 - token.bits : token.bits);
  lex();
  return true;
}

static uint32_t registerBytes(Type type) {
  return type == Type::Pred ? 4 : 32 * std::max(2u, typeBytes(type));
}

bool Parser::registers(Function &fn) {
  if (token.kind != Token::Word || token.text.size() < 2)
    return error(token.loc, "expected a type after .reg");
  if (token.text == ".v2" || token.text == ".v4") {
    return error(token.loc, "vector registers are not supported; declare "
                            "scalars and use {a, b}");
  }
  Type type = parseType(token.text.substr(1));
  if (type == Type::None)
    return error(token.loc, "'" + std::string(token.text) +
                                "' is no register type that is supported");

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
      return error(loc, "expected an initial value");
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
