//===- Decoder.h - Statements to instructions -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each opcode has one function that reads a statement's modifiers and operands
// and fills an instruction. A modifier that no one took is an error, so that
// nothing is run that was only half understood.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_DECODER_H
#define ET_EMULATOR_DECODER_H

#include "Machine.h"

#include <initializer_list>
#include <unordered_map>

namespace et::emu {

class Decoder;
using DecodeFn = bool (*)(Decoder &);
using OpTable = std::unordered_map<std::string_view, DecodeFn>;

/// The instruction functions, compiled for the best instruction set that the
/// host has.
struct ExecSet {
  OpTable ops;
  void (*run)(Warp &, uint64_t slice) = nullptr;
  /// `mov` from a special register, by name; false when unknown.
  bool (*special)(Decoder &, std::string_view name, Inst &inst,
                  Type &type) = nullptr;
  /// dst = frame's local base + imm.
  ExecFn localAddress = nullptr, notPred = nullptr;
};
const ExecSet &execSet();

class Decoder {
public:
  Decoder(Kernel &kernel, const PtxModule &module, Memory &memory,
          Diagnostic &diag)
      : kernel(kernel), module(module), memory(memory), diag(diag) {}
  bool run(const Function &entry);

  // What the statement says.
  std::string_view opcode() const { return statement->opcode; }
  bool take(std::string_view modifier);
  /// The first word of the list that is there, or an empty one.
  std::string_view takeAny(std::initializer_list<std::string_view> words);
  /// The next modifier not yet taken that names a type.
  Type takeType();
  /// The next modifier not yet taken, of so many that are left.
  std::string_view next() const;
  size_t left() const;
  /// Drops what changes nothing here: cache hints, scopes of plain accesses.
  void takeHints();
  /// The order and the scope of an access; whether it is stronger than weak.
  /// Within a block order asks for nothing.
  bool takeOrder() {
    take("mmio");
    std::string_view order =
        takeAny({"volatile", "relaxed", "acquire", "release", "acq_rel"});
    bool isWide = takeAny({"cta", "cluster", "gpu", "sys"}) != "cta";
    inst.acquires = isWide && (order == "acquire" || order == "acq_rel");
    inst.releases = isWide && (order == "release" || order == "acq_rel");
    return !order.empty();
  }
  size_t count() const { return statement->operands.size(); }
  const Operand &arg(size_t i) const { return statement->operands[i]; }
  /// True when there are between `least` and `most` operands.
  bool operands(size_t least, size_t most);
  bool operands(size_t n) { return operands(n, n); }

  // Operands as places of 32 lanes.
  Ref use(const Operand &operand, Type type);
  Ref def(const Operand &operand, Type type);
  /// Any register at least as wide; `bytes` is the width of its lanes.
  Ref useWide(const Operand &operand, Type type, uint8_t &bytes);
  Ref defWide(const Operand &operand, Type type, uint8_t &bytes);
  Ref usePred(const Operand &operand);
  Ref defPred(const Operand &operand);
  Ref constant(uint64_t value, unsigned bytes);
  Ref temp(Type type);
  /// Fills `inst.op[slot]`, `inst.imm` and the flag for 32-bit bases.
  bool address(const Operand &operand, Space space, int slot, uint8_t &is32);
  bool list(const std::vector<Ref> &refs);
  /// The instruction reads the carry or sets it.
  void carry(Place::Role role) { places.push_back({role, 1, kCarry}); }
  /// An immediate integer.
  bool immediate(const Operand &operand, int64_t &value);
  /// A constant known now, register operands excluded.
  bool isImmediate(const Operand &operand) const {
    return operand.kind == Operand::Int;
  }

  Inst inst;
  bool emit(ExecFn fn, Class cls);
  /// Emits an instruction before or after the one being decoded.
  void emitExtra(const Inst &other);
  bool error(const std::string &message) {
    return error(statement->loc, message);
  }
  bool error(Loc loc, const std::string &message);
  bool unsupported(const std::string &what);

  /// The `.param` block of a device function or of a call, or a kernel's.
  const Symbol *paramSymbol(const Operand &operand) const;
  bool inEntry() const { return function->isEntry; }
  uint32_t functionIndex(const Function &callee);
  uint32_t branchTarget(const Operand &operand);
  /// Index of the last instruction of the function, which returns.
  static constexpr uint32_t kReturnLabel = 0xffff'fff0;

  const Statement *statement = nullptr;
  const Function *function = nullptr;
  Kernel &kernel;
  const PtxModule &module;
  Memory &memory;

private:
  bool decodeFunction(uint32_t index);
  Ref place(const Operand &operand, Type type, Place::Role role);
  /// Whether a destination is a register; says so if not.
  bool isDestination(const Operand &operand);
  Ref placeWide(const Operand &operand, Type type, uint8_t &bytes,
                Place::Role role);
  Ref convertImmediate(const Operand &operand, Type type);
  bool sharedAddress(const Symbol *symbol, uint64_t &address);
  bool symbolAddress(const Operand &operand, uint64_t &address,
                     bool &needsFrame);

  Diagnostic &diag;
  bool failed = false;
  std::vector<bool> taken;
  /// Operands of the instruction being decoded.
  std::vector<Place> places;
  std::vector<const Function *> callees;
  std::unordered_map<const Symbol *, uint32_t> shared;
  uint32_t sharedAlign = 16;
  std::vector<std::pair<uint64_t, Ref>> constantPool[4];
  std::unordered_map<uint64_t, Ref> constantsBySize[17];
  uint32_t frameBytes = 0;
};

/// Fills `reconverge` of the branches in [begin, end): the first instruction
/// of the block that post-dominates the branch.
void findReconvergence(std::vector<Inst> &code, const std::vector<Ref> &extra,
                       uint32_t begin, uint32_t end);

/// How control leaves an instruction; set by the decoders of control flow in
/// `m[6]`.
enum Flow : uint8_t { FlowNext, FlowBranch, FlowTable, FlowExit };

} // namespace et::emu

#endif // ET_EMULATOR_DECODER_H
