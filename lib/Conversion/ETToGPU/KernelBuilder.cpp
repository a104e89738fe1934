//===- KernelBuilder.cpp - Building GPU kernels ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "et/Dialect/ET/Utils/OriginUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// The names noted in a location, the last one first.
static SmallVector<StringRef> getNotedNames(Location location) {
  SmallVector<StringRef> names;
  while (true) {
    if (auto call = dyn_cast<CallSiteLoc>(location)) {
      location = call.getCallee();
    } else if (auto named = dyn_cast<NameLoc>(location)) {
      location = named.getChildLoc();
    } else if (auto fused = dyn_cast<FusedLoc>(location)) {
      if (StringAttr name = getNotedOrigin(fused))
        names.push_back(name);
      location = fused.getLocations().front();
    } else {
      return names;
    }
  }
}

std::string et::getKernelName(Location location, StringRef step) {
  SmallVector<StringRef> names = getNotedNames(location);
  std::string result;
  if (names.empty()) {
    result = ("et_" + (step.empty() ? "loop" : step)).str();
  } else {
    auto [dialect, origin] = names.back().split('.');
    if (step.empty() && names.front() != names.back())
      step = names.front().split('.').second;
    result = dialect.str();
    if (!step.starts_with(origin))
      result += "_" + origin.str();
    if (!step.empty())
      result += "_" + step.str();
  }
  // The driver finds a kernel by its name in PTX, where no other signs are.
  for (char &sign : result)
    if (!llvm::isAlnum(sign))
      sign = '_';
  return result;
}

//===----------------------------------------------------------------------===//
// Launching
//===----------------------------------------------------------------------===//

gpu::LaunchOp KernelBuilder::launch(StringRef step, ValueRange blocks,
                                    int64_t threads,
                                    ArrayRef<MemRefType> shared,
                                    function_ref<void(const BlockInfo &)> body,
                                    int64_t dynamicSharedBytes,
                                    Value condition) {
  Value one = index(1);
  // An empty grid is an error to the driver, and a branch around the launch
  // would force the stream to be waited for.
  auto atLeastOne = [&](Value count) -> Value {
    return createOrFold<arith::MaxUIOp>(count, one);
  };
  Value x = atLeastOne(blocks[0]);
  // The runtime takes an empty grid for what it is.
  if (condition)
    x = select(condition, x, index(0));
  Value y = blocks.size() > 1 ? atLeastOne(blocks[1]) : one;
  auto symbol = [&](StringRef text) {
    return FlatSymbolRefAttr::get(getContext(), text);
  };
  // Memory without a type has a symbol of no size, so it cannot share a kernel
  // with symbols that have one: all of it is then carved from one piece.
  SmallVector<int64_t> offsets;
  int64_t bytes = dynamicSharedBytes;
  for (MemRefType type : shared) {
    offsets.push_back(bytes);
    bytes += llvm::alignTo(
        type.getNumElements() * type.getElementTypeBitWidth() / 8, 16);
  }
  bool isCarved = dynamicSharedBytes != 0;
  auto op = gpu::LaunchOp::create(
      *this, x, y, one, index(threads), one, one,
      isCarved ? i32(static_cast<int32_t>(bytes)) : Value(),
      /*asyncTokenType=*/nullptr, /*asyncDependencies=*/ValueRange(),
      isCarved ? TypeRange() : TypeRange(SmallVector<Type>(shared)),
      /*privateAttributions=*/TypeRange(), nullptr, nullptr, nullptr,
      symbol("et_kernels"), symbol(getKernelName(getLoc(), step)));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&op.getBody().front());
  BlockInfo info = {op.getBlockIds().x, op.getBlockIds().y, op.getThreadIds().x,
                    llvm::to_vector_of<Value>(op.getWorkgroupAttributions()),
                    Value()};
  if (isCarved) {
    info.dynamicShared = gpu::DynamicSharedMemoryOp::create(
        *this, sharedType(ShapedType::kDynamic, getI8Type()));
    for (auto [type, offset] : llvm::zip_equal(shared, offsets))
      info.shared.push_back(
          memref::ViewOp::create(*this, type, info.dynamicShared, index(offset),
                                 /*sizes=*/ValueRange()));
  }
  body(info);
  gpu::TerminatorOp::create(*this);
  if (!pipelines.empty())
    op->setAttr(kStagesAttr, getDenseI64ArrayAttr(llvm::to_vector(pipelines)));
  pipelines.clear();
  return op;
}

