//===- ExecInteger.h - Functions of integers, and their types -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_EXECINTEGER_H
#define ET_EMULATOR_EXECINTEGER_H

#include "ExecCommon.h"

#include <type_traits>

namespace et::emu::ET_EMU_ISA {

template <typename T>
using Unsigned = std::make_unsigned_t<T>;

#define ET_INT1(NAME, EXPR)                                                    \
  struct NAME {                                                                \
    template <typename T>                                                      \
    ET_EMU_INLINE T f(T a) {                                                   \
      return T(EXPR);                                                          \
    }                                                                          \
  };
#define ET_INT2(NAME, EXPR)                                                    \
  struct NAME {                                                                \
    template <typename T>                                                      \
    ET_EMU_INLINE T f(T a, T b) {                                              \
      return T(EXPR);                                                          \
    }                                                                          \
  };

template <typename F>
ExecFn pickBinary(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return execBinary<F, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return execBinary<F, int16_t, int16_t, int16_t>;
  case Type::U32:
  case Type::B32:
    return execBinary<F, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return execBinary<F, int32_t, int32_t, int32_t>;
  case Type::U64:
  case Type::B64:
    return execBinary<F, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return execBinary<F, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}
template <typename F>
ExecFn pickTernary(Type type) {
  switch (type) {
  case Type::U16:
    return execTernary<F, uint16_t, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return execTernary<F, int16_t, int16_t, int16_t, int16_t>;
  case Type::U32:
    return execTernary<F, uint32_t, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return execTernary<F, int32_t, int32_t, int32_t, int32_t>;
  case Type::U64:
    return execTernary<F, uint64_t, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return execTernary<F, int64_t, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}
template <typename F>
ExecFn pickUnary(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return execUnary<F, uint16_t, uint16_t>;
  case Type::S16:
    return execUnary<F, int16_t, int16_t>;
  case Type::U32:
  case Type::B32:
    return execUnary<F, uint32_t, uint32_t>;
  case Type::S32:
    return execUnary<F, int32_t, int32_t>;
  case Type::U64:
  case Type::B64:
    return execUnary<F, uint64_t, uint64_t>;
  case Type::S64:
    return execUnary<F, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

} // namespace et::emu::ET_EMU_ISA

#endif // ET_EMULATOR_EXECINTEGER_H
