//===- ptx-emu.cpp - Run one kernel of a PTX file on the CPU --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/NpyFormat.h"
#include "et/Emulator/Emulator.h"
#include "et/Emulator/Settings.h"
#include "et/Emulator/Stats.h"

#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <unistd.h>

using namespace et::emu;
namespace fs = std::filesystem;

static const char *const kUsage =
    R"(usage: ptx-emu KERNEL.ptx [--entry=NAME] [--grid=X,Y,Z] [--block=X,Y,Z]
               [--smem=BYTES] [--arg=VALUE]... [--out=INDEX:FILE.npy]...
               [--stats=FILE.json] [--time] [--problem=PART=N,...]
               [--schedule=early|late|random] [--seed=N] [--check=none|all,race,memory,init,same]
               [--threads=N] [--matrix=hardware|plain] [--limit=N] [--trace]

A value is the path of a .npy file (an array in device memory), zeros:SHAPE or
empty:SHAPE (an array, the second never written) with a shape such as 64x32xf32
or a number of bytes, or a number with its type: i32:5, i64:-1, f32:0.5,
f64:1e-3, f16:1, bf16:1.
--out writes the array of argument INDEX, counted from 0, when the kernel ends,
with the shape and the type that it was given with.
--stats counts, into a file and a table. --problem says what the problem asks at
least, as load=BYTES,store=BYTES,macs=N,memory=BYTES or some of them; the rest
is shown as wasted. --time puts the seconds into the file too.
Without --entry the file must hold one kernel. Without --grid and --block: 1.
)";

[[noreturn]] static void fail(const std::string &message) {
  std::fprintf(stderr, "ptx-emu: %s\n", message.c_str());
  std::exit(1);
}

/// The whole text as a number, also a hexadecimal one; false if it is none, or
/// does not fit.
template <typename T>
static bool parseNumber(std::string_view text, T &value) {
  bool isNegative = text.substr(0, 1) == "-";
  std::string_view digits = text.substr(isNegative);
  bool isHex = digits.substr(0, 2) == "0x" || digits.substr(0, 2) == "0X";
  std::string plain(isNegative ? "-" : "");
  plain += isHex ? digits.substr(2) : digits;
  const char *end = plain.data() + plain.size();
  auto [next, code] =
      std::from_chars(plain.data(), end, value, isHex ? 16 : 10);
  return code == std::errc() && next == end;
}

static Dim3 parseDim(const std::string &text, const char *option) {
  Dim3 dim;
  uint32_t *part[3] = {&dim.x, &dim.y, &dim.z};
  std::stringstream in(text);
  std::string word;
  for (int k = 0; std::getline(in, word, ','); ++k) {
    uint32_t value = 0;
    if (k == 3 || !parseNumber(word, value) || value == 0 || value > 0x7fffffff)
      fail(std::string(option) +
           " takes one to three numbers from 1 to 2147483647, not '" + text +
           "'");
    *part[k] = value;
  }
  return dim;
}

static std::string readFile(const std::string &path, const std::string &what) {
  // Pipes and devices may have no end.
  std::error_code code;
  fs::file_status status = fs::status(path, code);
  if (fs::exists(status) && !fs::is_regular_file(status))
    fail(what + "'" + path + "' is not a regular file");
  std::ifstream in(path, std::ios::binary);
  if (!in)
    fail(what + "cannot open '" + path + "'");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// What is there and is no file, such as a device, takes what is written at
/// once.
static bool isStream(const std::string &path) {
  std::error_code code;
  fs::file_status status = fs::status(path, code);
  return fs::exists(status) && !fs::is_regular_file(status);
}

/// Ends the program, before the work, if `path` cannot be written after it.
static void checkOutput(const std::string &path) {
  std::error_code code;
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty())
    folder = ".";
  if (access(isStream(path) ? path.c_str() : folder.c_str(), W_OK) == -1 ||
      fs::is_directory(path, code))
    fail("cannot write '" + path + "'");
}

