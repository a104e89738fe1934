//===- et-fuzz-ptx.cpp - Any text into the PTX parser and decoder ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For libFuzzer; docs/Emulator.md says how to build and run it. What can be
// decoded is run for a short while, so that checks are met too.
//
//===----------------------------------------------------------------------===//

#include "et/Emulator/Emulator.h"

#include <algorithm>
#include <cstring>

using namespace et::emu;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr uint64_t bytes = 1 << 16;
  static uint64_t buffer = 0;
  static Device device([] {
    Options options;
    options.threads = 1;
    options.maxInstructions = 2000;
    options.countMemory = true;
    return options;
  }());
  if (!buffer) {
    buffer = device.allocate(bytes, "buffer");
    uint32_t one = 1;
    device.fill(buffer, bytes / 8, &one, 4); // The rest was never written.
  }
  constexpr Schedule schedules[] = {Schedule::Early, Schedule::Late,
                                    Schedule::Random};
  device.options().schedule = schedules[size % 3];
  std::string text(reinterpret_cast<const char *>(data), size);
  Diagnostic diag;
  Module *module = device.loadModule(text, "fuzz", diag);
  if (!module)
    return 0;
  for (const std::string &name : device.kernelNames(module))
    if (Kernel *kernel = device.getKernel(module, name, diag)) {
      const KernelInfo &info = device.info(kernel);
      std::string params(info.paramBytes + 1, '\0');
      for (const KernelParam &p : info.params) {
        uint64_t value = p.size == 8 ? buffer : 16;
        std::memcpy(&params[p.offset], &value, std::min(p.size, 8u));
      }
      // One warp less a few lanes after the first.
      uint32_t threads = std::min(info.maxThreads, 60u);
      device.launch(kernel, {2, 1, 1}, {threads, 1, 1}, 1024, params.data(),
                    params.size());
    }
  device.unloadModule(module);
  return 0;
}
