//===- Machine.h - Decoded kernels and the state that runs them -----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_MACHINE_H
#define ET_EMULATOR_MACHINE_H

#include "Memory.h"
#include "Ptx.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <type_traits>
#include <unordered_map>

namespace et::emu {

struct Warp;
struct Block;
struct Inst;
struct Launch;
using ExecFn = void (*)(Warp &, const Inst &);

/// Where an operand's 32 lanes lie: in the frame, or in the kernel's constants
/// when the top bit is set. A predicate is one word, a bit a lane; every other
/// register is an array of 32 elements.
using Ref = uint32_t;
inline constexpr Ref kConstantBit = 0x8000'0000;
inline constexpr uint32_t kNone = 0xffff'ffff;
/// Stands for the carry where operands are listed.
inline constexpr Ref kCarry = 0x7fff'ffc0;

/// What the counters tell apart.
enum class Class : uint8_t {
  Integer,
  Float,
  Half,
  Double,
  Special,
  Convert,
  Move,
  Predicate,
  Branch,
  Barrier,
  Shuffle,
  LoadGlobal,
  StoreGlobal,
  LoadShared,
  StoreShared,
  LoadOther,
  StoreOther,
  Atomic,
  Matrix,
  Async,
  Other,
  Count
};

/// What an instruction does with values that are undefined; see Undefined.h.
enum class Track : uint8_t {
  /// One undefined operand makes the results undefined.
  Spread,
  /// The same for each half of the results; or the first operand makes the
  /// high half, and the second the low one.
  Halves,
  Join,
  /// op[0] has the bits of op[1].
  Copy,
  /// Bits of `slots` go elsewhere; where to, the other operands say.
  Wire,
  /// Bit by bit.
  Flip,
  /// Sums, and what else rises or falls with each operand; it falls with those
  /// of `slots`.
  Sum,
  Between,
  Product,
  Pack,
  Unpack,
  /// `.param` blocks of calls.
  FromBlock,
  ToBlock,
  /// It says so itself when it is run; its guard may be undefined.
  Compare,
  /// The same, and what it does shows: its guard may not.
  Own,
  Store,
  /// No operand may be undefined.
  Use,
};

struct Inst {
  ExecFn fn = nullptr;
  Ref op[6] = {kNone, kNone, kNone, kNone, kNone, kNone};
  Ref guard = kNone;
  /// All ones for `@!p`.
  uint32_t guardFlip = 0;
  uint32_t target = kNone, reconverge = kNone;
  uint64_t imm = 0;
  uint32_t line = 0;
  uint32_t extra = 0;
  uint16_t extraCount = 0;
  Class cls = Class::Other;
  /// What an access of memory orders beyond itself.
  bool acquires = false, releases = false;
  Track track = Track::Spread;
  /// Operands by number, as `track` has it.
  uint8_t slots = 0;
  /// The last type of its name: that of the sources.
  Type type = Type::None;
  /// Flags whose meaning is the instruction's own.
  uint8_t m[7] = {};
};

/// An operand of an instruction, as the program has it.
struct Place {
  enum Role : uint8_t { Use, Def, Address } role;
  /// Of a lane; 1 for a predicate.
  uint8_t bytes;
  Ref at;
};

/// What a call needs to know about the function it enters.
struct FunctionInfo {
  std::string_view name;
  uint32_t entry = 0, frameBytes = 0, localBytes = 0;
  struct Param {
    Ref at;
    uint32_t bytes;
  };
  std::vector<Param> params, results;
};

} // namespace et::emu

