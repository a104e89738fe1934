//===- Runner.cpp - compile, bind, call, report ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runner.h"

#include "Statistics.h"
#include "et/Compiler/OutputFiles.h"
#include "et/Compiler/PackedWeights.h"
#include "support/Frontend.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace mlir;
using namespace mlir::et;
using Clock = std::chrono::steady_clock;

static void release(std::vector<et_tensor> &tensors) {
  for (et_tensor &tensor : tensors)
    et_tensor_release(&tensor);
}

namespace {
/// The tensors of a call and the files behind them.
struct Arguments {
  std::vector<et_tensor> tensors;
  std::vector<std::string> sources; ///< The file of each, for messages.
  std::vector<NpyFile> arrays;
  std::optional<SafetensorsFile> weights;
  /// The file has weights in rows alone that the function takes packed.
  bool lacksPacked = false;
  std::vector<et_tensor> packed;

  Arguments() = default;
  Arguments(Arguments &&) = default;
  ~Arguments() { release(packed); }
};
} // namespace

static llvm::Expected<EntrySignature> findSignature(ModuleOp module,
                                                    StringRef entry) {
  SmallVector<func::FuncOp> functions = getEntryFunctions(module);
  auto found = llvm::find_if(functions, [&](func::FuncOp function) {
    return function.getName() == entry;
  });
  if (found == functions.end()) {
    SmallVector<StringRef> names;
    for (func::FuncOp function : functions)
      names.push_back(function.getName());
    return llvm::createStringError(
        "the model has no public function '" + entry + "'; it has " +
        (names.empty() ? "none" : llvm::join(names, ", ")));
  }
  FailureOr<EntrySignature> signature = getEntrySignature(*found);
  if (failed(signature))
    return llvm::createStringError("'" + entry + "' cannot be called");
  return *signature;
}

static std::string listNames(ArrayRef<EntryValue> values) {
  SmallVector<std::string> names;
  for (const EntryValue &value : values)
    if (value.weight.empty())
      names.push_back(value.name);
    else if (value.weight == value.name)
      names.push_back(value.name + " (a weight)");
    else
      names.push_back(value.name + " (weight '" + value.weight + "')");
  return names.empty() ? "none" : llvm::join(names, ", ");
}

/// Arguments that come from --arg: all, or those that are no weights if there
/// is a file of weights.
static bool isPositional(const EntryValue &value, const RunRequest &request) {
  return request.weights.empty() || value.weight.empty();
}

static llvm::Error checkCounts(const EntrySignature &signature,
                               const RunRequest &request) {
  size_t needed = llvm::count_if(signature.arguments, [&](const auto &value) {
    return isPositional(value, request);
  });
  if (request.args.size() != needed) {
    bool hasWeights = llvm::any_of(signature.arguments, [](const auto &value) {
      return !value.weight.empty();
    });
    return llvm::createStringError(
        "'" + signature.name + "' needs " + Twine(needed) + " --arg and got " +
        Twine(request.args.size()) +
        "; its arguments: " + listNames(signature.arguments) +
        (hasWeights && request.weights.empty()
             ? "; --weights=FILE.safetensors would give the weights"
             : ""));
  }
  if (!request.outs.empty() && request.outs.size() != signature.results.size())
    return llvm::createStringError(
        "'" + signature.name + "' needs " + Twine(signature.results.size()) +
        " --out, or none, and got " + Twine(request.outs.size()) +
        "; its results: " + listNames(signature.results));
  return llvm::Error::success();
}

static llvm::Expected<Arguments> openArguments(const EntrySignature &signature,
                                               const RunRequest &request) {
  Arguments arguments;
  if (!request.weights.empty()) {
    auto weights = SafetensorsFile::open(request.weights);
    if (!weights)
      return weights.takeError();
    for (StringRef out : request.outs)
      if (out != "-" && weights->isRead(out))
        return llvm::createStringError(
            "'" + out + "' is an input; name another file for --out");
    arguments.weights = std::move(*weights);
  }
  auto nextFile = request.args.begin();
  for (const EntryValue &value : signature.arguments) {
    if (isPositional(value, request)) {
      auto array = NpyFile::open(*nextFile);
      if (!array)
        return array.takeError();
      arguments.tensors.push_back(array->getTensor());
      arguments.sources.push_back(*nextFile++);
      arguments.arrays.push_back(std::move(*array));
      continue;
    }
    if (!value.packedBy.empty() && !arguments.weights->has(value.weight)) {
      arguments.lacksPacked = true;
      arguments.tensors.emplace_back();
      arguments.sources.push_back(request.weights);
      continue;
    }
    auto tensor = arguments.weights->find(value.weight);
    if (!tensor)
      return tensor.takeError();
    arguments.tensors.push_back(*tensor);
    arguments.sources.push_back(arguments.weights->getSource(value.weight));
  }
  return std::move(arguments);
}

