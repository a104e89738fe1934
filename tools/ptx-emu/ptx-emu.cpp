//===- ptx-emu.cpp - Run one kernel of a PTX file on the CPU --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "et/Emulator/Emulator.h"
#include "et/Emulator/Settings.h"
#include "et/Emulator/Stats.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace et::emu;

static const char *const kUsage =
    R"(usage: ptx-emu KERNEL.ptx [--entry=NAME] [--grid=X,Y,Z] [--block=X,Y,Z]
               [--smem=BYTES] [--arg=VALUE]... [--out=INDEX:FILE.npy]...
               [--stats=FILE.json] [--time] [--problem=PART=N,...]
               [--schedule=early|late|random] [--seed=N] [--check=all|none|race,memory,init]
               [--threads=N] [--matrix=hardware|plain] [--limit=N] [--trace]

A value is the path of a .npy file (an array in device memory), zeros:BYTES or
empty:BYTES (an array of that many bytes, the second never written), or a number
with its type: i32:5, i64:-1, f32:0.5, f64:1e-3, f16:1, bf16:1.
--out writes the array of argument INDEX, counted from 0, when the kernel ends.
--stats counts, into a file and a table. --problem says what the problem asks at
least, as load=BYTES,store=BYTES,macs=N,memory=BYTES or some of them; the rest
is shown as wasted. --time puts the seconds into the file too.
Without --entry the file must hold one kernel. Without --grid and --block: 1.
)";

[[noreturn]] static void fail(const std::string &message) {
  std::fprintf(stderr, "ptx-emu: %s\n", message.c_str());
  std::exit(1);
}

static Dim3 parseDim(const std::string &text, const char *option) {
  Dim3 dim;
  uint32_t *part[3] = {&dim.x, &dim.y, &dim.z};
  std::stringstream in(text);
  std::string word;
  for (int k = 0; std::getline(in, word, ','); ++k) {
    char *end = nullptr;
    unsigned long value = std::strtoul(word.c_str(), &end, 10);
    if (k == 3 || word.empty() || *end || value == 0 || value > 0x7fffffff)
      fail(std::string(option) + " takes one to three positive numbers, not '" +
           text + "'");
    *part[k] = static_cast<uint32_t>(value);
  }
  return dim;
}

namespace {
struct Argument {
  bool isArray = false;
  NpyArray array;
  uint64_t address = 0;
  uint64_t bits = 0;
  unsigned bytes = 0;
};
} // namespace

static uint16_t toBfloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static Argument parseArgument(const std::string &text, Device &device,
                              size_t index) {
  Argument arg;
  size_t colon = text.find(':');
  std::string type = text.substr(0, colon);
  std::string value = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::string name = "argument " + std::to_string(index);
  char *end = nullptr;
  if (type == "i32" || type == "i64" || type == "i16" || type == "i8") {
    arg.bits = static_cast<uint64_t>(std::strtoll(value.c_str(), &end, 0));
    arg.bytes = static_cast<unsigned>(std::atoi(type.c_str() + 1)) / 8;
  } else if (type == "f32" || type == "f64" || type == "f16" ||
             type == "bf16") {
    double wide = std::strtod(value.c_str(), &end);
    float single = static_cast<float>(wide);
    arg.bytes = type == "f64" ? 8 : type == "f32" ? 4 : 2;
    if (type == "f64") {
      std::memcpy(&arg.bits, &wide, 8);
    } else if (type == "f32") {
      std::memcpy(&arg.bits, &single, 4);
    } else if (type == "bf16") {
      arg.bits = toBfloat(single);
    } else {
      _Float16 half = static_cast<_Float16>(wide);
      std::memcpy(&arg.bits, &half, 2);
    }
  } else if (type == "zeros" || type == "empty") {
    uint64_t bytes = std::strtoull(value.c_str(), &end, 0);
    arg.isArray = true;
    arg.address = device.allocate(bytes, name);
    if (!arg.address)
      fail(name + ": no memory for " + value + " bytes");
    uint8_t zero = 0;
    if (type == "zeros")
      device.fill(arg.address, bytes, &zero, 1);
    arg.array.data.resize(bytes);
    arg.array.header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" +
                       std::to_string(bytes) + ",), }\n";
  } else {
    std::string error;
    if (!readNpy(text, arg.array, error))
      fail(name + ": " + error);
    arg.isArray = true;
    uint64_t bytes = arg.array.data.size();
    arg.address = device.allocate(bytes ? bytes : 1, name + " (" + text + ")");
    if (!arg.address)
      fail(name + ": no memory for " + std::to_string(bytes) + " bytes");
    device.write(arg.address, arg.array.data.data(), bytes);
    return arg;
  }
  if (value.empty() || !end || *end)
    fail(name + ": '" + value + "' is no value of type " + type);
  return arg;
}

static void writeStats(const std::string &path, const LaunchResult &result,
                       const std::string &kernel, const Problem &problem,
                       bool timing) {
  std::ofstream out(path);
  out << countersToJson(kernel, result, problem, timing) << "\n";
  if (!out.flush())
    fail("cannot write '" + path + "'");
}