namespace et::emu {

class Kernel {
public:
  KernelInfo info;
  Module *module = nullptr;
  const PtxModule *ptx = nullptr;
  std::vector<Inst> code;
  std::vector<Ref> extra;
  std::vector<FunctionInfo> functions;
  /// A function's address to its place in `functions`.
  std::map<uint64_t, uint32_t> functionAt;
  std::vector<uint64_t> constants;
  /// Opcode and modifiers of each place in `code`, as written; empty where one
  /// statement became several instructions, for all but one of them.
  std::vector<std::string> forms;
  /// Operands of all instructions, and where those of each place in `code` end.
  std::vector<Place> places;
  std::vector<uint32_t> placesEnd;
  /// Sources of the lines, for traces and faults.
  std::vector<std::string_view> lines;
  bool usesWgmma = false;
  /// It asks for the shared memory that is the driver's own.
  bool usesReservedShared = false;
  uint32_t staticShared = 0;
  uint32_t requiredThreads[3] = {0, 0, 0};
  /// Of a thread at the start, for setmaxnreg to move; 0 where nothing bounds
  /// them, and the assembler ignores it.
  uint32_t startRegisters = 0;
  uint64_t entryAddress = 0;
};

/// The undefined bits of a register, or of 8 bytes of what is longer.
struct UndefinedRegister {
  uint32_t lanes = 0, origin = 0;
  /// By lane; of those lanes alone.
  uint64_t bits[32] = {};
};
/// Where an undefined value was read.
struct Origin {
  Space space;
  uint32_t line;
  std::string text;
};
/// What the last load found that nothing wrote: lanes, and a bit for each byte.
struct Unread {
  uint32_t lanes = 0, origin = 0;
  uint32_t bytes[32] = {};
};

struct Frame {
  /// By the place of a register. What is longer than 8 bytes has entries for
  /// all its words, at the places after it; see wordOf.
  std::unordered_map<Ref, UndefinedRegister> undefined;
  /// Where such registers may be: a bit for all whose places have a hash.
  uint64_t undefinedBits = 0;
  bool mayBeUndefined(Ref at) const {
    return undefinedBits >> at / 64 % 64 & 1;
  }
  std::vector<uint8_t> storage;
  uint8_t *registers = nullptr;
  uint32_t capacity = 0;
  Frame *caller = nullptr;
  uint32_t returnPc = 0;
  uint32_t depth = 0;
  /// First byte of this frame's `.local` variables in a thread's local memory.
  uint32_t localBase = 0, localEnd = 0;
  const FunctionInfo *function = nullptr;
  uint32_t users = 0;
};

/// A set of lanes of one warp that run together. A divergent branch leaves the
/// node at the reconvergence point and hangs one child for each side under it;
/// only leaves run.
struct Node {
  enum State : uint8_t {
    Free,
    Ready,
    AtBarrier,
    AtWarpSync,
    AtWait,
    AtRegisters
  };
  State state = Free;
  uint8_t barrier = 0;
  uint16_t children = 0;
  int16_t parent = -1;
  uint32_t mask = 0;
  uint32_t pc = 0;
  /// Where this node ends and its lanes go back to the parent.
  uint32_t end = kNone;
  uint32_t endDepth = 0;
  /// AtWait: the mbarrier.
  uint64_t waitAddress = 0;
  bool expired = false;
  /// AtWarpSync: the lanes waited for.
  uint32_t wanted = 0;
  Frame *frame = nullptr;
};

struct WarpCounters {
  uint64_t byClass[static_cast<size_t>(Class::Count)] = {};
  uint64_t warpInstructions = 0, threadInstructions = 0;
  uint64_t divergentBranches = 0;
  uint64_t globalLoadBytes = 0, globalStoreBytes = 0;
  uint64_t globalLoadRequests = 0, globalStoreRequests = 0;
  uint64_t globalLoadSectors = 0, globalStoreSectors = 0;
  uint64_t sharedLoadBytes = 0, sharedStoreBytes = 0;
  uint64_t sharedLoadRequests = 0, sharedStoreRequests = 0;
  uint64_t sharedLoadWays = 0, sharedStoreWays = 0;
  uint64_t sharedLoadConflicts = 0, sharedStoreConflicts = 0;
  uint64_t asyncBytes = 0;
  uint64_t matrixOps = 0, matrixMacs = 0;
  uint64_t barriers = 0;
  uint64_t blocks = 0;
};

/// A view of time: for each warp and asynchronous agent of a block, up to which
/// of its times all is known, and up to which a proxy fence stood between.
struct Clock {
  std::vector<uint32_t> seen, fenced;
};

struct AsyncState;
struct BlockAsync;
struct RaceState;
struct LaunchRace;

struct Warp {
  enum State : uint8_t { Runnable, Yielded, Blocked, Done };

