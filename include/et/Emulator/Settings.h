//===- Settings.h - Options as text ---------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_SETTINGS_H
#define ET_EMULATOR_SETTINGS_H

#include "et/Emulator/Emulator.h"

namespace et::emu {

/// Reads a whole text as a number, decimal or with 0x; false with a message
/// that names the range when it is none from `least` to `most`.
bool parseCount(const std::string &text, uint64_t least, uint64_t most,
                uint64_t &value, std::string &error);

/// Sets `name` (schedule, seed, check, threads, matrix, limit) from its text;
/// false with a message when the text is no value of it.
bool applySetting(Options &options, const std::string &name,
                  const std::string &value, std::string &error);

} // namespace et::emu

#endif // ET_EMULATOR_SETTINGS_H
