//===- EmitEntryPoints.cpp - et_function and its entry --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Conversion/ToRuntime/Signature.h"
#include "et/Dialect/ET/Utils/EntryName.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::et {
#define GEN_PASS_DEF_EMITENTRYPOINTS
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {

/// Builds constants of the C structs in et_runtime.h; the field order here is
/// the declaration order there.
class ConstantBuilder {
public:
  ConstantBuilder(ModuleOp module, Location loc, StringRef function)
      : builder(module.getBodyRegion()), symbols(module), loc(loc),
        function(function),
        ptr(LLVM::LLVMPointerType::get(module.getContext())) {
    builder.setInsertionPointToEnd(module.getBody());
  }

  LLVM::LLVMPointerType getPtrType() const { return ptr; }
  Type getI32() { return builder.getI32Type(); }
  Type getI64() { return builder.getI64Type(); }

  /// A field holds an integer or, with a symbol, an address; null without.
  struct Field {
    Type type;
    int64_t number = 0;
    LLVM::GlobalOp global;
    LLVM::LLVMFuncOp code;
  };

  Field number(Type type, int64_t value) { return {type, value, {}, {}}; }
  Field address(LLVM::GlobalOp global) { return {ptr, 0, global, {}}; }
  Field address(LLVM::LLVMFuncOp code) { return {ptr, 0, {}, code}; }

  LLVM::GlobalOp text(StringRef value) {
    if (value.empty())
      return {};
    std::string bytes = value.str();
    bytes.push_back('\0');
    auto type =
        LLVM::LLVMArrayType::get(builder.getI8Type(), unsigned(bytes.size()));
    return add(LLVM::GlobalOp::create(
        builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
        ("et_text_" + function).str(), builder.getStringAttr(bytes)));
  }

  LLVM::GlobalOp sizes(ArrayRef<int64_t> values) {
    if (values.empty())
      return {};
    auto type =
        LLVM::LLVMArrayType::get(builder.getI64Type(), unsigned(values.size()));
    return add(LLVM::GlobalOp::create(
        builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
        ("et_sizes_" + function).str(), builder.getI64TensorAttr(values)));
  }

  /// A constant array of structs, or one struct if there is one row and
  /// `isArray` is not set.
  LLVM::GlobalOp structs(const Twine &name, LLVM::Linkage linkage,
                         ArrayRef<SmallVector<Field>> rows, bool isArray) {
    if (rows.empty())
      return {};
    SmallVector<Type> types;
    for (const Field &field : rows.front())
      types.push_back(field.type);
    Type rowType =
        LLVM::LLVMStructType::getLiteral(builder.getContext(), types);
    Type type =
        isArray ? LLVM::LLVMArrayType::get(rowType, rows.size()) : rowType;
    auto global =
        LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, linkage,
                               name.str(), /*value=*/Attribute());
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&global.getInitializerRegion());
    Value value = LLVM::UndefOp::create(builder, loc, type);
    for (auto [row, fields] : llvm::enumerate(rows)) {
      for (auto [column, field] : llvm::enumerate(fields)) {
        SmallVector<int64_t> position;
        if (isArray)
          position.push_back(int64_t(row));
        position.push_back(int64_t(column));
        value = LLVM::InsertValueOp::create(builder, loc, value,
                                            materialize(field), position);
      }
    }
    LLVM::ReturnOp::create(builder, loc, value);
    return add(global);
  }

private:
  LLVM::GlobalOp add(LLVM::GlobalOp global) {
    symbols.insert(global);
    return global;
  }

  Value materialize(const Field &field) {
    if (field.global)
      return LLVM::AddressOfOp::create(builder, loc, field.global);
    if (field.code)
      return LLVM::AddressOfOp::create(builder, loc, field.code);
    if (isa<LLVM::LLVMPointerType>(field.type))
      return LLVM::ZeroOp::create(builder, loc, field.type);
    return LLVM::ConstantOp::create(
        builder, loc, field.type,
        builder.getIntegerAttr(field.type, field.number));
  }

  OpBuilder builder;
  SymbolTable symbols;
  Location loc;
  StringRef function;
  LLVM::LLVMPointerType ptr;
};