/// Writes a file whole or not at all.
static void writeFile(const std::string &path, std::string_view bytes) {
  std::string target = path, written = path;
  std::error_code code;
  bool isFile = !isStream(path);
  if (isFile) {
    // The file itself, not a link to it; and nothing through another link.
    if (fs::path real = fs::canonical(path, code); !code)
      target = real;
    written = target + "." + std::to_string(getpid());
    fs::remove(written, code);
  }
  std::FILE *out = std::fopen(written.c_str(), isFile ? "wbx" : "wb");
  bool isWritten =
      out && std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  if (out && std::fclose(out) != 0)
    isWritten = false;
  if (isFile && isWritten) {
    fs::rename(written, target, code);
    isWritten = !code;
  }
  if (isWritten)
    return;
  if (isFile && out)
    fs::remove(written, code);
  fail("cannot write '" + path + "'");
}

namespace {
/// What types of numbers are called here, and in NumPy's files.
struct NumberType {
  std::string_view name, descr;
  unsigned bytes;
  std::string_view range;
};

struct Argument {
  bool isArray = false;
  bool hasType = true; ///< Not for an array given by its bytes.
  npy::Array array;
  uint64_t address = 0;
  uint64_t bits = 0;
  unsigned bytes = 0;
};
} // namespace

static constexpr NumberType kTypes[] = {
    {"i8", "|i1", 1, "-128 to 255"},
    {"i16", "<i2", 2, "-32768 to 65535"},
    {"i32", "<i4", 4, "-2147483648 to 4294967295"},
    {"i64", "<i8", 8, "-9223372036854775808 to 18446744073709551615"},
    {"f16", "<f2", 2, "-65504 to 65504, or inf"},
    {"bf16", "<V2", 2, "-3.39e38 to 3.39e38, or inf"},
    {"f32", "<f4", 4, "-3.403e38 to 3.403e38, or inf"},
    {"f64", "<f8", 8, "-1.798e308 to 1.798e308, or inf"}};

static const NumberType *findType(std::string_view name) {
  for (const NumberType &type : kTypes)
    if (type.name == name)
      return &type;
  return nullptr;
}

/// Reads "64x32xf32", or a number of bytes.
static bool parseShape(std::string_view text, Argument &arg) {
  size_t last = text.rfind('x') + 1;
  NumberType type = {"", "|u1", 1, ""};
  const NumberType *named = findType(text.substr(last));
  arg.hasType = named != nullptr;
  if (named)
    type = *named;
  std::string_view sizes = named ? text.substr(0, last) : text;
  do {
    size_t end = named ? sizes.find('x') : sizes.size();
    int64_t size = 0;
    if (!parseNumber(sizes.substr(0, end), size))
      return false;
    arg.array.shape.push_back(size);
    sizes.remove_prefix(named ? end + 1 : end);
  } while (!sizes.empty());
  std::optional<uint64_t> bytes = npy::countBytes(
      type.bytes, arg.array.shape.data(), arg.array.shape.size());
  arg.array.descr = type.descr;
  arg.array.dataBytes = bytes.value_or(0);
  return bytes.has_value();
}

/// Puts an array on the device, with its data or without.
static void allocate(Argument &arg, Device &device, const std::string &name) {
  arg.isArray = true;
  uint64_t bytes = arg.array.dataBytes;
  arg.address = device.allocate(bytes ? bytes : 1, name);
  if (!arg.address)
    fail(name + ": no memory for " + std::to_string(bytes) + " bytes");
}

static uint16_t toBfloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static bool parseInteger(const std::string &text, Argument &arg) {
  int64_t value = 0;
  if (parseNumber(text, value)) {
    int64_t least = INT64_MIN >> (64 - 8 * arg.bytes);
    arg.bits = static_cast<uint64_t>(value);
    return value >= least && (arg.bytes == 8 || value < -2 * least);
  }
  return arg.bytes == 8 && parseNumber(text, arg.bits);
}

