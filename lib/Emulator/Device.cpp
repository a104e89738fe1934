//===- Device.cpp - Modules, memory and launches --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Async.h"
#include "Decoder.h"
#include "Race.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

using namespace et::emu;

namespace et::emu {

class Module {
public:
  std::unique_ptr<PtxModule> ptx;
  std::vector<std::string_view> lines;
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<uint64_t> allocations;
};

class DeviceImpl {
public:
  Options options;
  Memory memory;
  std::vector<std::unique_ptr<Module>> modules;
  uint64_t launches = 0;
  /// Where the blocks of a cooperative launch meet; see %envreg1.
  uint64_t workspace = 0;
};

} // namespace et::emu

Device::Device(Options options) : impl(std::make_unique<DeviceImpl>()) {
  impl->options = options;
}
Device::~Device() = default;

Options &Device::options() { return impl->options; }

uint64_t Device::allocate(uint64_t bytes, std::string_view name) {
  return impl->memory.allocate(bytes, name);
}
bool Device::free(uint64_t address) { return impl->memory.free(address); }

bool Device::findAllocation(uint64_t address, uint64_t &base,
                            uint64_t &size) const {
  const Memory::Allocation *a = impl->memory.find(address);
  if (!a)
    return false;
  base = a->start;
  size = a->end - a->start;
  return true;
}

bool Device::write(uint64_t address, const void *data, uint64_t bytes) {
  if (!bytes)
    return true;
  if (!impl->memory.holds(address, bytes))
    return false;
  std::memcpy(impl->memory.host(address), data, bytes);
  std::memset(impl->memory.initOf(address), 1, bytes);
  return true;
}

bool Device::read(void *data, uint64_t address, uint64_t bytes) const {
  if (!bytes)
    return true;
  if (!impl->memory.holds(address, bytes))
    return false;
  std::memcpy(data, impl->memory.host(address), bytes);
  return true;
}

bool Device::copy(uint64_t to, uint64_t from, uint64_t bytes) {
  Memory &m = impl->memory;
  if (!bytes)
    return true;
  if (!m.holds(to, bytes) || !m.holds(from, bytes))
    return false;
  std::memmove(m.host(to), m.host(from), bytes);
  std::memmove(m.initOf(to), m.initOf(from), bytes);
  return true;
}

bool Device::fill(uint64_t address, uint64_t count, const void *value,
                  unsigned valueBytes) {
  if (!count)
    return true;
  Memory &m = impl->memory;
  if (count > ~uint64_t(0) / valueBytes ||
      !m.holds(address, count * valueBytes))
    return false;
  uint8_t *to = m.host(address);
  for (uint64_t k = 0; k < count; ++k)
    std::memcpy(to + k * valueBytes, value, valueBytes);
  std::memset(m.initOf(address), 1, count * valueBytes);
  return true;
}

static std::vector<std::string_view> splitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view()
                                         : text.substr(end + 1);
  }
  return lines;
}

Module *Device::loadModule(std::string_view ptx, std::string name,
                           Diagnostic &diag) {
  auto module = std::make_unique<Module>();
  module->ptx = parsePtx(ptx, std::move(name), diag);
  if (!module->ptx)
    return nullptr;
  module->lines = splitLines(module->ptx->text);
  auto fail = [&](Loc loc, std::string message) {
    diag = {loc.line, loc.column, std::move(message)};
    for (uint64_t a : module->allocations)
      impl->memory.free(a);
    return nullptr;
  };
  for (Symbol *symbol : module->ptx->variables) {
    if ((symbol->space != Space::Global && symbol->space != Space::Const) ||
        symbol->size == 0 || symbol->isExtern)
      continue;
    symbol->address = impl->memory.allocate(symbol->size, symbol->name);
    if (!symbol->address)
      return fail(symbol->loc,
                  "no memory for '" + std::string(symbol->name) + "'");
    module->allocations.push_back(symbol->address);
    std::vector<uint8_t> zero;
    const std::vector<uint8_t> *init = &symbol->init;
    if (init->empty()) { // PTX: variables without initial values are zero.
      zero.assign(symbol->size, 0);
      init = &zero;
    }
    write(symbol->address, init->data(), init->size());
  }
  for (Symbol *symbol : module->ptx->variables)
    for (const Symbol::Relocation &r : symbol->relocations) {
      auto it = module->ptx->globals.find(r.target);
      uint64_t base = 0;
      if (it != module->ptx->globals.end())
        base = it->second->kind == Symbol::Func ? it->second->function->number
                                                : it->second->address;
      if (!base)
        return fail(r.loc, "'" + std::string(r.target) +
                               "' has no address that is known");
      uint64_t value = base + static_cast<uint64_t>(r.addend);
      write(symbol->address + r.offset, &value, std::min(8u, r.bytes));
    }
  impl->modules.push_back(std::move(module));
  return impl->modules.back().get();
}

void Device::unloadModule(Module *module) {
  for (uint64_t a : module->allocations)
    impl->memory.free(a);
  auto &all = impl->modules;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](auto &m) { return m.get() == module; }),
            all.end());
}

