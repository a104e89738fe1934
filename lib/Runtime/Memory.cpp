//===- Memory.cpp - allocations of compiled code --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Defines the functions that finalize-memref-to-llvm calls under
// `use-generic-functions`. Each allocation belongs to the call that made it,
// so that an error can leave compiled code without leaking.
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

using namespace et::runtime;

namespace {
struct Counter {
  std::atomic<int64_t> current{0};
  std::atomic<int64_t> peak{0};
};
} // namespace

static Counter counters[2];
// Of threads that are no call's: failures in parallel regions, checks among
// these, and the message of the last one.
static std::atomic<unsigned> unknownFailureCount{0};
static std::atomic<unsigned> unknownCheckCount{0};
static std::atomic<const char *> lastUnknownCheck{nullptr};

// Room that allocations share which fail inside a parallel region: the call is
// lost already, but its threads must run on to the end of the region. Untouched
// pages cost nothing.
static constexpr size_t lastResortSize = size_t(64) << 20;
static void *lastResort = nullptr;
static pthread_once_t lastResortOnce = PTHREAD_ONCE_INIT;

static void reserveLastResort() {
  void *room = mmap(nullptr, lastResortSize, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  lastResort = room == MAP_FAILED ? nullptr : room;
}

static bool isLastResort(void *data) {
  return lastResort && data >= lastResort &&
         data < static_cast<char *>(lastResort) + lastResortSize;
}

void et::runtime::countMemory(et_memory memory, int64_t bytes) {
  Counter &counter = counters[memory];
  int64_t now = counter.current.fetch_add(bytes) + bytes;
  int64_t peak = counter.peak.load();
  while (now > peak && !counter.peak.compare_exchange_weak(peak, now)) {
  }
}

static bool isKnown(et_memory memory) {
  return memory == ET_HOST || memory == ET_CUDA;
}

size_t et_memory_current(et_memory memory) {
  return isKnown(memory) ? size_t(counters[memory].current.load()) : 0;
}

size_t et_memory_peak(et_memory memory) {
  return isKnown(memory) ? size_t(counters[memory].peak.load()) : 0;
}

void et_memory_reset_peak(void) {
  for (Counter &counter : counters)
    counter.peak.store(counter.current.load());
}

void et::runtime::noteParallelFailure(const char *check) {
  if (currentCall) {
    ParallelFailures &failures = currentCall->failures;
    ++failures.count;
    if (check)
      failures.check = check;
    return;
  }
  if (check) {
    lastUnknownCheck.store(check);
    ++unknownCheckCount;
  }
  ++unknownFailureCount;
}

UnknownFailures et::runtime::unknownFailures() {
  return {unknownFailureCount.load(), unknownCheckCount.load(),
          lastUnknownCheck.load()};
}

bool et::runtime::canUnwind() {
  return currentCall && currentCall->parallelDepth == 0;
}

// Blocks that are worth large pages, and the size of those: weights that stream
// by cross a page of 4 KB every few hundred nanoseconds.
static constexpr size_t largePage = size_t(2) << 20;

namespace {
/// Large blocks that nobody holds, oldest first. Pages that the operating
/// system gives anew it clears first, which takes as long as a layer takes to
/// write them; these it may take back when it needs them.
class FreeBlocks {
public:
  /// A block of at least `size` bytes, or null.
  void *take(size_t size, size_t &capacity) {
    pthread_mutex_lock(&lock);
    Block *best = nullptr;
    for (Block *block = blocks; block != blocks + count; ++block)
      if (block->capacity >= size && block->capacity / 2 <= size &&
          (!best || block->capacity < best->capacity))
        best = block;
    void *base = best ? best->base : nullptr;
    if (best) {
      capacity = best->capacity;
      remove(best);
    }
    pthread_mutex_unlock(&lock);
    return base;
  }

  void add(void *base, size_t capacity) {
#ifdef MADV_FREE
    if (capacity <= maxBytes && !madvise(base, capacity, MADV_FREE)) {
      pthread_mutex_lock(&lock);
      while (count == maxCount || bytes + capacity > maxBytes)
        releaseOldest();
      blocks[count++] = {base, capacity};
      bytes += capacity;
      pthread_mutex_unlock(&lock);
      return;
    }
#endif
    munmap(base, capacity);
  }

  /// False if there was none.
  bool releaseAll() {
    pthread_mutex_lock(&lock);
    bool any = count;
    while (count)
      releaseOldest();
    pthread_mutex_unlock(&lock);
    return any;
  }

  /// For when the code is unloaded. At the end of a process, which comes here
  /// as well, nobody may be there to give the lock back.
  void releaseAtEnd() {
    if (pthread_mutex_trylock(&lock))
      return;
    while (count)
      releaseOldest();
    pthread_mutex_unlock(&lock);
  }

private:
  static constexpr size_t maxCount = 16, maxBytes = size_t(256) << 20;
  struct Block {
    void *base;
    size_t capacity;
  };

  void remove(Block *block) {
    bytes -= block->capacity;
    std::copy(block + 1, blocks + count, block);
    --count;
  }
  void releaseOldest() {
    munmap(blocks[0].base, blocks[0].capacity);
    remove(blocks);
  }

  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  Block blocks[maxCount] = {};
  size_t count = 0, bytes = 0;
};
} // namespace

static FreeBlocks freeBlocks;

__attribute__((destructor)) static void releaseKeptMemory() {
  freeBlocks.releaseAtEnd();
  if (lastResort)
    munmap(lastResort, lastResortSize);
  lastResort = nullptr;
}

/// Pages of their own: what malloc gives again has small pages already.
static void *mapLargePages(size_t size) {
  size_t total = size + largePage;
  void *mapped = mmap(nullptr, total, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return nullptr;
  char *base = static_cast<char *>(mapped);
  size_t before = -reinterpret_cast<uintptr_t>(base) % largePage;
  if (before)
    munmap(base, before);
  base += before;
  munmap(base + size, largePage - before);
#ifdef MADV_HUGEPAGE
  // A wish, which changes nothing but time and, by up to a page, memory.
  madvise(base, size, MADV_HUGEPAGE);
#endif
  return base;
}

static void *allocatePages(bool isLarge, size_t alignment, size_t size) {
  return isLarge ? mapLargePages(size) : aligned_alloc(alignment, size);
}

static void releaseHost(Owned *block) {
  freeHost(static_cast<HostBlock *>(block)->data());
}

static HostBlock *newBlock(size_t size, size_t alignment) {
  if (alignment < sizeof(HostBlock))
    alignment = sizeof(HostBlock);
  bool isLarge = size >= largePage && alignment <= largePage;
  size_t unit = isLarge ? largePage : alignment, total, end, capacity = 0;
  if (__builtin_add_overflow(size, alignment + unit - 1, &total) ||
      __builtin_add_overflow(total, unit, &end))
    return nullptr;
  total &= ~(unit - 1);
  void *base = isLarge ? freeBlocks.take(total, capacity) : nullptr;
  if (!base) {
    base = allocatePages(isLarge, unit, total);
    if (!base && freeBlocks.releaseAll())
      base = allocatePages(isLarge, unit, total);
    if (!base)
      return nullptr;
    capacity = isLarge ? total : 0;
  }
  HostBlock *block = HostBlock::of(static_cast<char *>(base) + alignment);
  *block = {{releaseHost}, nullptr, nullptr, nullptr, base, size, capacity};
  return block;
}

void *et::runtime::allocateHost(size_t size, size_t alignment) {
  HostBlock *block = newBlock(size, alignment);
  if (!block)
    return nullptr;
  countMemory(ET_HOST, int64_t(size));
  if (Call *call = currentCall) {
    pthread_mutex_lock(&call->lock);
    block->owner = call;
    block->next = call->blocks;
    if (call->blocks)
      call->blocks->previous = block;
    call->blocks = block;
    pthread_mutex_unlock(&call->lock);
  }
  return block->data();
}

static void unlinkLocked(HostBlock *block) {
  if (block->previous)
    block->previous->next = block->next;
  else
    block->owner->blocks = block->next;
  if (block->next)
    block->next->previous = block->previous;
  block->owner = nullptr;
}

static void freeBlock(HostBlock *block) {
  countMemory(ET_HOST, -int64_t(block->size));
  if (block->capacity)
    freeBlocks.add(block->base, block->capacity);
  else
    free(block->base);
}

void et::runtime::freeHost(void *data) {
  if (!data || isLastResort(data))
    return;
  HostBlock *block = HostBlock::of(data);
  if (Call *call = block->owner) {
    pthread_mutex_lock(&call->lock);
    unlinkLocked(block);
    pthread_mutex_unlock(&call->lock);
  }
  freeBlock(block);
}

HostBlock *et::runtime::findHost(Call &call, void *data) {
  HostBlock *block = call.blocks;
  while (block && block->data() != data)
    block = block->next;
  return block;
}

void et::runtime::detachHost(Call &call, HostBlock *block) {
  pthread_mutex_lock(&call.lock);
  unlinkLocked(block);
  pthread_mutex_unlock(&call.lock);
}

void et::runtime::freeAllHost(Call &call) {
  while (HostBlock *block = call.blocks) {
    unlinkLocked(block);
    freeBlock(block);
  }
}

static void *allocateOrUnwind(size_t size, size_t alignment) {
  pthread_once(&lastResortOnce, reserveLastResort);
  if (void *data = allocateHost(size, alignment))
    return data;
  if (canUnwind())
    raise(ET_OUT_OF_MEMORY, "out of memory: cannot allocate %zu bytes", size);
  noteParallelFailure();
  if (size <= lastResortSize)
    return lastResort;
  // Whoever uses this ends the process; the message says why.
  fprintf(stderr,
          "et-runtime: out of memory inside a parallel region: cannot allocate "
          "%zu bytes\n",
          size);
  return nullptr;
}

extern "C" {
void *_mlir_memref_to_llvm_alloc(size_t size) {
  return allocateOrUnwind(size, alignof(HostBlock));
}

void *_mlir_memref_to_llvm_aligned_alloc(size_t alignment, size_t size) {
  return allocateOrUnwind(size, alignment);
}

void _mlir_memref_to_llvm_free(void *data) { freeHost(data); }

/// What compiled code calls before and after each of its parallel regions.
void et_enter_parallel() {
  if (currentCall)
    ++currentCall->parallelDepth;
}

void et_leave_parallel() {
  if (currentCall)
    --currentCall->parallelDepth;
}

/// What a failed check in compiled code calls. Inside a parallel region there
/// is no way out, and running on with a broken invariant is worse than ending.
void et_check_failed(const char *message) {
  if (canUnwind())
    raise(ET_CHECK_FAILED, "%s", message);
  fprintf(stderr,
          "et-runtime: a check failed where no call can be ended (inside a "
          "parallel region?): %s\n",
          message);
  abort();
}

/// What a failed check calls behind which nothing relies on it.
void et_check_noted(const char *message) {
  if (canUnwind())
    raise(ET_CHECK_FAILED, "%s", message);
  noteParallelFailure(message);
}
}
