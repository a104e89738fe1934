//===- Lexer.cpp - PTX tokens ---------------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"

#include <cstdlib>
#include <cstring>

using namespace et::emu;

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isHex(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
static bool isWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || c == '%' || c == '.';
}
static bool isWord(char c) { return isWordStart(c) || isDigit(c); }

bool Lexer::skipSpace() {
  while (pos < text.size()) {
    char c = text[pos];
    if (c == '\n') {
      ++pos;
      ++line;
      column = 1;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\0') {
      advance(1);
    } else if (c == '/' && pos + 1 < text.size() && text[pos + 1] == '/') {
      while (pos < text.size() && text[pos] != '\n')
        advance(1);
    } else if (c == '/' && pos + 1 < text.size() && text[pos + 1] == '*') {
      size_t end = text.find("*/", pos + 2);
      if (end == std::string_view::npos)
        return false;
      for (; pos < end + 2; ++pos) {
        ++column;
        if (text[pos] == '\n') {
          ++line;
          column = 1;
        }
      }
    } else if (c == '#' && column == 1) {
      while (pos < text.size() && text[pos] != '\n')
        advance(1);
    } else {
      break;
    }
  }
  return true;
}

Token Lexer::number(Token token) {
  size_t start = pos;
  char second = pos + 1 < text.size() ? text[pos + 1] : ' ';
  bool zero = text[pos] == '0';
  auto digits = [&](size_t from, unsigned base, size_t want) -> size_t {
    size_t end = from;
    uint64_t value = 0;
    for (; end < text.size() && isHex(text[end]); ++end) {
      char c = text[end];
      unsigned digit = isDigit(c) ? c - '0' : (c | 32) - 'a' + 10;
      if (digit >= base || (want && end - from == want))
        break;
      value = value * base + digit;
    }
    token.bits = value;
    return want && end - from != want ? from : end;
  };
  size_t end = pos;
  token.kind = Token::Int;
  if (zero &&
      (second == 'f' || second == 'F' || second == 'd' || second == 'D')) {
    token.kind = Token::Float;
    token.single = (second | 32) == 'f';
    end = digits(pos + 2, 16, token.single ? 8 : 16);
    if (end == pos + 2) {
      token.kind = Token::Bad;
      token.text = "a hexadecimal floating-point constant has 8 digits after "
                   "0f or 16 after 0d";
      return token;
    }
  } else if (zero && (second == 'x' || second == 'X')) {
    end = digits(pos + 2, 16, 0);
  } else if (zero && (second == 'b' || second == 'B')) {
    end = digits(pos + 2, 2, 0);
  } else {
    while (end < text.size() && isDigit(text[end]))
      ++end;
    bool real =
        end < text.size() && (text[end] == '.' || (text[end] | 32) == 'e');
    if (real) {
      char *stop = nullptr;
      std::string copy(text.substr(pos, 64));
      double value = std::strtod(copy.c_str(), &stop);
      end = pos + (stop - copy.c_str());
      token.kind = Token::Float;
      std::memcpy(&token.bits, &value, 8);
    } else {
      digits(pos, zero && end - pos > 1 ? 8 : 10, 0);
    }
  }
  if (token.kind == Token::Int && end < text.size() && text[end] == 'U')
    ++end;
  if (end < text.size() && isWord(text[end])) {
    token.kind = Token::Bad;
    token.text = "malformed number";
    return token;
  }
  token.text = text.substr(start, end - start);
  advance(end - start);
  return token;
}

Token Lexer::next() {
  Token token = read();
  if (token.kind == Token::Bad)
    pos = text.size(); // Nothing after it makes sense, so nothing is read.
  return token;
}

Token Lexer::read() {
  Token token;
  if (!skipSpace()) {
    token.loc = {line, column};
    token.kind = Token::Bad;
    token.text = "comment without an end";
    return token;
  }
  token.loc = {line, column};
  if (pos >= text.size())
    return token;
  char c = text[pos];
  if (isDigit(c))
    return number(token);
  if (isWordStart(c)) {
    size_t end = pos + 1;
    while (end < text.size()) {
      if (isWord(text[end]))
        ++end;
      else if (text[end] == ':' && end + 2 < text.size() &&
               text[end + 1] == ':' && isWord(text[end + 2]))
        end += 2;
      else
        break;
    }
    token.kind = Token::Word;
    token.text = text.substr(pos, end - pos);
    advance(end - pos);
    return token;
  }
  if (c == '"') {
    size_t end = pos + 1;
    while (end < text.size() && text[end] != '"' && text[end] != '\n')
      end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size() || text[end] != '"') {
      token.kind = Token::Bad;
      token.text = "string without an end";
      return token;
    }
    token.kind = Token::String;
    token.text = text.substr(pos + 1, end - pos - 1);
    advance(end + 1 - pos);
    return token;
  }
  if (std::strchr("{}[]()<>,;:|!@=+-~*?/&^", c)) {
    token.kind = Token::Punct;
    token.text = text.substr(pos, 1);
    advance(1);
    return token;
  }
  token.kind = Token::Bad;
  token.text = "character that is no part of PTX";
  return token;
}