  /// bank[0]: registers of the running frame; bank[1]: constants.
  uint8_t *bank[2] = {nullptr, nullptr};
  /// Lanes for which the running instruction takes effect.
  uint32_t exec = 0;
  State state = Runnable;
  Node *node = nullptr;
  Block *block = nullptr;
  Launch *launch = nullptr;
  uint32_t id = 0;
  uint32_t live = 0, initialLive = 0;
  WarpCounters *counters = nullptr;
  /// Set by an instruction that could not proceed and is to be run again.
  bool retry = false;
  /// Of each thread, as setmaxnreg left them.
  uint32_t registers = 0;

  /// The global allocations used last.
  struct Range {
    uint64_t start = 1, end = 0;
    /// Accesses of `bytes` from `low` to `high`; no sum here can wrap around.
    bool holds(uint64_t low, uint64_t high, uint64_t bytes) const {
      return low >= start && high < end && bytes <= end - high;
    }
  };
  Range ranges[4];
  uint32_t nextRange = 0;

  alignas(64) uint32_t tid[3][32];
  std::vector<uint8_t> local;
  uint32_t localStride = 0;
  /// Registers of all frames with undefined bytes.
  uint32_t undefined = 0;
  Unread unread;
  /// Of each byte of `local`, once one is undefined.
  std::vector<uint8_t> localUndefined;
  uint32_t localOrigin = 0;

  static constexpr int kMaxNodes = 96;
  Node nodes[kMaxNodes];
  std::vector<std::unique_ptr<Frame>> freeFrames, frames;
  uint8_t carry[32] = {};
  std::shared_ptr<AsyncState> async;

  template <typename T>
  T *at(Ref ref) {
    return reinterpret_cast<T *>(bank[ref >> 31] + (ref & ~kConstantBit));
  }
  uint32_t &pred(Ref ref) { return *at<uint32_t>(ref); }

  void start(Block &owner, uint32_t index);
  /// Runs until the warp waits, ends, faults or has spent its slice.
  void run(uint64_t slice);
  /// Stops the launch. The message says what is wrong; place and time are
  /// added to it.
  void fault(const char *kind, const std::string &message, int lane = -1);
  /// A use of memory that nothing wrote. While races are looked for it is held
  /// back until whoever ought to have written, too late, shows up in a race.
  /// False when the launch ends here.
  bool faultInit(Space space, const std::string &message, int lane = -1);
  std::string describe(const std::string &message, int lane) const;
  const Inst &inst() const;

  int newNode(int parent, uint32_t mask, uint32_t pc);
  struct Side {
    uint32_t mask, pc;
  };
  void branch(uint32_t taken, const Inst &inst);
  /// Sends the running node's lanes to `count` places, to meet at `meet`.
  void diverge(const Side *sides, unsigned count, uint32_t meet);
  /// For an instruction that all of `members` run together: true when they are
  /// here, with `exec` all of them; else the running lanes wait for the others.
  bool gather(uint32_t members);
  /// The same for all 32 lanes; a fault if some have left.
  bool gatherWhole(const char *what);
  /// Of these lanes, those that name what the first of them does.
  static uint32_t groupOf(const uint32_t *named, uint32_t lanes);
  /// Sends groups of lanes, each of which names its members, to the running
  /// instruction apart, if they are several and some wait for lanes that are
  /// elsewhere. False when they are sent.
  bool partGroups(const uint32_t *named);
  /// Ends lanes for good.
  void exitLanes(uint32_t mask);
  /// Puts the running node aside and runs another leaf, or blocks the warp.
  void park(Node::State why);
  void selectLeaf();
  Frame *pushFrame(const FunctionInfo &function, Frame *caller);
  void popFrame(Frame *frame);
  void useFrame() { bank[0] = node->frame->registers; }
  void reconverge();

private:
  void dropIfEmpty(int index);
  void wakeSynced();
};

struct Barrier {
  uint32_t arrived = 0;
  /// 0: all threads of the block.
  uint32_t expected = 0;
  uint32_t reduceOr = 0, reduceAnd = ~0u, reduceCount = 0;
  uint32_t lastOr = 0, lastAnd = 0, lastCount = 0;
  uint32_t waiting = 0;
  Clock joined;
};

struct Block {
  Launch *launch = nullptr;
  Dim3 id;
  uint64_t linear = 0;
  std::vector<std::unique_ptr<Warp>> warps;
  uint32_t warpCount = 0;
  uint32_t liveThreads = 0;
  uint32_t nextWarp = 0;
  std::vector<uint64_t> sharedStorage;
  uint8_t *shared = nullptr;
  uint32_t sharedBytes = 0;
  /// Behind it what the driver keeps for libraries, if the kernel asks for it.
  uint32_t reservedStart = 0, reservedEnd = 0;
  bool inReserved(uint64_t address, uint64_t bytes) const {
    return address >= reservedStart && address < reservedEnd &&
           bytes <= reservedEnd - address;
  }
  /// Given back by setmaxnreg.dec, in registers of a warp's threads.
  uint32_t freeRegisters = 0;
  /// The last one is the cluster's.
  Barrier barriers[17];
  /// What warps that have ended did is before what comes after a barrier of all
  /// threads: they count as arrived.
  Clock exited;
  WarpCounters counters;
  bool faulted = false;
  std::mt19937_64 random;
  std::shared_ptr<RaceState> race;
  /// Of each byte of shared memory: 1 when written, 2 when an asynchronous
  /// operation in flight will write it, 3 when what was written is undefined.
  std::vector<uint8_t> sharedInit;
  std::vector<Origin> origins;
  /// The use of memory that nothing wrote, held back; see faultInit.
  std::string heldFault;
  bool heldGlobal = false;
  uint64_t heldUntil = 0;
  std::shared_ptr<BlockAsync> async;
  std::string printed;

