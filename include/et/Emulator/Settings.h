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

/// Sets `name` (schedule, seed, check, threads, matrix, limit) from its text;
/// false with a message when the text is no value of it.
bool applySetting(Options &options, const std::string &name,
                  const std::string &value, std::string &error);

} // namespace et::emu

#endif // ET_EMULATOR_SETTINGS_H