static bool parseFloat(const std::string &text, std::string_view type,
                       Argument &arg) {
  char *end = nullptr;
  errno = 0;
  double wide = std::strtod(text.c_str(), &end);
  // What is too large for the type becomes an infinity, which nobody wrote.
  bool isFinite = errno == ERANGE || std::isfinite(wide), isLost = false;
  auto check = [&](bool isInfinite) { isLost |= isFinite && isInfinite; };
  float single = static_cast<float>(wide);
  if (type == "f64") {
    std::memcpy(&arg.bits, &wide, 8);
    check(std::isinf(wide));
  } else if (type == "f32") {
    std::memcpy(&arg.bits, &single, 4);
    check(std::isinf(single));
  } else if (type == "bf16") {
    arg.bits = toBfloat(single);
    check((arg.bits & 0x7fff) == 0x7f80);
  } else {
    _Float16 half = static_cast<_Float16>(wide);
    std::memcpy(&arg.bits, &half, 2);
    check((arg.bits & 0x7fff) == 0x7c00);
  }
  return !text.empty() && !*end && !isLost;
}

static Argument parseArgument(const std::string &text, Device &device,
                              size_t index) {
  Argument arg;
  size_t colon = text.find(':');
  std::string type = text.substr(0, colon);
  std::string value = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::string name = "argument " + std::to_string(index);
  if (const NumberType *number = findType(type)) {
    arg.bytes = number->bytes;
    if (!(type[0] == 'i' ? parseInteger(value, arg)
                         : parseFloat(value, type, arg)))
      fail(name + ": '" + value + "' is no value of type " + type + " (" +
           std::string(number->range) + ")");
  } else if (type == "zeros" || type == "empty") {
    if (!parseShape(value, arg))
      fail(name + ": '" + value +
           "' is no number of bytes and no shape, such as 64x32xf32");
    allocate(arg, device, name);
    uint8_t zero = 0;
    if (type == "zeros")
      device.fill(arg.address, arg.array.dataBytes, &zero, 1);
  } else {
    std::string error, file = readFile(text, name + ": ");
    if (!npy::parse(file, arg.array, error))
      fail(name + ": '" + text + "': " + error);
    allocate(arg, device, name + " (" + text + ")");
    device.write(arg.address, file.data() + arg.array.dataStart,
                 arg.array.dataBytes);
  }
  return arg;
}

static void writeStats(const std::string &path, const LaunchResult &result,
                       const std::string &kernel, const Problem &problem,
                       bool timing) {
  writeFile(path, countersToJson(kernel, result, problem, timing) + "\n");
}

int main(int argc, char **argv) {
  std::string file, entry, stats;
  Dim3 grid, block;
  uint32_t shared = 0;
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
      if (!parseNumber(value, shared))
        fail("--smem takes a number of bytes from 0 to 4294967295, not '" +
             value + "'");
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
  if (!stats.empty())
    checkOutput(stats);
  std::string text = readFile(file, "");
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
    size_t index = 0;
    if (colon == std::string::npos ||
        !parseNumber(out.substr(0, colon), index) || index >= values.size() ||
        !values[index].isArray)
      fail("--out takes the number of an array argument and a file, as in "
           "0:out.npy, not '" +
           out + "'");
    outputs.push_back({index, out.substr(colon + 1)});
    checkOutput(outputs.back().path);
  }
  LaunchResult result =
      device.launch(kernel, grid, block, shared, params.data(), params.size());
  std::fwrite(result.printed.data(), 1, result.printed.size(), stdout);
  for (const std::string &note : result.notes)
    std::fprintf(stderr, "%s: note: %s\n", file.c_str(), note.c_str());
  if (!result.ok) {
    std::fprintf(stderr, "%s: fault: %s\n", file.c_str(), result.fault.c_str());
    return 2;
  }
  for (const Output &out : outputs) {
    const Argument &v = values[out.index];
    if (!v.hasType)
      std::fprintf(stderr,
                   "ptx-emu: note: argument %zu is written as bytes; a shape "
                   "such as %" PRIu64 "xf32 gives it a type\n",
                   out.index, v.array.dataBytes / 4);
    std::string data = npy::makeHeader(v.array.descr, v.array.shape);
    size_t start = data.size();
    data.resize(start + v.array.dataBytes);
    device.read(data.data() + start, v.address, v.array.dataBytes);
    writeFile(out.path, data);
  }
  if (!stats.empty()) {
    writeStats(stats, result, entry, problem, timing);
    std::fputs(countersToTable(entry, result, problem).c_str(), stdout);
  }
  return 0;
}
