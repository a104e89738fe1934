//===- Decoder.cpp - Statements to instructions ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "FloatBits.h"

#include <algorithm>
#include <cstring>

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

Ref Decoder::constant(uint64_t value, unsigned bytes) {
  auto [it, fresh] = constantsBySize[bytes].try_emplace(value, 0);
  if (!fresh)
    return it->second;
  uint32_t at = static_cast<uint32_t>(kernel.constants.size() * 8);
  if (bytes == 1) { // A predicate: one word.
    kernel.constants.push_back(value ? ~uint64_t(0) : 0);
    kernel.constants.resize((kernel.constants.size() + 7) / 8 * 8);
  } else {
    kernel.constants.resize(kernel.constants.size() + bytes * 4);
    auto *to = reinterpret_cast<uint8_t *>(kernel.constants.data()) + at;
    for (int lane = 0; lane < 32; ++lane)
      std::memcpy(to + lane * bytes, &value, std::min(bytes, 8u));
  }
  return it->second = at | kConstantBit;
}

Ref Decoder::temp(Type type) {
  frameBytes = (frameBytes + 63) / 64 * 64;
  Ref at = frameBytes;
  frameBytes += type == Type::Pred ? 4 : 32 * std::max(2u, typeBytes(type));
  return at;
}

static unsigned laneBytes(Type type) {
  return type == Type::Pred ? 1 : std::max(2u, typeBytes(type));
}

bool Decoder::sharedAddress(const Symbol *symbol, uint64_t &address) {
  auto it = shared.find(symbol);
  if (it == shared.end())
    return error("'" + std::string(symbol->name) + "' has no place in memory");
  address = it->second;
  return true;
}

bool Decoder::symbolAddress(const Operand &operand, uint64_t &address,
                            bool &needsFrame) {
  const Symbol *symbol = operand.symbol;
  needsFrame = false;
  if (symbol->kind == Symbol::Func) {
    if (!symbol->function->hasBody)
      return error(operand.loc, "function '" + std::string(symbol->name) +
                                    "' has no body in this module");
    functionIndex(*symbol->function);
    address = symbol->function->number;
    return true;
  }
  switch (symbol->space) {
  case Space::Global:
  case Space::Const:
    if (!symbol->address)
      return error(operand.loc, "'" + std::string(symbol->name) +
                                    "' is declared extern and nowhere defined");
    address = symbol->address + operand.offset;
    return true;
  case Space::Shared:
    if (!sharedAddress(symbol, address))
      return false;
    address += operand.offset;
    return true;
  case Space::Local:
    needsFrame = true;
    address = symbol->offset + operand.offset;
    return true;
  case Space::Param:
    if (inEntry() && std::find(function->params.begin(), function->params.end(),
                               symbol) != function->params.end()) {
      address = symbol->offset + operand.offset;
      return true;
    }
    return error(operand.loc, "the address of a device function's parameter "
                              "is not supported");
  default:
    return error(operand.loc,
                 "'" + std::string(operand.text) + "' has no address");
  }
}

Ref Decoder::convertImmediate(const Operand &operand, Type type) {
  unsigned bytes = laneBytes(type);
  if (operand.kind == Operand::Int) {
    uint64_t value = operand.bits;
    if (type == Type::F32 || type == Type::F64) {
      error(operand.loc, "an integer stands where a floating-point value is "
                         "expected; write 0f... or 0d...");
      return 0;
    }
    if (bytes < 8)
      value &= (uint64_t(1) << (8 * bytes)) - 1;
    if (type == Type::Pred)
      value = operand.bits != 0;
    return constant(value, bytes);
  }
  double wide;
  float narrow;
  if (operand.single) {
    narrow = bitsToFloat(static_cast<uint32_t>(operand.bits));
    wide = narrow;
  } else {
    wide = bitsToDouble(operand.bits);
    narrow = static_cast<float>(wide);
  }
  switch (type) {
  case Type::F64:
    return constant(doubleToBits(wide), 8);
  case Type::F16:
    return constant(floatToHalf(narrow), 2);
  case Type::BF16:
    return constant(floatToBfloat(narrow), 2);
  default:
    if (bytes == 4)
      return constant(operand.single ? operand.bits : floatToBits(narrow), 4);
    if (bytes == 8)
      return constant(operand.single ? doubleToBits(wide) : operand.bits, 8);
    error(operand.loc, "a floating-point constant does not fit here");
    return 0;
  }
}

