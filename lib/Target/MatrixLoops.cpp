//===- MatrixLoops.cpp - Main loops of disassembled kernels ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops are natural loops of the control-flow graph: a branch to a block that
// dominates it closes one. Distances alone would not do, as the assembler puts
// what seldom runs, such as a failed wait, behind everything else.
//
//===----------------------------------------------------------------------===//

#include "et/Target/KernelFacts.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace mlir;
using namespace mlir::et;

/// Bytes of an instruction, since Volta.
static constexpr uint64_t kInstructionBytes = 16;

namespace {
struct Instruction {
  StringRef opcode, operands;
  bool isPredicated;

  StringRef base() const { return opcode.split('.').first; }
  /// HMMA, HGMMA, QMMA, UTCHMMA, ...; HFMA2.MMA is no matrix instruction.
  bool isMatrix() const { return base().ends_with("MMA"); }
  /// Multiply-adds of a warp.
  uint64_t macs() const;
  /// Tries whether an mbarrier's phase is over.
  bool isWait() const { return opcode.contains("TRYWAIT"); }
};

/// Half-open range of instructions, and the blocks that may follow.
struct Block {
  unsigned first, last;
  SmallVector<unsigned, 2> next;
};

struct Loop {
  unsigned header;
  llvm::BitVector blocks;
};

class Function {
public:
  explicit Function(std::vector<Instruction> code) : code(std::move(code)) {
    split();
    findLoops();
  }

  std::vector<MatrixLoop> matrixLoops() const;
  std::vector<std::pair<std::string, unsigned>> matrixInstructions() const;
  /// Every kernel starts with its stack's address.
  bool isEmpty() const {
    return code.size() > 1 && code[1].opcode == "EXIT" && !code[1].isPredicated;
  }

private:
  std::optional<unsigned> target(unsigned at) const;
  SmallVector<unsigned, 2> successors(unsigned at) const;
  void split();
  void findLoops();
  template <typename Callable>
  void forEachInstruction(const llvm::BitVector &in, Callable visit) const {
    for (unsigned block : in.set_bits())
      for (unsigned i = blocks[block].first; i < blocks[block].last; ++i)
        visit(code[i]);
  }
  bool anyOf(const llvm::BitVector &in, bool (Instruction::*is)() const) const {
    bool found = false;
    forEachInstruction(in, [&](const Instruction &i) { found |= (i.*is)(); });
    return found;
  }

  std::vector<Instruction> code;
  std::vector<Block> blocks;
  std::vector<Loop> loops;
};
} // namespace

/// HMMA.16816 is of 16 x 8 x 16, by a warp; HGMMA.64x128x16 by four.
uint64_t Instruction::macs() const {
  StringRef shape = opcode.split('.').second.split('.').first;
  SmallVector<StringRef> sizes;
  if (shape.contains('x'))
    shape.split(sizes, 'x');
  else if (shape.consume_front("168"))
    sizes = {"16", "8", shape};
  uint64_t product = sizes.size() == 3, size;
  for (StringRef text : sizes)
    product *= text.getAsInteger(10, size) ? 0 : size;
  return shape.contains('x') ? product / 4 : product;
}

/// The instruction that a branch names, in its last operand.
std::optional<unsigned> Function::target(unsigned at) const {
  StringRef text = code[at].operands.rsplit(',').second;
  if (text.empty())
    text = code[at].operands;
  uint64_t address;
  if (!text.trim().consume_front("0x") ||
      text.trim().drop_front(2).getAsInteger(16, address) ||
      address / kInstructionBytes >= code.size())
    return std::nullopt;
  return static_cast<unsigned>(address / kInstructionBytes);
}

SmallVector<unsigned, 2> Function::successors(unsigned at) const {
  const Instruction &i = code[at];
  SmallVector<unsigned, 2> next;
  bool mayPass = i.isPredicated;
  if (i.base() == "BRA" || i.base() == "JMP") {
    // A condition in a uniform register is an operand.
    mayPass |= i.operands.contains(',');
    if (auto to = target(at))
      next.push_back(*to);
  } else if (i.base() == "BSYNC") {
    // Where the lanes meet again: what the nearest BSSY of that barrier says.
    StringRef barrier = i.operands;
    for (unsigned j = at; j-- > 0;)
      if (code[j].base() == "BSSY" && code[j].operands.starts_with(barrier)) {
        if (auto to = target(j))
          next.push_back(*to);
        break;
      }
    mayPass |= next.empty();
  } else {
    constexpr StringLiteral ends[] = {"EXIT", "RET", "BRX", "JMX", "KILL"};
    mayPass |= !llvm::is_contained(ends, i.base());
  }
  if (mayPass && at + 1 < code.size() && !llvm::is_contained(next, at + 1))
    next.push_back(at + 1);
  return next;
}

void Function::split() {
  llvm::BitVector starts(static_cast<unsigned>(code.size()));
  starts.set(0, code.empty() ? 0 : 1);
  for (unsigned i = 0; i < code.size(); ++i) {
    SmallVector<unsigned, 2> next = successors(i);
    if (next.size() == 1 && next.front() == i + 1)
      continue;
    for (unsigned to : next)
      starts.set(to);
    if (i + 1 < code.size())
      starts.set(i + 1);
  }
  std::vector<unsigned> blockOf(code.size());
  for (unsigned start : starts.set_bits()) {
    int next = starts.find_next(start);
    unsigned last = next < 0 ? code.size() : static_cast<unsigned>(next);
    std::fill(blockOf.begin() + start, blockOf.begin() + last, blocks.size());
    blocks.push_back({start, last, {}});
  }
  for (Block &block : blocks)
    for (unsigned to : successors(block.last - 1))
      block.next.push_back(blockOf[to]);
}