MemRefType KernelBuilder::sharedType(ArrayRef<int64_t> shape, Type element) {
  auto space = gpu::AddressSpaceAttr::get(
      getContext(), gpu::GPUDialect::getWorkgroupAddressSpace());
  return MemRefType::get(shape, element, MemRefLayoutAttrInterface(), space);
}

//===----------------------------------------------------------------------===//
// On the host
//===----------------------------------------------------------------------===//

// Calls have effects that no one knows, so the host would wait for kernels
// launched before them. They come first wherever what they take allows it.

/// Goes behind the op that makes `value`, or to the start of the function.
static void moveUp(OpBuilder &b, Value value) {
  if (Operation *op = value ? value.getDefiningOp() : nullptr)
    return b.setInsertionPointAfter(op);
  if (value)
    return b.setInsertionPointToStart(value.getParentBlock());
  Operation *parent = b.getInsertionBlock()->getParentOp();
  while (!isa<FunctionOpInterface>(parent))
    parent = parent->getParentOp();
  b.setInsertionPointToStart(&parent->getRegion(0).front());
}

static LLVM::LLVMFuncOp runtimeFunction(KernelBuilder &b, StringRef name,
                                        ArrayRef<Type> types, Type result) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return function;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  return LLVM::LLVMFuncOp::create(b, name,
                                  LLVM::LLVMFunctionType::get(result, types));
}

/// The multiprocessors of the device if its number lies in [first, end), else
/// 0; an i64.
static Value callProcessors(KernelBuilder &b, unsigned first, unsigned end) {
  OpBuilder::InsertionGuard guard(b);
  moveUp(b, Value());
  Type word = b.getI64Type();
  LLVM::LLVMFuncOp function =
      runtimeFunction(b, "et_cuda_processors", {word, word}, word);
  // One call a function, and its numbers.
  auto isConstant = [](Value value, unsigned number) {
    APInt constant;
    return matchPattern(value, m_ConstantInt(&constant)) && constant == number;
  };
  for (auto call : b.getInsertionBlock()->getOps<LLVM::CallOp>())
    if (call.getCallee() == function.getName() &&
        isConstant(call.getOperand(0), first) &&
        isConstant(call.getOperand(1), end))
      return call.getResult();
  return LLVM::CallOp::create(b, function, ValueRange{b.i64(first), b.i64(end)})
      .getResult();
}

Value KernelBuilder::processorsOf(const ChipNumbers &numbers) {
  Value sum;
  for (auto [first, end] : numbers) {
    Value processors = callProcessors(*this, first, end);
    sum = sum ? add(sum, processors) : processors;
  }
  return arith::IndexCastOp::create(*this, getIndexType(), sum);
}

