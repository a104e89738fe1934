//===- Settings.cpp - Options as text -------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Emulator/Settings.h"

#include <cstdlib>
#include <sstream>

using namespace et::emu;

static bool parseCount(const std::string &value, uint64_t &out) {
  char *end = nullptr;
  out = std::strtoull(value.c_str(), &end, 0);
  return !value.empty() && !*end;
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
    if (!parseCount(value, number)) {
      error = "'" + value + "' is no number for " + name;
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
