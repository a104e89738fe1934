//===- ExecPrint.cpp - printf of kernels ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vprintf(format, arguments), as the CUDA programming guide has it: the
// arguments lie one after the other, each aligned to its size, promoted as C
// promotes those of variadic functions. Lanes print in their order.
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Undefined.h"

#include <cstdio>
#include <cstring>

using namespace et::emu;

namespace et::emu::ET_EMU_ISA {
namespace {

/// One lane's view of memory, for bytes that may lie anywhere.
class Reader {
public:
  Reader(Warp &w, const Inst &inst, int lane) : w(w), inst(inst), lane(lane) {}
  bool read(uint64_t address, void *to, unsigned bytes) {
    uint32_t exec = w.exec;
    w.exec = 1u << lane;
    bool ok = true;
    for (unsigned k = 0; k < bytes && ok; ++k) {
      Lanes lanes = {};
      lanes.address[lane] = address + k;
      ok = resolve(w, inst, Space::Generic, 1, Access::Load, lanes);
      if (!ok)
        break;
      std::memcpy(static_cast<uint8_t *>(to) + k,
                  reinterpret_cast<const void *>(lanes.host[lane]), 1);
      uint64_t own =
          lanes.host[lane] - reinterpret_cast<uint64_t>(w.local.data());
      if (w.unread.lanes)
        ok = useUndefined(w, w.unread.origin, lane);
      else if (own < w.localUndefined.size() && w.localUndefined[own])
        ok = useUndefined(w, w.localOrigin, lane);
    }
    w.exec = exec;
    return ok;
  }
  bool text(uint64_t address, std::string &to) {
    for (char c;; to += c, ++address) {
      if (!read(address, &c, 1))
        return false;
      if (!c)
        return true;
      if (to.size() == kMostText) {
        w.fault("printf", "vprintf of a string without an end", lane);
        return false;
      }
    }
  }

private:
  static constexpr size_t kMostText = 1 << 20;
  Warp &w;
  const Inst &inst;
  int lane;
};

/// The arguments of one call.
class Arguments {
public:
  Arguments(Reader &reader, uint64_t at) : reader(reader), at(at) {}
  template <typename T>
  bool take(T &value) {
    at = (at + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    if (!reader.read(at, &value, sizeof(T)))
      return false;
    at += sizeof(T);
    ++taken;
    return true;
  }
  int32_t taken = 0;

private:
  Reader &reader;
  uint64_t at;
};

template <typename T>
void put(std::string &out, const std::string &spec, T value) {
  char text[512];
  // Width and precision are bounded, so the longest is a double of 309 digits.
  int length = std::snprintf(text, sizeof(text), spec.c_str(), value);
  if (length > 0)
    out.append(text,
               std::min<size_t>(static_cast<size_t>(length), sizeof(text) - 1));
}

/// One conversion, from behind its `%`. False after a fault.
bool convert(Reader &reader, Arguments &args, const std::string &format,
             size_t &at, std::string &out) {
  size_t start = at;
  std::string spec = "%";
  while (at < format.size() && std::strchr("-+ #0", format[at]))
    spec += format[at++];
  // Width and precision; so much of each is honored.
  constexpr int most = 100;
  for (int part = 0; part < 2; ++part) {
    if (part == 1) {
      if (at == format.size() || format[at] != '.')
        break;
      spec += format[at++];
    }
    int32_t number = 0;
    if (at < format.size() && format[at] == '*') {
      ++at;
      if (!args.take(number))
        return false;
      number = std::max(-most, std::min(most, number));
      if (part == 1 && number < 0)
        spec.pop_back(); // As if there were none.
      else
        spec += std::to_string(number);
      continue;
    }
    bool any = false;
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
      number = std::min(most, number * 10 + (format[at] - '0'));
      any = true;
    }
    if (any)
      spec += std::to_string(number);
  }
  unsigned longs = 0;
  std::string size;
  while (at < format.size() && std::strchr("hl", format[at])) {
    longs += format[at] == 'l';
    size += format[at++];
  }
  char kind = at < format.size() ? format[at++] : 0;
  switch (kind) {
  case '%':
    out += '%';
    return true;
  case 'c':
  case 'd':
  case 'i':
  case 'o':
  case 'u':
  case 'x':
  case 'X': {
    if (!longs || kind == 'c') {
      int32_t value;
      if (!args.take(value))
        return false;
      put(out, spec + (kind == 'c' ? "" : size.substr(0, 2)) + kind, value);
      return true;
    }
    long long value;
    if (!args.take(value))
      return false;
    put(out, spec + "ll" + kind, value);
    return true;
  }
  case 'e':
  case 'E':
  case 'f':
  case 'F':
  case 'g':
  case 'G':
  case 'a':
  case 'A': {
    double value;
    if (!args.take(value))
      return false;
    put(out, spec + kind, value);
    return true;
  }
  case 'p': {
    uint64_t value;
    if (!args.take(value))
      return false;
    put(out, spec + kind, reinterpret_cast<void *>(value));
    return true;
  }
  case 's': {
    uint64_t address;
    std::string text;
    if (!args.take(address))
      return false;
    if (!address)
      text = "(null)";
    else if (!reader.text(address, text))
      return false;
    // The longest that precision may cut it to is shorter than what put takes.
    if (spec == "%")
      out += text;
    else if (spec.find('.') != std::string::npos || text.size() < most)
      put(out, spec + kind, text.c_str());
    else
      out += text;
    return true;
  }
  default: // As it stands there.
    out += '%' + format.substr(start, at - start);
    return true;
  }
}

bool printLane(Warp &w, const Inst &i, int lane, uint64_t format,
               uint64_t arguments, int32_t &result) {
  result = -1;
  if (!format)
    return true;
  Reader reader(w, i, lane);
  Arguments args(reader, arguments);
  std::string text, out;
  if (!reader.text(format, text))
    return false;
  for (size_t at = 0; at < text.size();) {
    char c = text[at++];
    if (c != '%')
      out += c;
    else if (!convert(reader, args, text, at, out))
      return false;
  }
  // As the buffer of a device, it is bounded.
  constexpr uint64_t room = 16 << 20;
  if (w.launch->printedBytes.fetch_add(out.size()) + out.size() > room) {
    w.launch->note("the kernel prints more than " + std::to_string(room) +
                   " bytes; the rest is left out");
    return true;
  }
  w.block->printed += out;
  result = args.taken;
  return true;
}

} // namespace

void execPrint(Warp &w, const Inst &i) {
  const Ref *refs = w.launch->kernel->extra.data() + i.extra;
  const Ref *args = refs + 2 + 2 * refs[0];
  const uint64_t *formats = w.at<uint64_t>(args[0]);
  const uint64_t *arguments = w.at<uint64_t>(args[2]);
  for (uint32_t left = w.exec; left; left &= left - 1) {
    int l = __builtin_ctz(left);
    int32_t result;
    if (!printLane(w, i, l, formats[l], arguments[l], result))
      return;
    if (refs[0])
      w.at<int32_t>(refs[2])[l] = result;
  }
}

} // namespace et::emu::ET_EMU_ISA