Value KernelBuilder::tensorMap(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t rank = type.getRank();
  auto pointer = LLVM::LLVMPointerType::get(getContext());
  auto map = LLVM::LLVMArrayType::get(getI64Type(), kTensorMapWords);
  InsertionGuard guard(*this);
  // In the function's entry, or a loop would take more of the stack each time.
  moveUp(*this, Value());
  Value room = LLVM::AllocaOp::create(*this, pointer, map, i64(1),
                                      /*alignment=*/64);
  // An argument of the function is defined before its first operation.
  if (memref.getDefiningOp() || memref.getParentBlock() != getBlock())
    moveUp(*this, memref);
  auto size = [&](int64_t dimension) -> Value {
    if (dimension < 0)
      return i64(1);
    return arith::IndexCastOp::create(*this, getI64Type(),
                                      dim(memref, dimension));
  };
  Type word = getI64Type();
  LLVM::LLVMFuncOp function = runtimeFunction(
      *this, "et_cuda_tensor_map", {pointer, word, word, word, word, word},
      LLVM::LLVMVoidType::get(getContext()));
  LLVM::CallOp::create(*this, function,
                       ValueRange{room, addressOf(memref), size(rank - 3),
                                  size(rank - 2), size(rank - 1),
                                  i64(type.getElementTypeBitWidth() / 8)});
  return LLVM::LoadOp::create(*this, map, room);
}

Value KernelBuilder::tensorMapPointer(Value map) {
  return UnrealizedConversionCastOp::create(
             *this, LLVM::LLVMPointerType::get(getContext()), map)
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

KernelBuilder::Values
KernelBuilder::loopBy(int64_t step, Value lower, Value upper, ValueRange inits,
                      function_ref<Values(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(*this, lower, upper, index(step), inits);
  OpBuilder::InsertionGuard guard(*this);
  // Without values, the loop comes with its terminator.
  if (inits.empty()) {
    setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar(), {});
    return {};
  }
  setInsertionPointToEnd(op.getBody());
  Values next = body(op.getInductionVar(), op.getRegionIterArgs());
  scf::YieldOp::create(*this, next);
  return op.getResults();
}

KernelBuilder::Values
KernelBuilder::pipelineLoop(Value steps, ValueRange inits,
                            function_ref<Values(Value, ValueRange)> body) {
  Values results = loopBy(1, index(0), steps, inits, body);
  auto unroll = LLVM::LoopUnrollAttr::get(
      getContext(), /*disable=*/getBoolAttr(true), /*count=*/{},
      /*runtimeDisable=*/{}, /*full=*/{}, /*followupUnrolled=*/{},
      /*followupRemainder=*/{}, /*followupAll=*/{});
  // Named as an attribute of llvm.br, which the loop's last branch becomes.
  results.front().getDefiningOp()->setAttr(
      "loop_annotation",
      LLVM::LoopAnnotationAttr::get(getContext(), {}, {}, {}, unroll, {}, {},
                                    {}, {}, {}, {}, {}, {}, {}, {}, {}));
  return results;
}

KernelBuilder::Values
KernelBuilder::loopWhile(ValueRange inits,
                         function_ref<Value(ValueRange)> condition,
                         function_ref<Values(ValueRange)> body) {
  auto op = scf::WhileOp::create(
      *this, inits.getTypes(), inits,
      [&](OpBuilder &nested, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(*this);
        restoreInsertionPoint(nested.saveInsertionPoint());
        scf::ConditionOp::create(*this, condition(carried), carried);
      },
      [&](OpBuilder &nested, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(*this);
        restoreInsertionPoint(nested.saveInsertionPoint());
        scf::YieldOp::create(*this, body(carried));
      });
  return op.getResults();
}

Value KernelBuilder::whenElse(Value condition, function_ref<Value()> ifTrue,
                              Value ifFalse) {
  return whenElse(
      condition, [&]() -> Values { return {ifTrue()}; },
      ValueRange(ifFalse))[0];
}

KernelBuilder::Values KernelBuilder::whenElse(Value condition,
                                              function_ref<Values()> ifTrue,
                                              ValueRange ifFalse) {
  auto op = scf::IfOp::create(*this, ifFalse.getTypes(), condition,
                              /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToEnd(op.thenBlock());
  scf::YieldOp::create(*this, ifTrue());
  setInsertionPointToEnd(op.elseBlock());
  scf::YieldOp::create(*this, ifFalse);
  return op.getResults();
}

//===----------------------------------------------------------------------===//
// Unsigned arithmetic
//===----------------------------------------------------------------------===//

Value KernelBuilder::constantLike(Value value, int64_t constant) {
  return arith::ConstantOp::create(*this,
                                   getIntegerAttr(value.getType(), constant));
}
Value KernelBuilder::rem(Value a, int64_t b) {
  return arith::RemUIOp::create(*this, a, constantLike(a, b));
}
Value KernelBuilder::min(Value a, Value b) {
  return arith::MinUIOp::create(*this, a, b);
}
Value KernelBuilder::less(Value a, Value b) {
  return cmp(CmpIPredicate::ult, a, b);
}
Value KernelBuilder::bitXor(Value a, Value b) {
  return arith::XOrIOp::create(*this, a, b);
}

//===----------------------------------------------------------------------===//
// Bits and vectors
//===----------------------------------------------------------------------===//

Value KernelBuilder::popcount(Value bits) {
  return math::CtPopOp::create(*this, bits);
}
Value KernelBuilder::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(*this, a, b, c);
}

int64_t et::accessWidth(ValueRange memrefs) {
  constexpr int64_t bits = 16 * 8;
  int64_t width = 1;
  for (Value memref : memrefs)
    width = std::max<int64_t>(
        width,
        bits / cast<MemRefType>(memref.getType()).getElementTypeBitWidth());
  auto allows = [&](Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t columns = type.getShape().back();
    return type.getLayout().isIdentity() && !ShapedType::isDynamic(columns) &&
           columns % width == 0;
  };
  return llvm::all_of(memrefs, allows) ? width : 1;
}

/// Tensors start at multiples of 16 bytes.
static llvm::MaybeAlign vectorAlignment(Type element, int64_t width) {
  return llvm::MaybeAlign(
      std::min<int64_t>(width * element.getIntOrFloatBitWidth() / 8, 16));
}

Value KernelBuilder::loadVector(Value memref, ValueRange indices,
                                int64_t width) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::LoadOp::create(*this, VectorType::get(width, element), memref,
                                indices, /*nontemporal=*/false,
                                vectorAlignment(element, width));
}