struct EmitEntryPoints : et::impl::EmitEntryPointsBase<EmitEntryPoints> {
  using EmitEntryPointsBase::EmitEntryPointsBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions = getEntryFunctions(getOperation());
    std::vector<EntrySignature> signatures;
    llvm::StringSet<> names;
    for (func::FuncOp function : functions) {
      FailureOr<EntrySignature> signature = getEntrySignature(function);
      if (succeeded(signature) && !names.insert(signature->name).second) {
        function.emitError("callers know another function as '")
            << signature->name << "' already; rename one";
        return signalPassFailure();
      }
      if (failed(signature) || failed(checkBufferized(function)) ||
          failed(checkNames(function, signature->name)))
        return signalPassFailure();
      signatures.push_back(std::move(*signature));
    }
    if (!functions.empty())
      declareRuntime();
    for (auto [function, signature] : llvm::zip_equal(functions, signatures)) {
      describe(signature, emitEntry(function));
      dropDescribed(function);
    }
  }

private:
  /// The runtime that this code will be linked with.
  void declareRuntime() {
    OpBuilder builder(getOperation().getBodyRegion());
    runtime = LLVM::GlobalOp::create(
        builder, getOperation().getLoc(),
        LLVM::LLVMStructType::getLiteral(&getContext(), {}),
        /*isConstant=*/true, LLVM::Linkage::External, "et_own_runtime",
        /*value=*/Attribute());
  }

  /// The description holds these now, and the LLVM dialect has no use for them.
  static void dropDescribed(func::FuncOp function) {
    function->removeAttr(kEntryNameAttr);
    for (StringRef name : {"et.name", "et.weight", "et.role", "et.packed_by"}) {
      for (unsigned i : llvm::seq(function.getNumArguments()))
        function.removeArgAttr(i, name);
      for (unsigned i : llvm::seq(function.getNumResults()))
        function.removeResultAttr(i,
                                  StringAttr::get(function.getContext(), name));
    }
  }

  LogicalResult checkBufferized(func::FuncOp function) {
    if (llvm::none_of(function.getFunctionType().getInputs(),
                      llvm::IsaPred<TensorType>) &&
        llvm::none_of(function.getFunctionType().getResults(),
                      llvm::IsaPred<TensorType>))
      return success();
    return function.emitError("'")
           << function.getName()
           << "' still has tensors; bufferize it before et-emit-entry-points";
  }

  /// The names that are added for a function are free.
  LogicalResult checkNames(func::FuncOp function, StringRef entry) {
    for (StringRef prefix : {kDescriptionPrefix, kEntryPrefix}) {
      std::string name = (prefix + entry).str();
      if (SymbolTable::lookupSymbolIn(getOperation(), name))
        return function.emitError("'") << entry << "' needs the name '" << name
                                       << "', which is another function's";
    }
    return success();
  }

  LLVM::LLVMFuncOp emitEntry(func::FuncOp function);
  void describe(const EntrySignature &signature, LLVM::LLVMFuncOp entry);

  LLVM::GlobalOp runtime;
};

} // namespace

/// A value of `type` read from `slot`. Booleans are bytes in memory.
static Value loadValue(OpBuilder &builder, Location loc,
                       const LLVMTypeConverter &converter, Type type,
                       Value slot) {
  if (type.isInteger(1)) {
    Type byte = builder.getI8Type();
    Value loaded = LLVM::LoadOp::create(builder, loc, byte, slot);
    Value zero = LLVM::ConstantOp::create(builder, loc, byte,
                                          builder.getI8IntegerAttr(0));
    return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, loaded,
                                zero);
  }
  Type llvmType = converter.convertType(type);
  Value loaded = LLVM::LoadOp::create(builder, loc, llvmType, slot);
  if (llvmType == type)
    return loaded;
  return UnrealizedConversionCastOp::create(builder, loc, type, loaded)
      .getResult(0);
}

