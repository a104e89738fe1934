//===- Settings.cpp - Options as text -------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Emulator/Settings.h"

#include <charconv>
#include <cstdint>
#include <sstream>

using namespace et::emu;

bool et::emu::parseCount(const std::string &text, uint64_t least, uint64_t most,
                         uint64_t &value, std::string &error) {
  bool isHex = text.compare(0, 2, "0x") == 0 || text.compare(0, 2, "0X") == 0;
  const char *begin = text.data() + (isHex ? 2 : 0),
             *end = text.data() + text.size();
  uint64_t number = 0;
  auto [next, code] = std::from_chars(begin, end, number, isHex ? 16 : 10);
  if (code != std::errc() || next != end || number < least || number > most) {
    error = "'" + text + "' is no number from " + std::to_string(least) +
            " to " + std::to_string(most);
    return false;
  }
  value = number;
  return true;
}

bool et::emu::applySetting(Options &options, const std::string &name,
                           const std::string &value, std::string &error) {
  uint64_t number = 0;
  if (name == "schedule") {
    if (value == "early")
      options.schedule = Schedule::Early;
    else if (value == "late")
      options.schedule = Schedule::Late;
    else if (value == "random")
      options.schedule = Schedule::Random;
    else {
      error = "the schedule is early, late or random, not '" + value + "'";
      return false;
    }
    return true;
  }
  if (name == "seed" || name == "threads" || name == "limit") {
    // More threads than any host has cores only cost memory.
    uint64_t least = name == "limit", most = UINT64_MAX;
    if (!parseCount(value, least, name == "threads" ? 1024 : most, number,
                    error)) {
      error = name + ": " + error;
      return false;
    }
    if (name == "seed")
      options.seed = number;
    else if (name == "limit")
      options.maxInstructions = number;
    else
      options.threads = static_cast<unsigned>(number);
    return true;
  }
  if (name == "matrix") {
    if (value != "hardware" && value != "plain") {
      error = "matrix sums are 'hardware' or 'plain', not '" + value + "'";
      return false;
    }
    options.plainMatrix = value == "plain";
    return true;
  }
  options.checkRace = options.checkMemory = options.checkInit = false;
  options.noteSameStores = false;
  if (value == "none")
    return true;
  std::stringstream in(value);
  for (std::string word; std::getline(in, word, ',');) {
    if (word == "all")
      options.checkRace = options.checkMemory = options.checkInit = true;
    else if (word == "same")
      options.checkRace = options.noteSameStores = true;
    else if (word == "race")
      options.checkRace = true;
    else if (word == "memory")
      options.checkMemory = true;
    else if (word == "init")
      options.checkInit = true;
    else {
      error = "checks are none, or some of all, race, memory, init, same; not "
              "'" +
              word + "'";
      return false;
    }
  }
  return true;
}