  enum class Step : uint8_t { Done, Spent, Faulted };
  void start(Launch &launch, uint64_t linear);
  /// Runs up to `budget` warp instructions.
  Step step(uint64_t budget);
  void barrierArrive(Warp &warp, unsigned id, uint32_t expected, bool wait);
  void barrierCheck(unsigned id);
  bool expireWaits();
  /// Gives a warp's threads so many registers each, or says that there are not
  /// enough.
  bool setRegisters(Warp &warp, uint32_t registers);
  void threadsLeft();
  void deadlock();
  /// Ends the launch with the fault held back, if there is one, or leaves it
  /// to the launch when other blocks may yet explain it.
  void releaseHeld(bool blockEnds);
};

/// What all blocks of one launch share.
struct Launch {
  const Kernel *kernel = nullptr;
  Memory *memory = nullptr;
  Options options;
  Dim3 grid, block;
  uint32_t dynamicShared = 0;
  std::vector<uint64_t> params;
  uint32_t paramBytes = 0;
  bool cooperative = false;
  /// Of a cooperative launch: global memory for its blocks to meet at.
  uint64_t workspace = 0;
  uint64_t id = 0;
  std::atomic<uint64_t> nextBlock{0}, instructions{0};
  uint64_t blocks = 0;
  /// Locked while a fault is written.
  std::atomic_flag faultLock = ATOMIC_FLAG_INIT;
  /// The fault of the lowest block is kept, so that it is the same each time.
  std::atomic<uint64_t> faultBlock{~uint64_t(0)};
  std::string fault, faultKind;
  std::vector<std::string> notes;
  /// By block; and how much there is of it in all.
  std::map<uint64_t, std::string> printed;
  std::atomic<uint64_t> printedBytes{0};
  /// The held faults' lowest block, and when no more is waited for.
  std::string heldFault;
  uint64_t heldBlock = ~uint64_t(0);
  std::atomic<uint64_t> heldUntil{~uint64_t(0)};
  bool checks = false;
  std::shared_ptr<LaunchRace> race;
  /// With countMemory: how often each place in the kernel's code was run.
  std::unique_ptr<std::atomic<uint64_t>[]> executed;

  /// Keeps what is worth a look; once, and no more than a few.
  void note(const std::string &text);
};

void addCounters(WarpCounters &to, const WarpCounters &from);
Counters nameCounters(const WarpCounters &counters, const Launch &launch);
Counters countForms(const Launch &launch);

} // namespace et::emu

#endif // ET_EMULATOR_MACHINE_H