/// Packs the weights that the file has in rows alone.
static llvm::Error packWeights(const EntrySignature &signature,
                               const CompiledModule &code,
                               Arguments &arguments) {
  if (!arguments.lacksPacked)
    return llvm::Error::success();
  auto packed = callPacking(signature, code, *arguments.weights);
  if (!packed)
    return packed.takeError();
  arguments.packed = std::move(*packed);
  auto next = arguments.packed.begin();
  for (auto [value, tensor] :
       llvm::zip_equal(signature.arguments, arguments.tensors))
    if (!value.packedBy.empty())
      tensor = *next++;
  return llvm::Error::success();
}

static llvm::Error call(const et_function &function, const Arguments &arguments,
                        std::vector<et_tensor> &results) {
  et_status status;
  if (!et_call(&function, arguments.tensors.data(), arguments.tensors.size(),
               results.data(), results.size(), &status))
    return llvm::Error::success();
  std::string source;
  if (status.argument >= 0)
    source = arguments.sources[status.argument] + ": ";
  return llvm::createStringError(source + status.message);
}

static llvm::Error timeRuns(const et_function &function,
                            const Arguments &arguments,
                            std::vector<et_tensor> &results, unsigned runs) {
  std::vector<double> times;
  Clock::time_point lastReport = Clock::now();
  for (unsigned i = 0; i < runs; ++i) {
    release(results);
    Clock::time_point start = Clock::now();
    if (llvm::Error error = call(function, arguments, results))
      return error;
    Clock::time_point end = Clock::now();
    times.push_back(
        std::chrono::duration<double, std::milli>(end - start).count());
    if (end - lastReport < std::chrono::seconds(1))
      continue;
    llvm::errs() << "et-run: " << i + 1 << " of " << runs << " runs\n";
    lastReport = end;
  }
  llvm::sort(times);
  double median = (times[(runs - 1) / 2] + times[runs / 2]) / 2;
  llvm::outs() << llvm::format(
      "time: median %.4f ms, least %.4f ms, most %.4f ms, %u runs\n", median,
      times.front(), times.back(), runs);
  return llvm::Error::success();
}

static llvm::Error writeResults(const RunRequest &request,
                                ArrayRef<et_tensor> results) {
  OutputFiles outputs;
  for (auto [path, result] : llvm::zip_equal(request.outs, results)) {
    auto write = [&result = result](llvm::raw_ostream &os) {
      writeNpy(os, result);
      return llvm::Error::success();
    };
    if (llvm::Error error = outputs.write(path, write))
      return error;
  }
  return outputs.commit();
}

/// `function` has the results of the model's own, then the statistics.
static llvm::Error callAndReport(const et_function &function, size_t ownResults,
                                 const RunRequest &request,
                                 const Arguments &arguments) {
  std::vector<et_tensor> results(function.num_results);
  llvm::scope_exit releaseResults([&] { release(results); });
  if (llvm::Error error = call(function, arguments, results))
    return error;
  if (request.printStatistics) {
    printRoutingStatistics(ArrayRef(results).drop_front(ownResults),
                           llvm::outs());
    llvm::outs() << "peak memory                  "
                 << et_memory_peak(static_cast<et_memory>(function.memory))
                 << " bytes\n";
  }
  if (request.timedRuns)
    if (llvm::Error error =
            timeRuns(function, arguments, results, *request.timedRuns))
      return error;
  if (request.outs.empty()) {
    if (ownResults > 0 && !request.printStatistics && !request.timedRuns)
      llvm::errs() << "et-run: note: the results were not kept; one "
                      "--out=FILE.npy for each would\n";
    return llvm::Error::success();
  }
  return writeResults(request, ArrayRef(results).take_front(ownResults));
}

llvm::Error et::runModel(const RunRequest &request) {
  Frontend frontend;
  if (llvm::Error error = frontend.printRemarks(request.remarks))
    return error;
  if (llvm::Error error = frontend.loadDialects(request.plugins))
    return error;
  auto module = frontend.read(request.model);
  if (!module)
    return module.takeError();
  auto signature = findSignature(**module, request.entry);
  if (!signature)
    return signature.takeError();
  if (llvm::Error error = checkCounts(*signature, request))
    return error;
  size_t ownResults = signature->results.size();
  if (llvm::Error error = checkOutputs(request.outs))
    return error;

  if (request.printStatistics)
    if (llvm::Error error = appendRoutingStatistics(**module, request.entry,
                                                    request.options.target))
      return error;
  if (request.packWeights) {
    if (llvm::Error error = takePackedWeights(**module, request.options.march))
      return error;
    signature = findSignature(**module, request.entry);
    if (!signature)
      return signature.takeError();
  }
  auto arguments = openArguments(*signature, request);
  if (!arguments)
    return arguments.takeError();
  auto compiled = compileInMemory(**module, request.options);
  if (!compiled)
    return compiled.takeError();
  auto function = compiled->lookup(request.entry);
  if (!function)
    return function.takeError();
  if (llvm::Error error = packWeights(*signature, *compiled, *arguments))
    return error;
  return callAndReport(**function, ownResults, request, *arguments);
}