void Function::findLoops() {
  unsigned count = blocks.size();
  std::vector<SmallVector<unsigned, 2>> before(count);
  for (unsigned b = 0; b < count; ++b)
    for (unsigned to : blocks[b].next)
      before[to].push_back(b);
  // Dominators, from all there are down to the greatest fixed point.
  std::vector<llvm::BitVector> dominators(count, llvm::BitVector(count, true));
  if (count)
    dominators[0].reset().set(0);
  for (bool isChanged = true; isChanged;) {
    isChanged = false;
    for (unsigned b = 1; b < count; ++b) {
      llvm::BitVector all(count, true);
      for (unsigned from : before[b])
        all &= dominators[from];
      all.set(b);
      isChanged |= all != dominators[b];
      dominators[b] = std::move(all);
    }
  }
  llvm::MapVector<unsigned, llvm::BitVector> bodies;
  for (unsigned latch = 0; latch < count; ++latch)
    for (unsigned header : blocks[latch].next) {
      // What is never reached is dominated by everything, itself last.
      if (!dominators[latch].test(header) || before[header].empty())
        continue;
      llvm::BitVector &body =
          bodies.try_emplace(header, llvm::BitVector(count)).first->second;
      body.set(header);
      SmallVector<unsigned> work = {latch};
      while (!work.empty()) {
        unsigned block = work.pop_back_val();
        if (body.test(block))
          continue;
        body.set(block);
        llvm::append_range(work, before[block]);
      }
    }
  for (auto &[header, body] : bodies)
    loops.push_back({header, body});
}

std::vector<std::pair<std::string, unsigned>>
Function::matrixInstructions() const {
  llvm::MapVector<StringRef, unsigned> counts;
  for (const Instruction &i : code)
    if (i.isMatrix())
      ++counts[i.opcode];
  std::vector<std::pair<std::string, unsigned>> result;
  for (auto &[opcode, count] : counts)
    result.emplace_back(opcode.str(), count);
  return result;
}

std::vector<MatrixLoop> Function::matrixLoops() const {
  std::vector<MatrixLoop> result;
  for (const Loop &loop : loops) {
    if (!anyOf(loop.blocks, &Instruction::isMatrix))
      continue;
    llvm::BitVector body = loop.blocks;
    bool isInnermost = true;
    for (const Loop &inner : loops) {
      if (&inner == &loop || !loop.blocks.test(inner.header) ||
          inner.header == loop.header)
        continue;
      if (anyOf(inner.blocks, &Instruction::isMatrix))
        isInnermost = false;
      else if (anyOf(inner.blocks, &Instruction::isWait))
        body.reset(inner.blocks);
    }
    if (!isInnermost)
      continue;
    MatrixLoop facts;
    llvm::MapVector<StringRef, unsigned> counts;
    forEachInstruction(body, [&](const Instruction &i) {
      if (i.isMatrix()) {
        ++counts[i.opcode];
        ++facts.matrix;
        facts.macs += i.macs();
      } else if (i.base() != "NOP") {
        ++facts.others;
      }
    });
    facts.instruction =
        llvm::max_element(counts, llvm::less_second())->first.str();
    result.push_back(facts);
  }
  llvm::sort(result, [](const MatrixLoop &a, const MatrixLoop &b) {
    return std::tuple(b.macs, b.matrix, a.others, a.instruction) <
           std::tuple(a.macs, a.matrix, b.others, b.instruction);
  });
  return result;
}

/// [{"opcode": "BRA", "operands": "0x40", "predicate": "@P0"}, ...]
static llvm::Expected<Function>
readFunction(const llvm::json::Array &instructions) {
  std::vector<Instruction> code;
  for (const llvm::json::Value &value : instructions) {
    const llvm::json::Object *object = value.getAsObject();
    auto opcode = object ? object->getString("opcode") : std::nullopt;
    if (!opcode)
      return llvm::createStringError(
          "nvdisasm printed an instruction without an opcode");
    code.push_back({*opcode, object->getString("operands").value_or(""),
                    object->get("predicate") != nullptr});
  }
  return Function(std::move(code));
}

llvm::Expected<std::vector<KernelFacts>> et::readDisassembly(StringRef text) {
  auto json = llvm::json::parse(text);
  if (!json)
    return json.takeError();
  // A header, and the functions.
  const llvm::json::Array *parts = json->getAsArray();
  const llvm::json::Array *functions =
      parts && parts->size() == 2 ? (*parts)[1].getAsArray() : nullptr;
  if (!functions)
    return llvm::createStringError(
        "nvdisasm -json printed no list of functions; version 13 does");
  std::vector<KernelFacts> result;
  for (const llvm::json::Value &value : *functions) {
    const llvm::json::Object *object = value.getAsObject();
    auto name = object ? object->getString("function-name") : std::nullopt;
    const llvm::json::Array *instructions =
        object ? object->getArray("sass-instructions") : nullptr;
    if (!name || !instructions)
      return llvm::createStringError(
          "nvdisasm -json printed a function without name or instructions");
    auto function = readFunction(*instructions);
    if (!function)
      return function.takeError();
    KernelFacts facts;
    facts.name = name->str();
    facts.loops = function->matrixLoops();
    facts.matrixInstructions = function->matrixInstructions();
    facts.isEmpty = function->isEmpty();
    result.push_back(std::move(facts));
  }
  return std::move(result);
}
