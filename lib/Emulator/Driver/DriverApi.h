//===- DriverApi.h - The CUDA driver API's types and state ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of the driver's binary interface that is exported, written down here
// so that no CUDA toolkit is needed to build it.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_DRIVER_DRIVERAPI_H
#define ET_EMULATOR_DRIVER_DRIVERAPI_H

#include "et/Emulator/Stats.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#define ET_CU extern "C" __attribute__((visibility("default"))) CUresult

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct ContextObject *;
using CUmodule = struct ModuleObject *;
using CUfunction = struct FunctionObject *;
using CUstream = struct StreamObject *;
using CUevent = struct EventObject *;
using CUgraph = struct GraphObject *;
using CUgraphExec = struct GraphExecObject *;
using CUmemoryPool = struct PoolObject *;

inline constexpr CUresult kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2,
                          kNotInitialized = 3, kDeinitialized = 4,
                          kNoDevice = 100, kInvalidDevice = 101,
                          kInvalidImage = 200, kInvalidContext = 201,
                          kNoBinaryForGpu = 209, kUnsupportedLimit = 215,
                          kInvalidPtx = 218, kFileNotFound = 301,
                          kNotFound = 500, kNotReady = 600,
                          kInvalidHandle = 400, kIllegalAddress = 700,
                          kOutOfResources = 701, kLaunchTimeout = 702,
                          kAssert = 710, kAlreadyRegistered = 712,
                          kNotRegistered = 713, kMisaligned = 716,
                          kLaunchFailed = 719, kCooperativeTooLarge = 720,
                          kNotSupported = 801, kCaptureInvalidated = 901,
                          kCaptureUnmatched = 905, kCaptureImplicit = 906,
                          kStreamCaptureUnsupported = 900;

struct FunctionObject {
  et::emu::Kernel *kernel;
  ModuleObject *module;
  std::string name;
  /// Of its dynamic shared memory, in bytes.
  int maxDynamicShared = 0;
  // What is kept for who asks, and changes nothing here.
  int carveout = -1, nonPortableCluster = 0, clusterScheduling = 0;
};
struct ModuleObject {
  et::emu::Module *module;
  std::unordered_map<std::string, std::unique_ptr<FunctionObject>> functions;
};
struct GraphObject {
  std::vector<std::function<CUresult()>> nodes;
};
struct GraphExecObject {
  std::vector<std::function<CUresult()>> nodes;
};
struct StreamObject {
  /// The graph that work on this stream is recorded in, while it is captured.
  GraphObject *capture = nullptr;
  bool origin = false;
  /// The capture that began here lets unsafe calls through.
  bool isRelaxed = false;
  int priority = 0;
  unsigned flags = 0;
};
struct EventObject {
  bool recorded = false;
  GraphObject *capture = nullptr;
  std::chrono::steady_clock::time_point when;
};
struct ContextObject {
  int references = 0;
};
struct PoolObject {};

/// One device, one context: the whole state of the process.
class Driver {
public:
  static Driver &get();

  std::recursive_mutex lock;
  bool initialized = false;
  /// The process ends: what the driver had is gone.
  std::atomic<bool> ended{false};
  std::unique_ptr<et::emu::Device> device;
  /// 90 and 'a' for sm_90a.
  unsigned capability = 90;
  char suffix = 'a';
  /// Multiprocessors; those of the chip, if 0.
  int processors = 0;
  ContextObject context;
  PoolObject pool;
  StreamObject defaultStream;
  /// By number, as a driver has them at the start.
  size_t limits[7] = {1024, 1 << 20, 8 << 20, 0, 0, 64, 0};
  std::set<void *> streams, events, graphs, graphExecs;
  std::set<ModuleObject *> modules;
  std::unordered_map<void *, size_t> hostMemory;
  std::set<void *> registered;
  std::string statsFile;
  std::vector<std::string> stats;
  /// With ET_EMU_PROBLEM: of all launches together.
  et::emu::LaunchResult total;
  et::emu::Problem problem;
  bool hasProblem = false, timing = false;
  /// A fault leaves the context unusable, as on a GPU.
  CUresult sticky = kSuccess;

  CUresult initialize();
  StreamObject *stream(CUstream handle);
  /// Whether a stream is captured in a mode that forbids calls which a driver
  /// may not order with what is captured, such as allocations off any stream.
  bool forbidsUnsafe() const;
  /// Runs the work, or records it where the stream is being captured.
  CUresult submit(CUstream handle, std::function<CUresult()> work);
  void say(const std::string &message);

private:
  Driver() = default;
  void end();
  void writeStats();
};

/// What every call but a few begins with.
#define ET_ENTER                                                               \
  Driver &driver = Driver::get();                                              \
  std::lock_guard<std::recursive_mutex> hold(driver.lock);                     \
  if (driver.ended)                                                            \
    return kDeinitialized;                                                     \
  if (!driver.initialized)                                                     \
    return kNotInitialized;                                                    \
  if (driver.sticky != kSuccess)                                               \
    return driver.sticky;

/// What a call that no capture allows goes on with.
#define ET_UNSAFE                                                              \
  if (driver.forbidsUnsafe())                                                  \
    return kStreamCaptureUnsupported;

/// Blocks of so many threads and bytes of dynamic shared memory that the device
/// holds at a time.
uint64_t residentBlocks(const Driver &driver, CUfunction function,
                        uint64_t threads, uint64_t shared);
/// Says that a cluster is one block here.
CUresult refuseClusters(Driver &driver);

/// PTX text of an image of at most `size` bytes, which is PTX or a fatbin with
/// PTX in it. False with a message.
bool extractPtx(const void *image, size_t size,
                const std::function<bool(const std::string &)> &fits,
                std::string &ptx, std::string &error);

#endif // ET_EMULATOR_DRIVER_DRIVERAPI_H