Ref Decoder::use(const Operand &operand, Type type) {
  return place(operand, type, Place::Use);
}

Ref Decoder::place(const Operand &operand, Type type, Place::Role role) {
  if (failed)
    return 0;
  unsigned bytes = laneBytes(type);
  switch (operand.kind) {
  case Operand::Int:
  case Operand::Float:
    return convertImmediate(operand, type);
  case Operand::Name:
    break;
  default:
    error(operand.loc, "a register or a constant is expected here");
    return 0;
  }
  const Symbol *symbol = operand.symbol;
  if (!symbol) {
    if (operand.text == "WARP_SZ")
      return constant(32, bytes);
    Inst move;
    Type found = Type::None;
    if (operand.text[0] == '%' &&
        execSet().special(*this, operand.text, move, found)) {
      if (laneBytes(found) != bytes) {
        error(operand.loc, "'" + std::string(operand.text) + "' is " +
                               std::to_string(8 * laneBytes(found)) +
                               " bits wide, the instruction takes " +
                               std::to_string(8 * bytes));
        return 0;
      }
      move.op[0] = temp(found);
      emitExtra(move);
      return move.op[0];
    }
    error(operand.loc, "'" + std::string(operand.text) + "' is not declared");
    return 0;
  }
  if (symbol->space == Space::Reg && symbol->kind == Symbol::Variable) {
    if (laneBytes(symbol->type) != bytes ||
        (symbol->type == Type::Pred) != (type == Type::Pred)) {
      error(operand.loc, "register '" + std::string(operand.text) + "' is " +
                             std::to_string(8 * laneBytes(symbol->type)) +
                             " bits wide, the instruction takes " +
                             std::to_string(8 * bytes));
      return 0;
    }
    if (operand.negated && type != Type::Pred) {
      error(operand.loc, "a register cannot be negated in place");
      return 0;
    }
    places.push_back({role, static_cast<uint8_t>(bytes), symbol->offset});
    return symbol->offset;
  }
  uint64_t address = 0;
  bool needsFrame;
  if (!symbolAddress(operand, address, needsFrame))
    return 0;
  if (bytes < 4) {
    error(operand.loc, "an address does not fit in 16 bits");
    return 0;
  }
  if (!needsFrame)
    return constant(bytes == 4 ? uint32_t(address) : address, bytes);
  Inst move;
  move.fn = execSet().localAddress;
  move.op[0] = temp(type);
  move.m[0] = static_cast<uint8_t>(bytes);
  move.imm = address;
  move.cls = Class::Move;
  emitExtra(move);
  return move.op[0];
}

static bool isRegister(const Operand &operand) {
  return operand.kind == Operand::Name && operand.symbol &&
         operand.symbol->kind == Symbol::Variable &&
         operand.symbol->space == Space::Reg;
}

Ref Decoder::def(const Operand &operand, Type type) {
  if (failed)
    return 0;
  if (operand.kind == Operand::Sink)
    return temp(type);
  if (!isRegister(operand)) {
    error(operand.loc,
          operand.kind == Operand::Name && !operand.symbol
              ? "'" + std::string(operand.text) + "' is not declared"
              : "a register is expected as the destination");
    return 0;
  }
  return place(operand, type, Place::Def);
}

Ref Decoder::useWide(const Operand &operand, Type type, uint8_t &bytes) {
  return placeWide(operand, type, bytes, Place::Use);
}

