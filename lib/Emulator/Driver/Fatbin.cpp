//===- Fatbin.cpp - PTX out of a module image -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include <algorithm>
#include <cstdint>
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
/// PTX of a gigabyte is no PTX, but a size that damage made; so is a fatbin of
/// 16, whatever is packed into it.
constexpr uint64_t kMostPtx = uint64_t(1) << 30, kMostFatbin = uint64_t(1)
                                                               << 34;
} // namespace

/// LZ4's block format: literals, then a match of bytes already written.
static bool unpackLz4(const uint8_t *in, size_t size, std::string &out,
                      size_t plain) {
  const uint8_t *end = in + size;
  const size_t most = plain + 64; // With padding.
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
    if (!length(token >> 4, literals) || literals > size_t(end - in) ||
        literals > most - out.size())
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
        match + 4 > most - out.size())
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
  out.resize(plain);
  if (ZSTD_decompress(out.data(), plain, in, size) == plain)
    return true;
  error = "the fatbin's compressed PTX is damaged";
#else
  (void)in, (void)size, (void)out, (void)plain;
  error = "the fatbin's PTX is compressed with zstd, and this emulator was "
          "built without it: install libzstd-dev and configure again, or "
          "compile with 'nvcc --compress-mode=none'";
#endif
  return false;
}

/// The PTX of one entry, of which `payload` is left. False with the reason.
static bool readEntry(const Entry &entry, const uint8_t *payload,
                      std::string &text, std::string &error) {
  if (!(entry.flags & (kZstd | kLz4))) {
    text.assign(reinterpret_cast<const char *>(payload), entry.size);
    return true;
  }
  if (entry.compressed > entry.size || entry.plainSize > kMostPtx) {
    error = "the fatbin is damaged: " + std::to_string(entry.size) +
            " bytes hold " + std::to_string(entry.compressed) +
            " of compressed PTX, " + std::to_string(entry.plainSize) +
            " unpacked";
    return false;
  }
  if (entry.flags & kZstd)
    return unpackZstd(payload, entry.compressed, text, entry.plainSize, error);
  if (unpackLz4(payload, entry.compressed, text, entry.plainSize))
    return true;
  error = "the fatbin's compressed PTX is damaged";
  return false;
}

/// Whether the image begins with the four bytes of a number, none of which is
/// zero; text that is shorter is not read beyond its end.
static bool begins(const void *image, size_t size, uint32_t magic) {
  char bytes[4];
  std::memcpy(bytes, &magic, 4);
  return size >= 4 &&
         std::strncmp(static_cast<const char *>(image), bytes, 4) == 0;
}

bool extractPtx(const void *image, size_t size,
                const std::function<bool(const std::string &)> &fits,
                std::string &ptx, std::string &error) {
  if (image && size >= sizeof(Wrapper) && begins(image, size, kWrapperMagic)) {
    Wrapper wrapper;
    std::memcpy(&wrapper, image, sizeof(wrapper));
    // A pointer in a file is none.
    image = size == SIZE_MAX ? wrapper.data : nullptr;
  }
  if (!image) {
    error = "the image is null";
    return false;
  }
  if (begins(image, size, 0x464c457f)) {
    error = "the image is a cubin, which holds no PTX; keep the PTX beside it "
            "(a fatbin, or format 'isa')";
    return false;
  }
  if (!begins(image, size, kMagic)) {
    ptx = static_cast<const char *>(image);
    return true;
  }
  auto damaged = [&](const std::string &what, uint64_t has, uint64_t left) {
    error = "the fatbin is damaged: " + what + " of " + std::to_string(has) +
            " bytes where " + std::to_string(left) + " are left";
    return false;
  };
  if (size < sizeof(Header))
    return damaged("a header", sizeof(Header), size);
  Header header;
  std::memcpy(&header, image, sizeof(header));
  if (header.bytes < sizeof(header) || header.bytes > size)
    return damaged("a header", header.bytes, size);
  uint64_t left = std::min<uint64_t>(size - header.bytes, kMostFatbin);
  if (header.size > left)
    return damaged("entries", header.size, left);
  left = header.size;
  const auto *at = static_cast<const uint8_t *>(image) + header.bytes;
  unsigned best = 0;
  bool any = false;
  // What is shorter than an entry's header is padding.
  while (left >= sizeof(Entry)) {
    Entry entry;
    std::memcpy(&entry, at, sizeof(entry));
    if (entry.bytes < sizeof(Entry) || entry.bytes > left)
      return damaged("an entry's header", entry.bytes, left);
    left -= entry.bytes;
    if (entry.size > left)
      return damaged("an entry", entry.size, left);
    const uint8_t *payload = at + entry.bytes;
    if (entry.kind == 1) {
      any = true;
      std::string text;
      if (!readEntry(entry, payload, text, error))
        return false;
      if (entry.arch >= best && fits(text)) {
        ptx = std::move(text);
        best = entry.arch;
      }
    }
    at = payload + entry.size;
    left -= entry.size;
  }
  if (best)
    return true;
  error = any ? "no PTX in the fatbin runs on the emulated chip; ET_EMU_CHIP "
                "chooses another"
              : "the fatbin holds no PTX";
  return false;
}
