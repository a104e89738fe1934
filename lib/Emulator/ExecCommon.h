//===- ExecCommon.h - What all instruction files use ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The Exec files are compiled once for each instruction set of the host, each
// time in a namespace of its own (ET_EMU_ISA), and chosen when the first module
// is loaded. An instruction is a loop over 32 lanes without a branch in it.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_EXECCOMMON_H
#define ET_EMULATOR_EXECCOMMON_H

#include "Decoder.h"
#include "FloatBits.h"

#ifndef ET_EMU_ISA
#define ET_EMU_ISA base
#endif

#if defined(__clang__)
#define ET_EMU_SIMD _Pragma("clang loop vectorize(assume_safety)")
#else
#define ET_EMU_SIMD _Pragma("GCC ivdep")
#endif
/// Lanes depend on no other lane: source and destination are the same register
/// or do not overlap.
#define ET_LANES(l) ET_EMU_SIMD for (int l = 0; l < 32; ++l)

namespace et::emu::ET_EMU_ISA {

void registerInteger(OpTable &ops);
void registerBits(OpTable &ops);
void registerFloat(OpTable &ops);
void registerHalf(OpTable &ops);
void registerArith(OpTable &ops);
void registerConvert(OpTable &ops);
void registerMove(OpTable &ops);
void registerControl(OpTable &ops);
void registerMemory(OpTable &ops);
void registerAtomic(OpTable &ops);
void registerWarp(OpTable &ops);
void registerMatrix(OpTable &ops);
void registerAsync(OpTable &ops);
void registerBarrier(OpTable &ops);
void registerWgmma(OpTable &ops);
void registerWmma(OpTable &ops);

// Arithmetic of one opcode name for all types: Arith reads the type, then asks
// the file that knows it.
bool decodeInteger(Decoder &d, Type type);
bool decodeFloat(Decoder &d, Type type);
bool decodeHalf(Decoder &d, Type type);
bool decodeCompare(Decoder &d);

/// Before an instruction of a kernel that uses wgmma: does it touch registers
/// that a product in flight writes? False after a fault.
bool watchRegisters(Warp &w, const Inst &i);
void runWarp(Warp &w, uint64_t slice);
bool decodeSpecial(Decoder &d, std::string_view name, Inst &inst, Type &type);
void execLocalAddress(Warp &w, const Inst &i);
void execNotPred(Warp &w, const Inst &i);
/// A call of vprintf; extra as of a call.
void execPrint(Warp &w, const Inst &i);

template <typename D, typename F>
static inline void setLanes(Warp &w, Ref dst, F f) {
  D *d = w.at<D>(dst);
  uint32_t m = w.exec;
  if (m == ~0u) {
    ET_LANES(l) d[l] = f(l);
    return;
  }
  D t[32];
  ET_LANES(l) t[l] = f(l);
  ET_LANES(l) d[l] = (m >> l & 1) ? t[l] : d[l];
}

template <typename F>
static inline void setPred(Warp &w, Ref dst, F f) {
  uint32_t bits = 0;
  for (int l = 0; l < 32; ++l)
    bits |= static_cast<uint32_t>(f(l)) << l;
  uint32_t &d = w.pred(dst);
  d = (d & ~w.exec) | (bits & w.exec);
}

template <typename F>
static inline void eachLane(uint32_t mask, F f) {
  for (; mask; mask &= mask - 1)
    f(__builtin_ctz(mask));
}

template <typename F, typename D, typename A>
static void execUnary(Warp &w, const Inst &i) {
  const A *a = w.at<A>(i.op[1]);
  setLanes<D>(w, i.op[0], [=](int l) { return D(F::f(a[l])); });
}
template <typename F, typename D, typename A, typename B>
static void execBinary(Warp &w, const Inst &i) {
  const A *a = w.at<A>(i.op[1]);
  const B *b = w.at<B>(i.op[2]);
  setLanes<D>(w, i.op[0], [=](int l) { return D(F::f(a[l], b[l])); });
}
template <typename F, typename D, typename A, typename B, typename C>
static void execTernary(Warp &w, const Inst &i) {
  const A *a = w.at<A>(i.op[1]);
  const B *b = w.at<B>(i.op[2]);
  const C *c = w.at<C>(i.op[3]);
  setLanes<D>(w, i.op[0], [=](int l) { return D(F::f(a[l], b[l], c[l])); });
}

/// op[0] = f(op[1..n]) with every operand of one type.
static inline bool simpleOperands(Decoder &d, unsigned sources, Type type) {
  if (!d.operands(sources + 1))
    return false;
  for (unsigned k = 0; k < sources; ++k)
    d.inst.op[k + 1] = d.use(d.arg(k + 1), type);
  d.inst.op[0] = d.def(d.arg(0), type);
  return true;
}

} // namespace et::emu::ET_EMU_ISA

#endif // ET_EMULATOR_EXECCOMMON_H