static void storeValue(OpBuilder &builder, Location loc,
                       const LLVMTypeConverter &converter, Value value,
                       Value slot) {
  Type type = value.getType();
  Type llvmType = converter.convertType(type);
  if (type.isInteger(1))
    value = LLVM::ZExtOp::create(builder, loc, builder.getI8Type(), value);
  else if (llvmType != type)
    value = UnrealizedConversionCastOp::create(builder, loc, llvmType, value)
                .getResult(0);
  LLVM::StoreOp::create(builder, loc, value, slot);
}

LLVM::LLVMFuncOp EmitEntryPoints::emitEntry(func::FuncOp function) {
  Location loc = function.getLoc();
  OpBuilder builder(function);
  MLIRContext *context = builder.getContext();
  LLVMTypeConverter converter(context);
  auto ptr = LLVM::LLVMPointerType::get(context);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {ptr});
  auto entry = LLVM::LLVMFuncOp::create(
      builder, loc, (kEntryPrefix + getEntryName(function).getValue()).str(),
      type, LLVM::Linkage::Internal);
  builder.setInsertionPointToStart(entry.addEntryBlock(builder));
  Value slots = entry.getArgument(0);
  auto getSlot = [&](unsigned index) -> Value {
    Value place = LLVM::GEPOp::create(builder, loc, ptr, ptr, slots,
                                      ArrayRef<LLVM::GEPArg>{int32_t(index)});
    return LLVM::LoadOp::create(builder, loc, ptr, place);
  };
  SmallVector<Value> arguments;
  for (auto [index, argument] : llvm::enumerate(function.getArgumentTypes()))
    arguments.push_back(
        loadValue(builder, loc, converter, argument, getSlot(index)));
  auto call = func::CallOp::create(builder, loc, function, arguments);
  unsigned numArguments = function.getNumArguments();
  for (OpResult result : call.getResults())
    storeValue(builder, loc, converter, result,
               getSlot(numArguments + result.getResultNumber()));
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return entry;
}

void EmitEntryPoints::describe(const EntrySignature &signature,
                               LLVM::LLVMFuncOp entry) {
  ConstantBuilder constants(getOperation(), entry.getLoc(), signature.name);
  Type i32 = constants.getI32(), i64 = constants.getI64();
  auto describeValues = [&](ArrayRef<EntryValue> values, StringRef kind) {
    SmallVector<SmallVector<ConstantBuilder::Field>> rows;
    for (const EntryValue &value : values)
      rows.push_back({constants.address(constants.text(value.name)),
                      constants.address(constants.text(value.weight)),
                      constants.address(constants.text(value.role)),
                      constants.number(i32, value.dtype),
                      constants.number(i32, value.isScalar),
                      constants.number(i64, int64_t(value.sizes.size())),
                      constants.address(constants.sizes(value.sizes)),
                      constants.address(constants.text(value.packedBy))});
    return constants.structs("et_" + kind + "_" + signature.name,
                             LLVM::Linkage::Internal, rows, /*isArray=*/true);
  };
  LLVM::GlobalOp arguments = describeValues(signature.arguments, "args");
  LLVM::GlobalOp results = describeValues(signature.results, "results");
  constants.structs(
      kDescriptionPrefix + signature.name, LLVM::Linkage::External,
      {{constants.number(i32, ET_ABI_VERSION),
        constants.number(i32, memory == EntryMemory::Cuda ? ET_CUDA : ET_HOST),
        constants.address(constants.text(signature.name)),
        constants.number(i64, int64_t(signature.arguments.size())),
        constants.number(i64, int64_t(signature.results.size())),
        constants.address(arguments), constants.address(results),
        constants.address(entry), constants.address(runtime)}},
      /*isArray=*/false);
}
