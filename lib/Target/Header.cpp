//===- Header.cpp - C header of a compiled library ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/Header.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::et;

/// `name` with what no identifier of C can hold replaced.
static std::string getIdentifier(StringRef name) {
  std::string identifier;
  for (char c : name)
    identifier.push_back(llvm::isAlnum(c) ? c : '_');
  if (identifier.empty() || llvm::isDigit(identifier.front()))
    identifier.insert(identifier.begin(), '_');
  return identifier;
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
                          llvm::raw_ostream &os) {
  llvm::StringSet<> taken;
  SmallVector<std::string> arguments =
      getParameters(signature.arguments, "in_", taken);
  SmallVector<std::string> results =
      getParameters(signature.results, "out_", taken);
  std::string name = getIdentifier(signature.name);

  os << "\nextern const et_function et_function_" << name;
  if (name != signature.name)
    os << " __asm__(\"et_function_" << signature.name << "\")";
  os << ";\n\n/* " << name << "\n";
  for (auto [value, argument] : llvm::zip(signature.arguments, arguments)) {
    os << "     " << argument << ": ";
    printType(value, os);
    // A comment must not be ended by what a model calls its weights.
    if (!value.weight.empty() && !StringRef(value.weight).contains("*/"))
      os << ", weight \"" << value.weight << '"';
    if (!value.packedBy.empty())
      os << ", packed by et_" << getIdentifier(value.packedBy);
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
  os << "  code = et_call(&et_function_" << name << ", arguments, "
     << arguments.size() << ", results, " << results.size() << ", status);\n";
  for (auto [index, result] : llvm::enumerate(results))
    os << "  *" << result << " = results[" << index << "];\n";
  os << "  return code;\n}\n";
}

void et::writeHeader(ArrayRef<EntrySignature> signatures, StringRef library,
                     llvm::raw_ostream &os) {
  std::string stem = getIdentifier(llvm::sys::path::stem(library));
  std::string guard = "ET_LIBRARY_" + StringRef(stem).upper() + "_H";
  os << "/* What the compiled library " << stem << " offers. */\n\n";
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n";
  os << "#include \"et/Runtime/et_runtime.h\"\n\n";
  os << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  for (const EntrySignature &signature : signatures)
    writeFunction(signature, os);
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
}