int main(int argc, char **argv) {
  std::string file, entry, stats;
  Dim3 grid, block;
  uint64_t shared = 0;
  std::vector<std::string> args, outs;
  Options options;
  Problem problem;
  bool timing = false, hasProblem = false;
  for (int k = 1; k < argc; ++k) {
    std::string word = argv[k];
    size_t equal = word.find('=');
    std::string name = word.substr(0, equal);
    std::string value =
        equal == std::string::npos ? "" : word.substr(equal + 1);
    std::string error;
    if (word == "--help" || word == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (word.rfind("--", 0) != 0) {
      if (!file.empty())
        fail("one PTX file is run at a time");
      file = word;
    } else if (name == "--entry") {
      entry = value;
    } else if (name == "--grid") {
      grid = parseDim(value, "--grid");
    } else if (name == "--block") {
      block = parseDim(value, "--block");
    } else if (name == "--smem") {
      shared = std::strtoull(value.c_str(), nullptr, 0);
    } else if (name == "--arg") {
      args.push_back(value);
    } else if (name == "--out") {
      outs.push_back(value);
    } else if (name == "--stats") {
      stats = value;
      options.countMemory = true;
    } else if (name == "--problem") {
      hasProblem = true;
      if (!parseProblem(problem, value, error))
        fail("--problem: " + error);
    } else if (name == "--time") {
      timing = true;
    } else if (name == "--trace") {
      options.trace = true;
    } else if (name == "--schedule" || name == "--seed" || name == "--check" ||
               name == "--threads" || name == "--matrix" || name == "--limit") {
      if (!applySetting(options, name.substr(2), value, error))
        fail(error);
    } else {
      fail("unknown option '" + word + "'; --help lists the options");
    }
  }
  if (file.empty()) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  if (stats.empty() && (timing || hasProblem))
    fail("--problem and --time say more about counters; add --stats=FILE.json");
  std::ifstream in(file, std::ios::binary);
  if (!in)
    fail("cannot open '" + file + "'");
  std::string text((std::istreambuf_iterator<char>(in)),
                   std::istreambuf_iterator<char>());
  Device device(options);
  Diagnostic diag;
  auto diagnose = [&] {
    std::fprintf(stderr, "%s:%u:%u: error: %s\n", file.c_str(), diag.line,
                 diag.column, diag.message.c_str());
    std::exit(1);
  };
  Module *module = device.loadModule(text, file, diag);
  if (!module)
    diagnose();
  if (entry.empty()) {
    std::vector<std::string> names = device.kernelNames(module);
    if (names.size() != 1)
      fail("'" + file + "' holds " + std::to_string(names.size()) +
           " kernels; choose one with --entry=NAME");
    entry = names[0];
  }
  Kernel *kernel = device.getKernel(module, entry, diag);
  if (!kernel)
    diagnose();
  const KernelInfo &info = device.info(kernel);
  if (args.size() != info.params.size())
    fail("kernel '" + entry + "' takes " + std::to_string(info.params.size()) +
         " arguments, " + std::to_string(args.size()) + " are given");
  std::vector<uint8_t> params(info.paramBytes);
  std::vector<Argument> values;
  for (size_t k = 0; k < args.size(); ++k) {
    values.push_back(parseArgument(args[k], device, k));
    const Argument &v = values.back();
    unsigned bytes = v.isArray ? 8 : v.bytes;
    if (bytes != info.params[k].size)
      fail("argument " + std::to_string(k) + " of kernel '" + entry + "' has " +
           std::to_string(info.params[k].size) + " bytes, '" + args[k] +
           "' has " + std::to_string(bytes));
    std::memcpy(params.data() + info.params[k].offset,
                v.isArray ? &v.address : &v.bits, bytes);
  }
  struct Output {
    size_t index;
    std::string path;
  };
  std::vector<Output> outputs;
  for (const std::string &out : outs) {
    size_t colon = out.find(':');
    size_t index = std::strtoul(out.c_str(), nullptr, 10);
    if (colon == std::string::npos || index >= values.size() ||
        !values[index].isArray)
      fail("--out takes the number of an array argument and a file, as in "
           "0:out.npy, not '" +
           out + "'");
    outputs.push_back({index, out.substr(colon + 1)});
  }
  LaunchResult result =
      device.launch(kernel, grid, block, static_cast<uint32_t>(shared),
                    params.data(), params.size());
  if (!result.ok) {
    std::fprintf(stderr, "%s: fault: %s\n", file.c_str(), result.fault.c_str());
    return 2;
  }
  for (const Output &out : outputs) {
    Argument &v = values[out.index];
    device.read(v.array.data.data(), v.address, v.array.data.size());
    std::string error;
    if (!writeNpy(out.path, v.array, error))
      fail(error);
  }
  if (!stats.empty()) {
    writeStats(stats, result, entry, problem, timing);
    std::fputs(countersToTable(entry, result, problem).c_str(), stdout);
  }
  return 0;
}
