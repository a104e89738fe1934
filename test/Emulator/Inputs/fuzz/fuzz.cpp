//===- fuzz.cpp - Any text into the PTX parser and decoder ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For libFuzzer: built by the test together with the emulator's sources. What
// can be decoded is run for a short while, so that checks are met too.
//
//===----------------------------------------------------------------------===//

#include "et/Emulator/Emulator.h"

using namespace et::emu;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Device device([] {
    Options options;
    options.threads = 1;
    options.maxInstructions = 2000;
    return options;
  }());
  std::string text(reinterpret_cast<const char *>(data), size);
  Diagnostic diag;
  Module *module = device.loadModule(text, "fuzz", diag);
  if (!module)
    return 0;
  for (const std::string &name : device.kernelNames(module))
    if (Kernel *kernel = device.getKernel(module, name, diag)) {
      std::string params(device.info(kernel).paramBytes + 1, '\0');
      device.launch(kernel, {1, 1, 1}, {32, 1, 1}, 1024, params.data(),
                    params.size());
    }
  device.unloadModule(module);
  return 0;
}