std::vector<std::string> Device::kernelNames(const Module *module) const {
  std::vector<std::string> names;
  for (const Function &fn : module->ptx->functions)
    if (fn.isEntry && fn.hasBody)
      names.emplace_back(fn.name);
  return names;
}

Kernel *Device::getKernel(Module *module, std::string_view name,
                          Diagnostic &diag) {
  for (auto &kernel : module->kernels)
    if (kernel->info.name == name)
      return kernel.get();
  const Function *entry = nullptr;
  for (const Function &fn : module->ptx->functions)
    if (fn.isEntry && fn.hasBody && fn.name == name)
      entry = &fn;
  if (!entry) {
    diag = {0, 0, "the module has no kernel '" + std::string(name) + "'"};
    return nullptr;
  }
  auto kernel = std::make_unique<Kernel>();
  kernel->module = module;
  kernel->ptx = module->ptx.get();
  kernel->lines = module->lines;
  kernel->info.name = std::string(name);
  diag = Diagnostic();
  if (!Decoder(*kernel, *module->ptx, impl->memory, diag).run(*entry))
    return nullptr;
  KernelInfo &info = kernel->info;
  for (const Symbol *param : entry->params)
    info.params.push_back({param->offset, static_cast<uint32_t>(param->size)});
  info.paramBytes = entry->paramBytes;
  info.sharedBytes = kernel->staticShared;
  info.localBytes = entry->localBytes;
  info.registers = kernel->functions[0].frameBytes / 128;
  uint64_t limit = 1;
  for (int k = 0; k < 3; ++k) {
    kernel->requiredThreads[k] = entry->requiredThreads[k];
    limit *= entry->maxThreads[k];
  }
  if (entry->requiredThreads[0])
    limit = uint64_t(entry->requiredThreads[0]) * entry->requiredThreads[1] *
            entry->requiredThreads[2];
  info.maxThreads = limit && limit < 1024 ? static_cast<uint32_t>(limit) : 1024;
  // The assembler takes what a multiprocessor of 65536 has, by eights.
  kernel->startRegisters = entry->maxRegisters;
  if (!kernel->startRegisters && limit)
    kernel->startRegisters =
        static_cast<uint32_t>(std::min<uint64_t>(65536 / limit / 8 * 8, 255));
  module->kernels.push_back(std::move(kernel));
  return module->kernels.back().get();
}

bool Device::getGlobal(const Module *module, std::string_view name,
                       uint64_t &address, uint64_t &size) const {
  auto it = module->ptx->globals.find(name);
  if (it == module->ptx->globals.end() || !it->second->address)
    return false;
  address = it->second->address;
  size = it->second->size;
  return true;
}

const KernelInfo &Device::info(const Kernel *kernel) const {
  return kernel->info;
}

/// Blocks one after the other; a block that has long spun without an end makes
/// room for others, whose work it may be waiting for.
static void work(Launch &launch, WarpCounters &total, std::mutex &lock) {
  // Blocks of a cooperative launch wait for each other, for all of them.
  const uint64_t budget =
      std::clamp<uint64_t>(launch.options.maxInstructions, 1,
                           launch.cooperative ? 1 << 10 : 1 << 22);
  const uint64_t most = launch.cooperative ? launch.blocks : 256;
  std::vector<std::unique_ptr<Block>> resident, idle;
  size_t turn = 0;
  for (;;) {
    uint64_t fault = launch.faultBlock.load();
    Block *block = nullptr;
    if (turn >= resident.size()) {
      turn = 0;
      uint64_t next = ~uint64_t(0);
      if (resident.size() < most)
        next = launch.nextBlock.fetch_add(1);
      if (next < launch.blocks && next < fault) {
        std::unique_ptr<Block> fresh;
        if (idle.empty()) {
          fresh = std::make_unique<Block>();
        } else {
          fresh = std::move(idle.back());
          idle.pop_back();
        }
        fresh->start(launch, next);
        resident.push_back(std::move(fresh));
        turn = resident.size() - 1;
      } else if (resident.empty()) {
        return;
      }
    }
    block = resident[turn].get();
    uint64_t before = block->counters.warpInstructions;
    Block::Step step =
        block->linear > fault ? Block::Step::Faulted : block->step(budget);
    uint64_t ran = block->counters.warpInstructions - before;
    uint64_t sum = launch.instructions.fetch_add(ran) + ran;
    if (sum > launch.heldUntil) {
      // What the blocks that still run do is beside the point now.
      while (launch.faultLock.test_and_set(std::memory_order_acquire)) {
      }
      if (launch.heldBlock < launch.faultBlock)
        launch.faultBlock = launch.heldBlock;
      launch.faultLock.clear(std::memory_order_release);
      if (step == Block::Step::Spent)
        step = Block::Step::Faulted;
    }
    if (step == Block::Step::Spent && sum > launch.options.maxInstructions) {
      for (uint32_t k = 0; k < block->warpCount; ++k)
        if (block->warps[k]->state != Warp::Done) {
          block->warps[k]->fault("hang",
                                 "the launch ran " + std::to_string(sum) +
                                     " warp instructions and did not end");
          break;
        }
      step = Block::Step::Faulted;
    }
    if (step == Block::Step::Spent) {
      ++turn;
      continue;
    }
    {
      std::lock_guard<std::mutex> hold(lock);
      addCounters(total, block->counters);
      if (!block->printed.empty())
        launch.printed[block->linear] = std::move(block->printed);
    }
    idle.push_back(std::move(resident[turn]));
    resident.erase(resident.begin() + static_cast<long>(turn));
    turn = resident.size();
  }
}

