//===- Decoder.cpp - Statements to instructions ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "Undefined.h"

#include <algorithm>

using namespace et::emu;

bool Decoder::error(Loc loc, const std::string &message) {
  if (!failed) {
    failed = true;
    diag.line = loc.line;
    diag.column = loc.column;
    diag.message = message;
  }
  return false;
}

static std::string fullName(const Statement &statement) {
  std::string name(statement.opcode);
  for (std::string_view m : statement.modifiers)
    name += "." + std::string(m);
  return name;
}

bool Decoder::unsupported(const std::string &what) {
  return error("'" + fullName(*statement) + "': " + what +
               "; docs/Emulator.md lists what is supported");
}

bool Decoder::take(std::string_view modifier) {
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i] && statement->modifiers[i] == modifier) {
      taken[i] = true;
      return true;
    }
  return false;
}

std::string_view
Decoder::takeAny(std::initializer_list<std::string_view> words) {
  for (std::string_view word : words)
    if (take(word))
      return word;
  return {};
}

Type Decoder::takeType() {
  for (size_t i = 0; i < taken.size(); ++i) {
    if (taken[i])
      continue;
    Type type = parseType(statement->modifiers[i]);
    if (type != Type::None) {
      taken[i] = true;
      inst.type = type;
      return type;
    }
  }
  return Type::None;
}

std::string_view Decoder::next() const {
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i])
      return statement->modifiers[i];
  return {};
}

size_t Decoder::left() const {
  return static_cast<size_t>(std::count(taken.begin(), taken.end(), false));
}

void Decoder::takeHints() {
  for (size_t i = 0; i < taken.size(); ++i) {
    std::string_view word = statement->modifiers[i];
    if (word.substr(0, 4) == "L1::" || word.substr(0, 4) == "L2::" ||
        word == "ca" || word == "cg" || word == "cs" || word == "lu" ||
        word == "cv" || word == "wb" || word == "wt" || word == "nc" ||
        word == "level::eviction_priority")
      taken[i] = true;
  }
}

bool Decoder::operands(size_t least, size_t most) {
  if (count() >= least && count() <= most)
    return true;
  return error("'" + fullName(*statement) + "' takes " + std::to_string(least) +
               (most == least ? "" : " to " + std::to_string(most)) +
               " operands, " + std::to_string(count()) + " given");
}

bool Decoder::list(const std::vector<Ref> &refs) {
  if (failed)
    return false;
  inst.extra = static_cast<uint32_t>(kernel.extra.size());
  inst.extraCount = static_cast<uint16_t>(refs.size());
  kernel.extra.insert(kernel.extra.end(), refs.begin(), refs.end());
  return true;
}

bool Decoder::immediate(const Operand &operand, int64_t &value) {
  if (operand.kind == Operand::Name && operand.text == "WARP_SZ") {
    value = 32;
    return true;
  }
  if (operand.kind != Operand::Int)
    return error(operand.loc, "an integer constant is expected here");
  value = static_cast<int64_t>(operand.bits);
  return true;
}

void Decoder::emitExtra(const Inst &other) {
  kernel.code.push_back(other);
  kernel.code.back().line = statement->loc.line;
  uint8_t bytes = other.fn == execSet().notPred ? 1 : 8;
  kernel.places.push_back({Place::Def, bytes, other.op[0]});
  if (other.op[1] != kNone && !(other.op[1] & kConstantBit))
    kernel.places.push_back({Place::Use, bytes, other.op[1]});
  kernel.placesEnd.push_back(static_cast<uint32_t>(kernel.places.size()));
}

bool Decoder::emit(ExecFn fn, Class cls) {
  if (failed)
    return false;
  if (!fn)
    return unsupported("this form is not supported");
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i])
      return unsupported("modifier '." + std::string(statement->modifiers[i]) +
                         "' is not supported");
  inst.fn = fn;
  inst.cls = cls;
  inst.line = statement->loc.line;
  if (statement->guard) {
    inst.guard = statement->guard->offset;
    inst.guardFlip = statement->guardNegated ? ~0u : 0;
  }
  bool shows = inst.m[6] != FlowNext || cls == Class::Branch ||
               cls == Class::Barrier || cls == Class::Atomic ||
               cls == Class::Async;
  if (inst.track == Track::Spread) {
    if (shows)
      inst.track = Track::Use;
    else
      chooseTrack(inst, statement->opcode, statement->modifiers);
  }
  if (cls == Class::Shuffle)
    inst.track = Track::Own;
  kernel.code.push_back(inst);
  kernel.places.insert(kernel.places.end(), places.begin(), places.end());
  kernel.placesEnd.push_back(static_cast<uint32_t>(kernel.places.size()));
  kernel.forms.resize(kernel.code.size());
  kernel.forms.back() = fullName(*statement);
  return true;
}

const Symbol *Decoder::paramSymbol(const Operand &operand) const {
  if (operand.kind != Operand::Name || !operand.symbol ||
      operand.symbol->kind != Symbol::Variable ||
      operand.symbol->space != Space::Param)
    return nullptr;
  return operand.symbol;
}

uint32_t Decoder::functionIndex(const Function &callee) {
  for (size_t i = 0; i < callees.size(); ++i)
    if (callees[i] == &callee)
      return static_cast<uint32_t>(i);
  callees.push_back(&callee);
  kernel.functionAt[callee.number] = static_cast<uint32_t>(callees.size() - 1);
  return static_cast<uint32_t>(callees.size() - 1);
}

