//===- Ptx.h - PTX text as statements and symbols -------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_PTX_H
#define ET_EMULATOR_PTX_H

#include "et/Emulator/Emulator.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace et::emu {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  U16x2,
  S16x2,
  F16,
  F16x2,
  BF16,
  BF16x2,
  TF32,
  F32,
  F32x2,
  F64,
  E4M3,
  E5M2,
  E4M3x2,
  E5M2x2,
};

/// Type::None when the word names no type.
Type parseType(std::string_view word);
unsigned typeBytes(Type type);
bool isSigned(Type type);
bool isFloat(Type type);

enum class Space : uint8_t {
  Generic,
  Reg,
  Const,
  Global,
  Local,
  Param,
  Shared
};

struct Loc {
  uint32_t line = 0, column = 0;
};

struct Function;

struct Symbol {
  enum Kind : uint8_t { Variable, Func } kind = Variable;
  std::string_view name;
  Loc loc;
  Type type = Type::None;
  Space space = Space::Reg;
  bool isExtern = false;
  uint32_t align = 1;
  uint32_t vector = 1;
  /// Bytes of a variable in memory; 0 for `[]`.
  uint64_t size = 0;
  /// Where a register, a `.param` of a device function or a `.local` variable
  /// lies in its function's frame, or a kernel parameter in its buffer.
  uint32_t offset = 0;
  /// Device address of a module variable once it is loaded.
  uint64_t address = 0;
  std::vector<uint8_t> init;
  struct Relocation {
    uint64_t offset;
    std::string_view target;
    int64_t addend;
    unsigned bytes;
    Loc loc;
  };
  std::vector<Relocation> relocations;
  Function *function = nullptr;
};

struct Operand {
  enum Kind : uint8_t { Name, Int, Float, Vector, Address, List, Sink } kind;
  Loc loc;
  std::string_view text;
  Symbol *symbol = nullptr;
  /// `!p`, or a unary minus before a register.
  bool negated = false;
  /// Int: the value. Float: the IEEE bits, of binary32 if `single`.
  uint64_t bits = 0;
  bool single = false;
  /// Name and Address: the constant added.
  int64_t offset = 0;
  /// Vector, List, Address: what it holds. Name: `q` of `p|q`.
  std::vector<Operand> elements;
};

struct Statement {
  Loc loc;
  std::string_view opcode;
  std::vector<std::string_view> modifiers;
  Symbol *guard = nullptr;
  bool guardNegated = false;
  uint32_t scope = 0;
  std::vector<Operand> operands;
};

struct Function {
  std::string_view name;
  Loc loc;
  bool isEntry = false, hasBody = false;
  /// Its address: its number in the module, from 1.
  uint32_t number = 0;
  std::vector<Symbol *> params, results;
  std::vector<Statement> body;
  /// Parent of each brace scope; scope 0 is the body itself.
  std::vector<uint32_t> scopes;
  /// Label to statement index, by scope.
  std::vector<std::unordered_map<std::string_view, uint32_t>> labels;
  /// `.branchtargets` lists, and `.callprototype` labels (empty lists).
  std::unordered_map<std::string_view, std::vector<std::string_view>> tables;
  /// Bytes of one warp's frame: every register, 32 lanes wide.
  uint32_t frameBytes = 0;
  /// Bytes of `.local` variables a thread.
  uint32_t localBytes = 0;
  uint32_t paramBytes = 0;
  uint32_t requiredThreads[3] = {0, 0, 0};
  uint32_t maxThreads[3] = {0, 0, 0};
  /// Of `.maxnreg`.
  uint32_t maxRegisters = 0;
};

/// A parsed module. Views point into `text`.
struct PtxModule {
  std::string name, text;
  std::string target;
  unsigned version = 0;
  std::deque<Symbol> symbols;
  std::deque<Function> functions;
  /// Module-scope variables in the order of declaration.
  std::vector<Symbol *> variables;
  std::unordered_map<std::string_view, Symbol *> globals;
};

/// Parses `text`. Null, with `diag` filled, at the first error.
std::unique_ptr<PtxModule> parsePtx(std::string_view text, std::string name,
                                    Diagnostic &diag);

} // namespace et::emu

#endif // ET_EMULATOR_PTX_H
