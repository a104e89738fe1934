//===- Stats.cpp - Counters as text ---------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Emulator/Stats.h"

#include "et/Emulator/Settings.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

using namespace et::emu;

bool et::emu::parseProblem(Problem &problem, const std::string &text,
                           std::string &error) {
  std::stringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    size_t equal = word.find('=');
    std::string name = word.substr(0, equal);
    uint64_t *part = name == "load"     ? &problem.load
                     : name == "store"  ? &problem.store
                     : name == "macs"   ? &problem.macs
                     : name == "memory" ? &problem.memory
                                        : nullptr;
    if (!part) {
      error = "a problem is load=BYTES,store=BYTES,macs=N,memory=BYTES or some "
              "of them, not '" +
              word + "'";
      return false;
    }
    std::string number =
        equal == std::string::npos ? "" : word.substr(equal + 1);
    if (!parseCount(number, 0, UINT64_MAX, *part, error)) {
      error = name + ": " + error;
      return false;
    }
  }
  return true;
}

void et::emu::addResult(LaunchResult &to, const LaunchResult &from) {
  for (const auto &[name, value] : from.counters) {
    uint64_t &sum = to.counters[name];
    sum = name == "device.peak_bytes" ? std::max(sum, value) : sum + value;
  }
  for (const auto &[name, value] : from.instructions)
    to.instructions[name] += value;
  for (const auto &[name, value] : from.race)
    to.race[name] += value;
  to.seconds += from.seconds;
}

/// Multiply-adds that were paid for: a warp instruction pays for its 32 lanes,
/// whether they run or not.
static uint64_t usedMacs(const LaunchResult &result) {
  uint64_t macs = result.counters.at("matrix.macs");
  for (const auto &[name, count] : result.instructions)
    if (name.rfind("fma.", 0) == 0)
      macs += count * (name.find("x2") == std::string::npos ? 32 : 64);
  return macs;
}

namespace {
struct Row {
  const char *name, *words;
  uint64_t used, least;
};
} // namespace

/// The rows that the problem says something of.
static std::vector<Row> compare(const LaunchResult &result,
                                const Problem &problem) {
  auto count = [&](const char *name) {
    auto it = result.counters.find(name);
    return it == result.counters.end() ? 0 : it->second;
  };
  std::vector<Row> rows;
  if (problem.load)
    rows.push_back({"load", "bytes loaded, in sectors",
                    32 * count("global.load.sectors"), problem.load});
  if (problem.store)
    rows.push_back({"store", "bytes stored, in sectors",
                    32 * count("global.store.sectors"), problem.store});
  if (problem.macs)
    rows.push_back({"macs", "multiply-adds", usedMacs(result), problem.macs});
  if (problem.memory)
    rows.push_back({"memory", "peak bytes of the device",
                    count("device.peak_bytes"), problem.memory});
  return rows;
}

static void appendObject(std::string &out, const Counters &counters) {
  out += "{";
  bool first = true;
  for (const auto &[name, value] : counters) {
    out +=
        (first ? "\n  \"" : ",\n  \"") + name + "\": " + std::to_string(value);
    first = false;
  }
  out += "\n}";
}

static double ratePerSecond(const LaunchResult &result) {
  auto count = static_cast<double>(result.counters.at("warp_instructions"));
  return result.seconds > 0 ? count / result.seconds : 0;
}

std::string et::emu::countersToJson(const std::string &kernel,
                                    const LaunchResult &result,
                                    const Problem &problem, bool timing) {
  std::string out = "{\"kernel\": \"" + kernel + "\", \"counters\": ";
  appendObject(out, result.counters);
  out += ", \"instructions\": ";
  appendObject(out, result.instructions);
  std::vector<Row> rows = compare(result, problem);
  if (!rows.empty())
    out += ", \"problem\": {";
  for (size_t k = 0; k < rows.size(); ++k) {
    const Row &r = rows[k];
    // Less than the least: the caller's figure is wrong, and shows so.
    int64_t wasted = static_cast<int64_t>(r.used - r.least);
    out += std::string(k ? "," : "") + "\n  \"" + r.name +
           "\": {\"used\": " + std::to_string(r.used) +
           ", \"least\": " + std::to_string(r.least) +
           ", \"wasted\": " + std::to_string(wasted) + "}";
  }
  if (!rows.empty())
    out += "\n}";
  if (timing) {
    char text[128];
    std::snprintf(text, sizeof(text),
                  ", \"timing\": {\"seconds\": %.6f, "
                  "\"warp_instructions_per_second\": %.0f",
                  result.seconds, ratePerSecond(result));
    out += text;
    if (!result.race.empty()) {
      out += ", \"race\": ";
      appendObject(out, result.race);
    }
    out += "}";
  }
  return out + "}";
}

std::string et::emu::countersToTable(const std::string &kernel,
                                     const LaunchResult &result,
                                     const Problem &problem) {
  std::string out = "kernel " + kernel + "\n";
  char line[128];
  for (const auto &[name, value] : result.counters) {
    if (!value)
      continue;
    std::snprintf(line, sizeof(line), "  %-28s %16llu\n", name.c_str(),
                  static_cast<unsigned long long>(value));
    out += line;
  }
  std::vector<Row> rows = compare(result, problem);
  if (!rows.empty()) {
    std::snprintf(line, sizeof(line), "  %-28s %16s %16s %16s %7s\n", "",
                  "used", "least", "wasted", "useful");
    out += line;
  }
  for (const Row &r : rows) {
    std::snprintf(line, sizeof(line), "  %-28s %16llu %16llu %16lld %6.1f%%\n",
                  r.words, static_cast<unsigned long long>(r.used),
                  static_cast<unsigned long long>(r.least),
                  static_cast<long long>(r.used - r.least),
                  r.used ? 100.0 * static_cast<double>(r.least) /
                               static_cast<double>(r.used)
                         : 0);
    out += line;
  }
  std::snprintf(line, sizeof(line),
                "  run in %.3f s, %.1f million warp instructions a second\n",
                result.seconds, ratePerSecond(result) / 1e6);
  return out + line;
}
