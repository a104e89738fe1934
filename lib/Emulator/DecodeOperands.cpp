//===- DecodeOperands.cpp - Operands as places of lanes -------------------===//
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
      places.push_back({role, static_cast<uint8_t>(bytes), move.op[0]});
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
  places.push_back({role, static_cast<uint8_t>(bytes), move.op[0]});
  return move.op[0];
}

static bool isRegister(const Operand &operand) {
  return operand.kind == Operand::Name && operand.symbol &&
         operand.symbol->kind == Symbol::Variable &&
         operand.symbol->space == Space::Reg;
}

bool Decoder::isDestination(const Operand &operand) {
  if (isRegister(operand))
    return true;
  return error(operand.loc,
               operand.kind == Operand::Name && !operand.symbol
                   ? "'" + std::string(operand.text) + "' is not declared"
                   : "a register is expected as the destination");
}

Ref Decoder::def(const Operand &operand, Type type) {
  if (failed)
    return 0;
  if (operand.kind == Operand::Sink)
    return temp(type);
  return isDestination(operand) ? place(operand, type, Place::Def) : 0;
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
  return isDestination(operand) ? placeWide(operand, type, bytes, Place::Def)
                                : 0;
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
