//===- Signature.cpp - what callers see of a function ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Signature.h"
#include "et/Dialect/ET/Utils/EntryName.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::et;

static std::optional<et_dtype> getDtype(Type type) {
  return llvm::TypeSwitch<Type, std::optional<et_dtype>>(type)
      .Case<Float32Type>([](Type) { return ET_F32; })
      .Case<Float16Type>([](Type) { return ET_F16; })
      .Case<BFloat16Type>([](Type) { return ET_BF16; })
      .Case<Float64Type>([](Type) { return ET_F64; })
      .Case<Float8E4M3FNType>([](Type) { return ET_F8E4M3FN; })
      .Case<IndexType>([](Type) { return ET_I64; })
      .Case<IntegerType>([](IntegerType integer) -> std::optional<et_dtype> {
        switch (integer.getWidth()) {
        case 1:
          return ET_I1;
        case 8:
          return ET_I8;
        case 16:
          return ET_I16;
        case 32:
          return ET_I32;
        case 64:
          return ET_I64;
        default:
          return std::nullopt;
        }
      })
      .Default([](Type) { return std::nullopt; });
}

static std::string getText(DictionaryAttr attributes, StringRef name) {
  auto text = attributes ? attributes.getAs<StringAttr>(name) : StringAttr();
  return text ? text.str() : std::string();
}

static FailureOr<EntryValue> getValue(func::FuncOp function, Type type,
                                      DictionaryAttr attributes, StringRef kind,
                                      unsigned index) {
  auto refuse = [&](const Twine &why) {
    return function.emitError("'")
           << getEntryName(function).getValue()
           << "' cannot be called from outside: " << kind << " " << index
           << " of type " << type << " " << why
           << "; make the function private or change the type";
  };
  auto shaped = dyn_cast<ShapedType>(type);
  std::optional<et_dtype> dtype =
      getDtype(shaped ? shaped.getElementType() : type);
  if (!dtype)
    return refuse("has no counterpart in the runtime's interface");

  EntryValue value;
  value.weight = getText(attributes, "et.weight");
  value.name = getText(attributes, "et.name");
  if (value.name.empty())
    value.name = value.weight;
  if (value.name.empty())
    value.name = (kind.take_front(3) + Twine(index)).str();
  value.role = getText(attributes, "et.role");
  value.packedBy = getText(attributes, "et.packed_by");
  value.dtype = *dtype;
  value.isScalar = !shaped;
  if (!shaped)
    return value;
  if (isa<VectorType>(type) || !shaped.hasRank())
    return refuse("has no counterpart in the runtime's interface");
  if (shaped.getRank() > ET_MAX_RANK)
    return refuse("has more than " + Twine(ET_MAX_RANK) + " dimensions");
  if (auto memref = dyn_cast<MemRefType>(type))
    if (!memref.getLayout().isIdentity())
      return refuse("is not contiguous");
  for (int64_t size : shaped.getShape())
    value.sizes.push_back(ShapedType::isDynamic(size) ? ET_DYNAMIC : size);
  return value;
}

FailureOr<EntrySignature> et::getEntrySignature(func::FuncOp function) {
  EntrySignature signature;
  signature.name = getEntryName(function).str();
  // Linkers take what follows an '@' for a version, and a NUL for the end.
  if (signature.name.find_first_of(std::string_view("@\0", 2)) !=
      std::string::npos)
    return function.emitError("'")
           << signature.name
           << "' cannot be called from outside: no symbol of an object file "
              "can have this name; make the function private or rename it";
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    FailureOr<EntryValue> value = getValue(
        function, type, function.getArgAttrDict(index), "argument", index);
    if (failed(value))
      return failure();
    signature.arguments.push_back(std::move(*value));
  }
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    FailureOr<EntryValue> value = getValue(
        function, type, function.getResultAttrDict(index), "result", index);
    if (failed(value))
      return failure();
    signature.results.push_back(std::move(*value));
  }
  return signature;
}

SmallVector<func::FuncOp> et::getEntryFunctions(ModuleOp module) {
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isDeclaration())
      functions.push_back(function);
  return functions;
}