Ref Decoder::placeWide(const Operand &operand, Type type, uint8_t &bytes,
                       Place::Role role) {
  if (isRegister(operand)) {
    bytes = static_cast<uint8_t>(laneBytes(operand.symbol->type));
    if (operand.symbol->type == Type::Pred || bytes < typeBytes(type)) {
      error(operand.loc, "register '" + std::string(operand.text) +
                             "' is too narrow for the instruction's type");
      return 0;
    }
    places.push_back({role, bytes, operand.symbol->offset});
    return operand.symbol->offset;
  }
  bytes = static_cast<uint8_t>(laneBytes(type));
  return use(operand, type);
}

Ref Decoder::defWide(const Operand &operand, Type type, uint8_t &bytes) {
  if (operand.kind == Operand::Sink) {
    bytes = static_cast<uint8_t>(laneBytes(type));
    return temp(type);
  }
  if (!isRegister(operand)) {
    error(operand.loc,
          operand.kind == Operand::Name && !operand.symbol
              ? "'" + std::string(operand.text) + "' is not declared"
              : "a register is expected as the destination");
    return 0;
  }
  return placeWide(operand, type, bytes, Place::Def);
}

Ref Decoder::usePred(const Operand &operand) {
  if (operand.kind == Operand::Int)
    return constant(operand.bits != 0, 1);
  Ref ref = use(operand, Type::Pred);
  if (!operand.negated || failed)
    return ref;
  Inst flip;
  flip.fn = execSet().notPred;
  flip.op[0] = temp(Type::Pred);
  flip.op[1] = ref;
  flip.cls = Class::Predicate;
  places.back().at = flip.op[0];
  emitExtra(flip);
  return flip.op[0];
}

Ref Decoder::defPred(const Operand &operand) {
  return def(operand, Type::Pred);
}

bool Decoder::address(const Operand &operand, Space space, int slot,
                      uint8_t &is32) {
  if (failed)
    return false;
  if (operand.kind != Operand::Address || operand.elements.empty())
    return error(operand.loc, "an address in brackets is expected here");
  const Operand &base = operand.elements[0];
  is32 = 0;
  inst.imm = 0;
  if (isRegister(base)) {
    unsigned bytes = laneBytes(base.symbol->type);
    if (base.symbol->type == Type::Pred || (bytes != 4 && bytes != 8))
      return error(base.loc, "an address register is 32 or 64 bits wide");
    is32 = bytes == 4;
    inst.op[slot] = base.symbol->offset;
    places.push_back(
        {Place::Address, static_cast<uint8_t>(bytes), inst.op[slot]});
    inst.imm = static_cast<uint64_t>(base.offset);
    return true;
  }
  if (base.kind == Operand::Int) {
    inst.op[slot] = constant(base.bits, 8);
    return true;
  }
  if (base.kind != Operand::Name || !base.symbol)
    return error(base.loc, "'" + std::string(base.text) +
                               "' is no address that is known here");
  Operand plain = base;
  plain.offset = 0;
  inst.imm = static_cast<uint64_t>(base.offset);
  Space found = base.symbol->space;
  if (space == Space::Generic && found != Space::Global &&
      found != Space::Const) {
    uint64_t at;
    bool needsFrame;
    if (!symbolAddress(plain, at, needsFrame))
      return false;
    inst.imm += found == Space::Shared  ? kSharedWindow
                : found == Space::Local ? kLocalWindow
                                        : kParamWindow;
  } else if (space != Space::Generic && found != space &&
             !(space == Space::Global && found == Space::Const)) {
    return error(base.loc, "'" + std::string(base.text) +
                               "' is not in the instruction's state space");
  }
  inst.op[slot] = use(plain, Type::B64);
  return !failed;
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
  if (inst.track == Track::Spread && shows)
    inst.track = Track::Use;
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
