//===- Header.cpp - C header of a compiled library ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/Header.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::et;

/// What et_runtime.h declares: an inline function must not be called so.
static constexpr llvm::StringLiteral kRuntimeNames[] = {"et_call",
                                                        "et_call_on_stream",
                                                        "et_code",
                                                        "et_dtype",
                                                        "et_dtype_name",
                                                        "et_dtype_size",
                                                        "et_function",
                                                        "et_memory",
                                                        "et_memory_current",
                                                        "et_memory_peak",
                                                        "et_memory_reset_peak",
                                                        "et_runtime",
                                                        "et_status",
                                                        "et_tensor",
                                                        "et_tensor_borrow",
                                                        "et_tensor_copy",
                                                        "et_tensor_elements",
                                                        "et_tensor_release",
                                                        "et_value"};

/// `name` with what no identifier of C can hold replaced.
static std::string getIdentifier(StringRef name) {
  std::string identifier;
  for (char c : name)
    identifier.push_back(llvm::isAlnum(c) ? c : '_');
  if (identifier.empty() || llvm::isDigit(identifier.front()))
    identifier.insert(identifier.begin(), '_');
  return identifier;
}

llvm::StringMap<std::string> et::getIdentifiers(ArrayRef<StringRef> functions) {
  llvm::StringSet<> taken;
  for (StringRef name : kRuntimeNames)
    taken.insert(name);
  // In an order that is not the model's, which may change; names that can stay
  // as they are go first.
  SmallVector<StringRef> order(functions), others;
  llvm::sort(order);
  for (StringRef function : order)
    taken.insert((kDescriptionPrefix + function).str());
  llvm::StringMap<std::string> identifiers;
  auto claim = [&](StringRef function, StringRef identifier) {
    std::string inlined = ("et_" + identifier).str();
    std::string description = (kDescriptionPrefix + identifier).str();
    if (taken.contains(inlined) ||
        (identifier != function && taken.contains(description)))
      return false;
    taken.insert(inlined);
    taken.insert(description);
    identifiers[function] = identifier.str();
    return true;
  };
  for (StringRef function : order)
    if (getIdentifier(function) != function || !claim(function, function))
      others.push_back(function);
  for (StringRef function : others) {
    std::string identifier = getIdentifier(function);
    while (!claim(function, identifier))
      identifier += '_';
  }
  return identifiers;
}

/// Text of the model inside a comment, which it can neither end nor begin.
static void printText(StringRef text, llvm::raw_ostream &os) {
  for (char c : text)
    if (llvm::isPrint(c) && !StringRef("\"\\*?").contains(c))
      os << c;
    else
      os << llvm::format("\\%03o", static_cast<unsigned char>(c));
}

static void printType(const EntryValue &value, llvm::raw_ostream &os) {
  os << et_dtype_name(value.dtype);
  if (value.isScalar) {
    os << " (a tensor of rank 0)";
    return;
  }
  os << '[';
  llvm::interleave(
      value.sizes, os,
      [&](int64_t size) { size == ET_DYNAMIC ? os << '?' : os << size; }, "x");
  os << ']';
}

/// Parameter names: the model's own, made distinct from each other and, by the
/// prefix, from the words of C and C++.
static SmallVector<std::string> getParameters(ArrayRef<EntryValue> values,
                                              StringRef prefix,
                                              llvm::StringSet<> &taken) {
  SmallVector<std::string> names;
  for (const EntryValue &value : values) {
    std::string name = (prefix + getIdentifier(value.name)).str();
    while (!taken.insert(name).second)
      name += '_';
    names.push_back(name);
  }
  return names;
}

static void writeFunction(const EntrySignature &signature,
                          const llvm::StringMap<std::string> &identifiers,
                          llvm::raw_ostream &os) {
  llvm::StringSet<> taken;
  SmallVector<std::string> arguments =
      getParameters(signature.arguments, "in_", taken);
  SmallVector<std::string> results =
      getParameters(signature.results, "out_", taken);
  std::string name = identifiers.lookup(signature.name);

  os << "\nextern const et_function " << kDescriptionPrefix << name
     << ";\n\n/* " << name;
  if (name != signature.name) {
    os << ", in the model \"";
    printText(signature.name, os);
    os << '"';
  }
  os << '\n';
  for (auto [value, argument] : llvm::zip(signature.arguments, arguments)) {
    os << "     " << argument << ": ";
    printType(value, os);
    if (!value.weight.empty()) {
      os << ", weight \"";
      printText(value.weight, os);
      os << '"';
    }
    if (!value.packedBy.empty())
      os << ", packed by et_" << identifiers.lookup(value.packedBy);
    os << '\n';
  }
  for (auto [value, result] : llvm::zip(signature.results, results)) {
    os << "  -> " << result << ": ";
    printType(value, os);
    os << '\n';
  }
  os << "   Returns 0, or a code that is also in status, with a message. The\n"
        "   results are the caller's, to be given to et_tensor_release. */\n";
  os << "static inline int et_" << name << "(";
  for (const std::string &argument : arguments)
    os << "const et_tensor *" << argument << ", ";
  for (const std::string &result : results)
    os << "et_tensor *" << result << ", ";
  os << "et_status *status) {\n";
  // C has no arrays of length 0.
  auto count = [](size_t size) { return size ? size : 1; };
  os << "  et_tensor arguments[" << count(arguments.size()) << "];\n";
  os << "  et_tensor results[" << count(results.size()) << "];\n";
  os << "  int code;\n";
  for (auto [index, argument] : llvm::enumerate(arguments))
    os << "  arguments[" << index << "] = *" << argument << ";\n";
  os << "  code = et_call(&" << kDescriptionPrefix << name << ", arguments, "
     << arguments.size() << ", results, " << results.size() << ", status);\n";
  for (auto [index, result] : llvm::enumerate(results))
    os << "  *" << result << " = results[" << index << "];\n";
  os << "  return code;\n}\n";
}

void et::writeHeader(ArrayRef<EntrySignature> signatures, StringRef library,
                     llvm::raw_ostream &os) {
  std::string stem = getIdentifier(llvm::sys::path::stem(library));
  // Two libraries with one guard would hide each other's functions.
  std::string guard = "ET_LIBRARY_";
  for (char c : llvm::sys::path::stem(library))
    guard += llvm::isAlnum(c)
                 ? std::string(1, c)
                 : "_" + llvm::utohexstr(static_cast<unsigned char>(c));
  guard += "_H";
  os << "/* What the compiled library " << stem << " offers. */\n\n";
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n";
  os << "#include \"et/Runtime/et_runtime.h\"\n\n";
  os << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  SmallVector<StringRef> names;
  for (const EntrySignature &signature : signatures)
    names.push_back(signature.name);
  llvm::StringMap<std::string> identifiers = getIdentifiers(names);
  for (const EntrySignature &signature : signatures)
    writeFunction(signature, identifiers, os);
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
}
