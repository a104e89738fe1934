//===- Fatbin.cpp - PTX out of a module image -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include <cstring>

#ifdef ET_EMU_WITH_ZSTD
#include <zstd.h>
#endif

namespace {
struct Wrapper {
  uint32_t magic, version;
  const void *data;
};
struct Header {
  uint32_t magic;
  uint16_t version, bytes;
  uint64_t size;
};
struct Entry {
  uint16_t kind, version;
  uint32_t bytes;
  uint64_t size;
  uint32_t compressed, unknown;
  uint16_t minor, major;
  uint32_t arch, nameOffset, nameSize;
  uint64_t flags, zero, plainSize;
};
constexpr uint32_t kWrapperMagic = 0x466243b1, kMagic = 0xba55ed50;
constexpr uint64_t kLz4 = 0x2000, kZstd = 0x8000;
} // namespace

/// LZ4's block format: literals, then a match of bytes already written.
static bool unpackLz4(const uint8_t *in, size_t size, std::string &out,
                      size_t plain) {
  const uint8_t *end = in + size;
  auto length = [&](size_t start, size_t &value) {
    value = start;
    if (start != 15)
      return true;
    for (uint8_t more = 255; more == 255;) {
      if (in == end)
        return false;
      more = *in++;
      value += more;
    }
    return true;
  };
  while (in < end) {
    uint8_t token = *in++;
    size_t literals, match;
    if (!length(token >> 4, literals) || literals > size_t(end - in))
      return false;
    out.append(reinterpret_cast<const char *>(in), literals);
    in += literals;
    if (in == end)
      break;
    if (end - in < 2)
      return false;
    size_t back = in[0] | in[1] << 8;
    in += 2;
    if (!length(token & 15, match) || back == 0 || back > out.size() ||
        out.size() + match + 4 > plain + 64)
      return false;
    for (size_t k = 0; k < match + 4; ++k)
      out.push_back(out[out.size() - back]);
  }
  return true;
}

/// What a zstd frame holds; false with the reason.
static bool unpackZstd(const uint8_t *in, size_t size, std::string &out,
                       size_t plain, std::string &error) {
#ifdef ET_EMU_WITH_ZSTD
  // PTX of a gigabyte is no PTX, but a size that damage made.
  if (plain <= size_t(1) << 30) {
    out.resize(plain);
    if (ZSTD_decompress(out.data(), plain, in, size) == plain)
      return true;
  }
  error = "the fatbin's compressed PTX is damaged";
#else
  (void)in, (void)size, (void)out, (void)plain;
  error = "the fatbin's PTX is compressed with zstd, and this emulator was "
          "built without it: install libzstd-dev and configure again, or "
          "compile with 'nvcc --compress-mode=none'";
#endif
  return false;
}

bool extractPtx(const void *image,
                const std::function<bool(const std::string &)> &fits,
                std::string &ptx, std::string &error) {
  if (!image) {
    error = "the image is null";
    return false;
  }
  uint32_t magic;
  std::memcpy(&magic, image, 4);
  if (magic == kWrapperMagic) {
    image = static_cast<const Wrapper *>(image)->data;
    std::memcpy(&magic, image, 4);
  }
  if (magic == 0x464c457f) {
    error = "the image is a cubin, which holds no PTX; keep the PTX beside it "
            "(a fatbin, or format 'isa')";
    return false;
  }
  if (magic != kMagic) {
    ptx = static_cast<const char *>(image);
    return true;
  }
  Header header;
  std::memcpy(&header, image, sizeof(header));
  const auto *at = static_cast<const uint8_t *>(image) + header.bytes;
  const uint8_t *end = at + header.size;
  unsigned best = 0;
  bool any = false;
  while (at + sizeof(Entry) <= end) {
    Entry entry;
    std::memcpy(&entry, at, sizeof(entry));
    const uint8_t *payload = at + entry.bytes;
    if (entry.bytes < sizeof(Entry) || entry.size > size_t(end - payload))
      break;
    if (entry.kind == 1) {
      any = true;
      std::string text;
      if ((entry.flags & (kZstd | kLz4)) && entry.compressed > entry.size) {
        error = "the fatbin's compressed PTX is damaged";
        return false;
      }
      if (entry.flags & kZstd) {
        if (!unpackZstd(payload, entry.compressed, text, entry.plainSize,
                        error))
          return false;
      } else if (entry.flags & kLz4) {
        if (!unpackLz4(payload, entry.compressed, text, entry.plainSize)) {
          error = "the fatbin's compressed PTX is damaged";
          return false;
        }
      } else {
        text.assign(reinterpret_cast<const char *>(payload), entry.size);
      }
      if (entry.arch >= best && fits(text)) {
        ptx = std::move(text);
        best = entry.arch;
      }
    }
    at = payload + entry.size;
  }
  if (best)
    return true;
  error = any ? "no PTX in the fatbin runs on the emulated chip; ET_EMU_CHIP "
                "chooses another"
              : "the fatbin holds no PTX";
  return false;
}