LoopBuilder::Values
KernelBuilder::loadElements(Value memref, ValueRange indices, int64_t width) {
  if (width == 1)
    return {load(memref, indices)};
  Value vector = loadVector(memref, indices, width);
  auto type = VectorType::get(width, getF32Type());
  if (vector.getType() != type)
    vector = arith::ExtFOp::create(*this, type, vector);
  Values result;
  for (int64_t i = 0; i < width; ++i)
    result.push_back(element(vector, i));
  return result;
}

void KernelBuilder::storeElements(ValueRange values, Value memref,
                                  ValueRange indices) {
  if (values.size() == 1)
    return store(values.front(), memref, indices);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  int64_t width = values.size();
  Value vector = vector::FromElementsOp::create(
      *this, VectorType::get(width, getF32Type()), values);
  if (!element.isF32())
    vector =
        arith::TruncFOp::create(*this, VectorType::get(width, element), vector);
  vector::StoreOp::create(*this, vector, memref, indices,
                          /*nontemporal=*/false,
                          vectorAlignment(element, width));
}
Value KernelBuilder::element(Value vector, int64_t position) {
  return vector::ExtractOp::create(*this, vector, position);
}
Value KernelBuilder::broadcast(Value scalar, int64_t width) {
  return vector::BroadcastOp::create(
      *this, VectorType::get(width, scalar.getType()), scalar);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

Value KernelBuilder::addressOf(Value memref) {
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(*this, memref);
  return arith::IndexCastOp::create(*this, getI64Type(), address);
}
Value KernelBuilder::pointerTo(Value address, NVVM::NVVMMemorySpace space) {
  auto type =
      LLVM::LLVMPointerType::get(getContext(), static_cast<unsigned>(space));
  return LLVM::IntToPtrOp::create(*this, type, address);
}

Value KernelBuilder::isCompiledFor(ArrayRef<unsigned> numbers) {
  // NVVMReflect replaces the call by ten times the number of the architecture.
  constexpr StringLiteral name = "et_cuda_arch";
  constexpr char text[] = "__CUDA_ARCH";
  auto module = getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto symbol = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!symbol) {
    InsertionGuard guard(*this);
    setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(getI8Type(), sizeof(text));
    symbol = LLVM::GlobalOp::create(
        *this, type, /*isConstant=*/true, LLVM::Linkage::Private, name,
        getStringAttr(StringRef(text, sizeof(text))));
  }
  Value key = LLVM::AddressOfOp::create(*this, symbol);
  Value arch = LLVM::CallIntrinsicOp::create(*this, getI32Type(),
                                             getStringAttr("llvm.nvvm.reflect"),
                                             ValueRange(key))
                   .getResult(0);
  Value result;
  for (unsigned number : numbers) {
    Value is =
        cmp(CmpIPredicate::eq, arch, i32(static_cast<int32_t>(10 * number)));
    result = result ? Value(arith::OrIOp::create(*this, result, is)) : is;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Warps and blocks
//===----------------------------------------------------------------------===//

void KernelBuilder::barrier() {
  if (!group) {
    gpu::BarrierOp::create(*this);
    return;
  }
  NVVM::BarrierOp::create(*this, TypeRange(), group,
                          i32(static_cast<int32_t>(groupThreads)), {}, Value());
}

void KernelBuilder::forGroup(Value number, int64_t threads,
                             function_ref<void()> body) {
  llvm::SaveAndRestore saveGroup(group, number);
  llvm::SaveAndRestore saveThreads(groupThreads, threads);
  body();
}

Value KernelBuilder::ballot(Value condition) {
  auto kind =
      NVVM::VoteSyncKindAttr::get(getContext(), NVVM::VoteSyncKind::ballot);
  return NVVM::VoteSyncOp::create(*this, getI32Type(), i32(-1), condition,
                                  kind);
}

static Value shuffle(KernelBuilder &b, Value value, Value offset,
                     gpu::ShuffleMode mode) {
  return gpu::ShuffleOp::create(b, value, offset, b.i32(kWarpSize), mode)
      .getShuffleResult();
}

Value KernelBuilder::fromLane(Value value, Value lane) {
  if (lane.getType().isIndex())
    lane = toI32(lane);
  return shuffle(*this, value, lane, gpu::ShuffleMode::IDX);
}

Value KernelBuilder::fromNeighbor(Value value, int64_t distance) {
  return shuffle(*this, value, i32(static_cast<int32_t>(distance)),
                 gpu::ShuffleMode::XOR);
}

Value KernelBuilder::warpSum(Value value) {
  for (int64_t distance = kWarpSize / 2; distance > 0; distance /= 2)
    value = add(value, fromNeighbor(value, distance));
  return value;
}

Value KernelBuilder::warpScan(Value value, Value lane) {
  for (int32_t distance = 1; distance < kWarpSize; distance *= 2) {
    Value lower = shuffle(*this, value, i32(distance), gpu::ShuffleMode::UP);
    Value isLowest = less(lane, index(distance));
    value = add(value, select(isLowest, i32(0), lower));
  }
  return value;
}

KernelBuilder::WarpSums KernelBuilder::scanWarps(Value ofWarp, Value thread,
                                                 int64_t warps, Value perWarp) {
  Value lane = rem(thread, kWarpSize), warp = div(thread, kWarpSize);
  when(cmp(CmpIPredicate::eq, lane, index(0)),
       [&] { store(ofWarp, perWarp, warp); });
  barrier();
  Value sum = load(perWarp, min(lane, index(warps - 1)));
  Value counted = select(less(lane, index(warps)), sum, i32(0));
  Value upTo = warpScan(counted, lane);
  return {fromLane(sub(upTo, counted), warp),
          fromLane(upTo, index(kWarpSize - 1))};
}