LaunchResult Device::launch(Kernel *kernel, Dim3 grid, Dim3 block,
                            uint32_t dynamicShared, const void *params,
                            size_t paramBytes, bool cooperative) {
  LaunchResult result;
  auto refuse = [&](std::string message) {
    result.ok = false;
    result.faultKind = "launch";
    result.fault = "kernel '" + kernel->info.name + "': " + std::move(message);
    return result;
  };
  const KernelInfo &info = kernel->info;
  if (block.x > 1024 || block.y > 1024 || block.z > 64 ||
      grid.x > 0x7fff'ffff || grid.y > 0xffff || grid.z > 0xffff)
    return refuse("a grid of " + std::to_string(grid.x) + "x" +
                  std::to_string(grid.y) + "x" + std::to_string(grid.z) +
                  " blocks of " + std::to_string(block.x) + "x" +
                  std::to_string(block.y) + "x" + std::to_string(block.z) +
                  " threads; 2147483647x65535x65535 and 1024x1024x64 are the "
                  "most there are");
  uint64_t threads = uint64_t(block.x) * block.y * block.z;
  if (threads == 0 || threads > info.maxThreads)
    return refuse("a block of " + std::to_string(threads) + " threads; 1 to " +
                  std::to_string(info.maxThreads) + " can run");
  const uint32_t *need = kernel->requiredThreads;
  if (need[0] &&
      (need[0] != block.x || need[1] != block.y || need[2] != block.z))
    return refuse("a block of " + std::to_string(block.x) + "x" +
                  std::to_string(block.y) + "x" + std::to_string(block.z) +
                  " threads, but the kernel requires " +
                  std::to_string(need[0]) + "x" + std::to_string(need[1]) +
                  "x" + std::to_string(need[2]));
  uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
  if (blocks == 0)
    return refuse("a grid without blocks");
  if (paramBytes < info.paramBytes)
    return refuse(std::to_string(paramBytes) + " bytes of parameters, " +
                  std::to_string(info.paramBytes) + " are needed");
  uint64_t shared = uint64_t(info.sharedBytes) + dynamicShared;
  if (shared > 227 * 1024)
    return refuse(std::to_string(shared) +
                  " bytes of shared memory; 232448 is the most there is");
  Launch launch;
  launch.kernel = kernel;
  launch.memory = &impl->memory;
  launch.options = impl->options;
  launch.grid = grid;
  launch.block = block;
  launch.dynamicShared = dynamicShared;
  launch.paramBytes = info.paramBytes;
  launch.params.assign(info.paramBytes / 8 + 2, 0);
  if (info.paramBytes)
    std::memcpy(launch.params.data(), params, info.paramBytes);
  launch.cooperative = cooperative;
  if (cooperative) {
    if (!impl->workspace)
      impl->workspace = impl->memory.allocate(64, "grid workspace");
    launch.workspace = impl->workspace;
    const uint32_t start[16] = {64};
    if (!write(launch.workspace, start, sizeof(start)))
      return refuse("no memory for the blocks to meet at");
  }
  launch.id = impl->launches++;
  launch.blocks = blocks;
  const Options &o = impl->options;
  launch.checks = o.checkInit || o.checkRace || o.countMemory;
  if (o.checkRace)
    launch.race = startLaunchRace(launch);
  if (o.countMemory) {
    impl->memory.clearTouched();
    launch.executed =
        std::make_unique<std::atomic<uint64_t>[]>(kernel->code.size());
  }
  unsigned workers =
      o.threads ? o.threads : std::thread::hardware_concurrency();
  workers = static_cast<unsigned>(
      std::clamp<uint64_t>(blocks, 1, std::max(1u, workers)));
  if (o.trace)
    workers = 1;
  WarpCounters total;
  std::mutex lock;
  auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> others;
  for (unsigned k = 1; k < workers; ++k)
    others.emplace_back([&] { work(launch, total, lock); });
  work(launch, total, lock);
  for (std::thread &t : others)
    t.join();
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  if (!launch.heldFault.empty()) {
    if (launch.faultKind != "race") {
      launch.fault = launch.heldFault;
      launch.faultKind = "init";
    } else {
      launch.fault += "\nbefore that: " + launch.heldFault;
    }
  }
  result.ok = launch.fault.empty();
  result.fault = launch.fault;
  result.faultKind = launch.faultKind;
  result.notes = std::move(launch.notes);
  for (const auto &[block, text] : launch.printed)
    result.printed += text;
  result.counters = nameCounters(total, launch);
  if (launch.race)
    result.race = countRace(*launch.race);
  result.instructions = countForms(launch);
  return result;
}