uint32_t Decoder::branchTarget(const Operand &operand) {
  if (operand.kind != Operand::Name) {
    error(operand.loc, "a label is expected here");
    return kNone;
  }
  for (uint32_t scope = statement->scope;;) {
    auto it = function->labels[scope].find(operand.text);
    if (it != function->labels[scope].end())
      return it->second;
    if (scope == 0)
      break;
    scope = function->scopes[scope];
  }
  error(operand.loc,
        "label '" + std::string(operand.text) + "' is not in this function");
  return kNone;
}

bool Decoder::decodeFunction(uint32_t index) {
  function = callees[index];
  uint32_t begin = static_cast<uint32_t>(kernel.code.size());
  frameBytes = function->frameBytes;
  std::vector<uint32_t> startOf(function->body.size() + 1);
  for (size_t i = 0; i < function->body.size(); ++i) {
    statement = &function->body[i];
    startOf[i] = static_cast<uint32_t>(kernel.code.size());
    taken.assign(statement->modifiers.size(), false);
    inst = Inst();
    places.clear();
    auto it = execSet().ops.find(statement->opcode);
    if (it == execSet().ops.end())
      return unsupported("this opcode is not supported");
    if (!it->second(*this) || failed) {
      if (!failed)
        unsupported("this form is not supported");
      return false;
    }
  }
  uint32_t last = static_cast<uint32_t>(kernel.code.size());
  startOf[function->body.size()] = last;
  // One return at the end, where all that return meet again.
  Statement end;
  end.loc = statement ? statement->loc : function->loc;
  end.opcode = function->isEntry ? "exit" : "ret_here";
  statement = &end;
  taken.clear();
  inst = Inst();
  places.clear();
  execSet().ops.at(end.opcode)(*this);
  statement = nullptr;
  auto resolve = [&](uint32_t target) {
    return target == kReturnLabel ? last : startOf[target];
  };
  for (uint32_t pc = begin; pc < kernel.code.size(); ++pc) {
    Inst &inst = kernel.code[pc];
    if (inst.m[6] == FlowBranch)
      inst.target = resolve(inst.target);
    else if (inst.m[6] == FlowTable)
      for (uint32_t k = 0; k < inst.extraCount; ++k)
        kernel.extra[inst.extra + k] = resolve(kernel.extra[inst.extra + k]);
  }
  findReconvergence(kernel.code, kernel.extra, begin,
                    static_cast<uint32_t>(kernel.code.size()));
  FunctionInfo info;
  info.name = function->name;
  info.entry = begin;
  info.frameBytes = (frameBytes + 63) / 64 * 64;
  info.localBytes = function->localBytes;
  auto params = [](const std::vector<Symbol *> &from,
                   std::vector<FunctionInfo::Param> &to) {
    for (const Symbol *symbol : from)
      to.push_back({symbol->offset, static_cast<uint32_t>(symbol->size)});
  };
  if (!function->isEntry) {
    params(function->params, info.params);
    params(function->results, info.results);
  }
  kernel.functions.resize(std::max<size_t>(kernel.functions.size(), index + 1));
  kernel.functions[index] = std::move(info);
  return true;
}

/// All functions that a function names, itself included.
static void reach(const Function &fn, std::vector<const Function *> &seen) {
  if (std::find(seen.begin(), seen.end(), &fn) != seen.end())
    return;
  seen.push_back(&fn);
  for (const Statement &s : fn.body)
    for (const Operand &o : s.operands)
      if (o.symbol && o.symbol->kind == Symbol::Func)
        reach(*o.symbol->function, seen);
}

static bool names(const Operand &operand, const Symbol *symbol) {
  if (operand.symbol == symbol)
    return true;
  for (const Operand &e : operand.elements)
    if (names(e, symbol))
      return true;
  return false;
}

bool Decoder::run(const Function &entry) {
  std::vector<const Function *> reached;
  reach(entry, reached);
  // Shared variables in the order of declaration, those without a size last.
  uint64_t bytes = 0;
  std::vector<const Symbol *> open;
  for (const Symbol *symbol : module.variables) {
    if (symbol->space != Space::Shared)
      continue;
    bool used = false;
    for (const Function *fn : reached)
      for (const Statement &s : fn->body)
        for (const Operand &o : s.operands)
          used |= names(o, symbol);
    if (!used)
      continue;
    if (symbol->size == 0) {
      open.push_back(symbol);
      sharedAlign = std::max(sharedAlign, symbol->align);
      continue;
    }
    bytes = (bytes + symbol->align - 1) / symbol->align * symbol->align;
    shared[symbol] = static_cast<uint32_t>(bytes);
    bytes += symbol->size;
  }
  if (!open.empty())
    bytes = (bytes + sharedAlign - 1) / sharedAlign * sharedAlign;
  for (const Symbol *symbol : open)
    shared[symbol] = static_cast<uint32_t>(bytes);
  if (bytes > 1 << 20)
    return error(entry.loc, "kernel '" + std::string(entry.name) +
                                "' asks for " + std::to_string(bytes) +
                                " bytes of static shared memory");
  kernel.staticShared = static_cast<uint32_t>(bytes);
  callees.push_back(&entry);
  for (uint32_t i = 0; i < callees.size(); ++i)
    if (!decodeFunction(i))
      return false;
  kernel.constants.resize(kernel.constants.size() + 64);
  kernel.forms.resize(kernel.code.size());
  return !failed;
}
