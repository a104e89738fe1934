//===- ETAttrs.cpp - Attributes of the et dialect -------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::et;
using llvm::APFloat;
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

#include "et/Dialect/ET/IR/ETAttrInterfaces.cpp.inc"
#include "et/Dialect/ET/IR/ETEnums.cpp.inc"

//===----------------------------------------------------------------------===//
// Assembly: each bad value has one error, at the value
//===----------------------------------------------------------------------===//

static StringRef getNoun(Comparison) { return "comparison"; }
static StringRef getNoun(GateKind) { return "gate"; }
static StringRef getNoun(ScoreKind) { return "score"; }
static StringRef getNoun(Schedule) { return "schedule"; }
static StringRef getNoun(Scoring) { return "scoring"; }

/// The words of an enum, whose values count up from 0.
template <typename EnumT>
static std::string listWords() {
  SmallVector<StringRef> words;
  for (uint32_t i = 0; !stringifyEnum(static_cast<EnumT>(i)).empty(); ++i)
    words.push_back(stringifyEnum(static_cast<EnumT>(i)));
  return llvm::join(words, ", ");
}

template <typename EnumT>
static ParseResult parseWord(AsmParser &parser, EnumT &value) {
  std::string word;
  SMLoc loc = parser.getCurrentLocation();
  if (failed(parser.parseOptionalKeywordOrString(&word)))
    return parser.emitError(loc) << "expected " << getNoun(EnumT())
                                 << ", one of: " << listWords<EnumT>();
  std::optional<EnumT> parsed = symbolizeEnum<EnumT>(word);
  if (!parsed)
    return parser.emitError(loc)
           << "unknown " << getNoun(EnumT()) << " '" << word
           << "'; expected one of: " << listWords<EnumT>();
  value = *parsed;
  return success();
}
template <typename EnumT>
static void printWord(AsmPrinter &printer, EnumT value) {
  printer << stringifyEnum(value);
}

static ParseResult parseReal(AsmParser &parser, FailureOr<APFloat> &value) {
  double real;
  if (failed(parser.parseFloat(real)))
    return failure();
  value = APFloat(real);
  return success();
}
static void printReal(AsmPrinter &printer, const APFloat &value) {
  printer.printFloat(value);
}

static ParseResult parseCount(AsmParser &parser, int64_t &value) {
  return parser.parseInteger(value);
}
static void printCount(AsmPrinter &printer, int64_t value) { printer << value; }

/// A number of elements, or all, which is held as 0.
static ParseResult parseExtent(AsmParser &parser, int64_t &value) {
  if (succeeded(parser.parseOptionalKeyword("all"))) {
    value = WeightBlock::kAll;
    return success();
  }
  SMLoc loc = parser.getCurrentLocation();
  OptionalParseResult parsed = parser.parseOptionalInteger(value);
  if (parsed.has_value() && (failed(*parsed) || value != 0))
    return *parsed;
  return parser.emitError(loc) << "expected a count > 0 or 'all'";
}
static void printExtent(AsmPrinter &printer, int64_t value) {
  if (value == WeightBlock::kAll)
    printer << "all";
  else
    printer << value;
}

static ParseResult parseElement(AsmParser &parser, Type &type) {
  return parser.parseType(type);
}
static void printElement(AsmPrinter &printer, Type type) { printer << type; }

static ParseResult parseFlag(AsmParser &parser, bool &value) {
  value = succeeded(parser.parseOptionalKeyword("true"));
  return value ? success() : parser.parseKeyword("false", " or 'true'");
}
static void printFlag(AsmPrinter &printer, bool value) {
  printer << (value ? "true" : "false");
}

/// `[word, word]`.
static ParseResult parseWords(AsmParser &parser,
                              llvm::function_ref<ParseResult()> parseOne) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne);
}

/// "amx_bf16|avx512_bf16|...".
static std::string allInstructions() {
  std::string all;
  for (uint32_t bit = 0; bit < 32; ++bit)
    if (auto one = symbolizeCPUInstructions(uint32_t(1) << bit))
      all += (all.empty() ? "" : "|") + stringifyCPUInstructions(*one);
  return all;
}

static ParseResult parseInstructions(AsmParser &parser,
                                     CPUInstructions &value) {
  return parseWords(parser, [&] {
    std::string word;
    SMLoc loc = parser.getCurrentLocation();
    (void)parser.parseOptionalKeywordOrString(&word);
    std::optional<CPUInstructions> parsed = symbolizeCPUInstructions(word);
    if (!parsed)
      return ParseResult(
          parser.emitError(loc)
          << "unknown instruction '" << word << "'; expected some of: "
          << llvm::join(llvm::split(allInstructions(), '|'), ", "));
    value = value | *parsed;
    return ParseResult(success());
  });
}
static void printInstructions(AsmPrinter &printer, CPUInstructions value) {
  std::string words = stringifyCPUInstructions(value);
  printer << '[' << llvm::join(llvm::split(words, '|'), ", ") << ']';
}

static ParseResult parseNames(AsmParser &parser,
                              SmallVector<StringAttr> &names) {
  return parseWords(parser, [&] {
    std::string name;
    if (failed(parser.parseKeywordOrString(&name)))
      return ParseResult(failure());
    names.push_back(StringAttr::get(parser.getContext(), name));
    return ParseResult(success());
  });
}
static void printNames(AsmPrinter &printer, ArrayRef<StringAttr> names) {
  printer << '[';
  llvm::interleaveComma(names, printer, [&](StringAttr name) {
    printer.printKeywordOrString(name);
  });
  printer << ']';
}

#define GET_ATTRDEF_CLASSES
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"

template <template <typename> class Trait, typename... Attrs>
static std::string listAttributes(StringRef prefix = "#et.") {
  SmallVector<std::string> names;
  auto add = [&](bool isListed, StringRef mnemonic) {
    if (isListed)
      names.push_back((prefix + mnemonic).str());
  };
  (add(std::is_base_of_v<Trait<Attrs>, Attrs>, Attrs::getMnemonic()), ...);
  return llvm::join(names, ", ");
}

std::string et::listActivations() {
  return listAttributes<ActivationAttrInterface::Trait,
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
                        >(/*prefix=*/"");
}

std::string et::listRoutings() {
  return listAttributes<RoutingAttrInterface::Trait,
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
                        >();
}

std::string et::listStatistics() {
  return listAttributes<StatisticAttrInterface::Trait,
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
                        >();
}

std::string et::listWeightFormats() {
  return listAttributes<WeightFormatAttrInterface::Trait,
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
                        >();
}

template <typename... Attrs>
static StringRef findParameterNames(StringRef mnemonic) {
  StringRef names;
  (void)((mnemonic == Attrs::getMnemonic() &&
          (names = Attrs::parameterNames, true)) ||
         ...);
  return names;
}

/// Adds to what the generated parsers say of an attribute's list of parameters
/// which there are.
static LogicalResult completeError(Diagnostic &error, StringRef mnemonic) {
  std::string message = error.str();
  // Another error follows, which says what was expected.
  if (message == "expected valid keyword")
    return success();
  // Where the list is missing, or ends before its time.
  bool isShort = message == "expected '<'" || message == "expected ','";
  if (isShort || StringRef(message).contains("struct"))
    error << "; #et." << mnemonic << " takes "
          << findParameterNames<
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
                 >(mnemonic);
  // Who handles errors otherwise has not seen it yet.
  return failure();
}

/// The activation that `word` names, with the parameters that follow; nothing
/// if there is none.
template <typename... Attrs>
static OptionalParseResult
parseActivationNamed(AsmParser &parser, StringRef word,
                     ActivationAttrInterface &activation) {
  OptionalParseResult result = std::nullopt;
  auto tryOne = [&](auto attr) {
    using Attr = decltype(attr);
    if constexpr (std::is_base_of_v<ActivationAttrInterface::Trait<Attr>, Attr>)
      if (word == Attr::getMnemonic()) {
        activation =
            cast_or_null<ActivationAttrInterface>(Attr::parse(parser, Type()));
        result = success(bool(activation));
      }
  };
  (tryOne(Attrs()), ...);
  return result;
}

/// A word without the dialect's name, and its parameters; nothing if there is
/// no word.
static OptionalParseResult
parseOptionalActivationWord(AsmParser &parser,
                            ActivationAttrInterface &activation) {
  std::string word;
  SMLoc loc = parser.getCurrentLocation();
  if (failed(parser.parseOptionalKeywordOrString(&word)))
    return std::nullopt;
  ScopedDiagnosticHandler handler(parser.getContext(), [&](Diagnostic &error) {
    return completeError(error, word);
  });
  OptionalParseResult parsed = parseActivationNamed<
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
      >(parser, word, activation);
  if (parsed.has_value())
    return *parsed;
  return parser.emitError(loc) << "unknown activation '" << word
                               << "'; expected one of: " << listActivations();
}

ParseResult et::parseActivation(AsmParser &parser,
                                ActivationAttrInterface &activation) {
  SMLoc loc = parser.getCurrentLocation();
  // First, since attributes may be types, and `none` is one.
  OptionalParseResult word = parseOptionalActivationWord(parser, activation);
  if (word.has_value())
    return *word;
  Attribute attribute;
  OptionalParseResult parsed = parser.parseOptionalAttribute(attribute);
  if (parsed.has_value() && failed(*parsed))
    return failure();
  activation = dyn_cast_or_null<ActivationAttrInterface>(attribute);
  if (activation)
    return success();
  return parser.emitError(loc)
         << "expected activation, one of: " << listActivations();
}

void et::printActivation(AsmPrinter &printer, Operation *,
                         ActivationAttrInterface activation) {
  if (failed(generatedAttributePrinter(activation, printer)))
    printer << activation;
}

Attribute ETDialect::parseAttribute(DialectAsmParser &parser, Type type) const {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name = parser.getFullSymbolSpec().take_while(
      [](char c) { return llvm::isAlnum(c) || c == '_'; });
  ScopedDiagnosticHandler handler(getContext(), [&](Diagnostic &error) {
    return completeError(error, name);
  });
  StringRef mnemonic;
  Attribute attribute;
  // As this was written when activations were words of an enumeration.
  if (name == "activation") {
    ActivationAttrInterface activation;
    if (parser.parseKeyword(name) || parseActivation(parser, activation))
      return {};
    return activation;
  }
  if (generatedAttributeParser(parser, &mnemonic, type, attribute).has_value())
    return attribute;
  parser.emitError(loc) << "unknown attribute '#et." << mnemonic
                        << "'; routings are " << listRoutings()
                        << "; statistics are " << listStatistics()
                        << "; activations are " << listActivations();
  return {};
}

void ETDialect::printAttribute(Attribute attribute,
                               DialectAsmPrinter &printer) const {
  (void)generatedAttributePrinter(attribute, printer);
}

void ETDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "et/Dialect/ET/IR/ETAttrs.cpp.inc"
      >();
}

// Every rule below is a numbered constraint of docs/Spec.md, cited in brackets.

/// A share lies in [0, 1]; NaN does not.
static LogicalResult verifyShare(EmitError emitError, StringRef attribute,
                                 StringRef name, const APFloat &value,
                                 StringRef constraint) {
  double share = value.convertToDouble();
  if (share >= 0.0 && share <= 1.0)
    return success();
  return emitError() << "#et." << attribute << " needs " << name
                     << " in [0, 1], got " << share << " [" << constraint
                     << "]";
}

//===----------------------------------------------------------------------===//
// Routing (how rules decide is in ETRoutings.cpp)
//===----------------------------------------------------------------------===//

LogicalResult BoundedThresholdRoutingAttr::verify(EmitError emitError,
                                                  APFloat rate, APFloat slack,
                                                  Comparison, GateKind) {
  StringRef name = getMnemonic();
  if (failed(verifyShare(emitError, name, "rate", rate, "A1")))
    return failure();
  return verifyShare(emitError, name, "slack", slack, "A2");
}

LogicalResult TopKRoutingAttr::verify(EmitError emitError, int64_t k, Scoring,
                                      bool, int64_t groups, int64_t groupLimit,
                                      APFloat epsilon) {
  if (k < 1)
    return emitError() << "#et.top_k needs k >= 1, got " << k << " [A1]";
  if (groups < 1)
    return emitError() << "#et.top_k needs groups >= 1, got " << groups
                       << " [A2]";
  if (groupLimit < 1 || groupLimit > groups)
    return emitError() << "#et.top_k needs groupLimit in [1, groups = "
                       << groups << "], got " << groupLimit << " [A3]";
  auto least = static_cast<float>(epsilon.convertToDouble());
  if (!(least > 0.0f && std::isfinite(least)))
    return emitError() << "#et.top_k needs a finite f32 > 0 as epsilon, got "
                       << epsilon.convertToDouble() << " [A6]";
  return success();
}
LogicalResult TopKRoutingAttr::verifyExperts(EmitError emitError,
                                             int64_t experts) const {
  if (experts % getGroups() != 0)
    return emitError() << *this << " splits " << experts << " experts into "
                       << getGroups() << " groups of unequal size [A4]";
  int64_t candidates = experts / getGroups() * getGroupLimit();
  if (getK() > candidates)
    return emitError() << *this << " takes k = " << getK() << " of only "
                       << candidates << " experts [A5]";
  return success();
}

LogicalResult ExpertChoiceRoutingAttr::verify(EmitError emitError, APFloat rate,
                                              GateKind) {
  return verifyShare(emitError, getMnemonic(), "rate", rate, "A1");
}

LogicalResult TopPRoutingAttr::verify(EmitError emitError, APFloat p, bool) {
  return verifyShare(emitError, getMnemonic(), "p", p, "A1");
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

LogicalResult KthLargestStatisticAttr::verify(EmitError emitError,
                                              APFloat rate) {
  return verifyShare(emitError, getMnemonic(), "rate", rate, "A1");
}

LogicalResult QuantileStatisticAttr::verify(EmitError emitError, APFloat q) {
  return verifyShare(emitError, getMnemonic(), "q", q, "A1");
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

LogicalResult LoweringConfigAttr::verify(EmitError emitError, Schedule schedule,
                                         int64_t workgroups, APFloat rate,
                                         APFloat slack, int64_t maxTokens) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (workgroups < 0 || workgroups > most)
    return emitError() << "#et.lowering_config needs workgroups in [0, " << most
                       << "], got " << workgroups << " [A1]";
  if (workgroups != 0 && schedule != Schedule::OneLaunch)
    return emitError() << "#et.lowering_config has workgroups for "
                          "schedule = one_launch only [A2]";
  if (failed(verifyShare(emitError, getMnemonic(), "rate", rate, "A3")))
    return failure();
  double more = slack.convertToDouble();
  if (!(more >= 0.0 && std::isfinite(more)))
    return emitError() << "#et.lowering_config needs a finite slack >= 0, got "
                       << more << " [A4]";
  if (maxTokens < 0 || maxTokens > most)
    return emitError() << "#et.lowering_config needs max_tokens in [0, " << most
                       << "], got " << maxTokens << " [A5]";
  return success();
}

LogicalResult PanelsAttr::verify(EmitError emitError, int64_t columns,
                                 int64_t interleave, int64_t step) {
  // Far above what any kernel wants, and no product of two overflows.
  constexpr int64_t most = 1 << 16;
  std::tuple<StringRef, int64_t, StringRef> counts[] = {
      {"columns", columns, "A1"},
      {"interleave", interleave, "A2"},
      {"step", step, "A3"}};
  for (auto [name, count, constraint] : counts)
    if (count < 1 || count > most)
      return emitError() << "#et.panels needs " << name << " in [1, " << most
                         << "], got " << count << " [" << constraint << "]";
  if (step % interleave != 0)
    return emitError() << "#et.panels needs a step that is a multiple of "
                          "interleave = "
                       << interleave << ", got " << step << " [A4]";
  return success();
}

std::string PanelsAttr::getPackedDims() const {
  return llvm::formatv("E N/{0} K/{1}*{2} {3}", getColumns(), getStep(),
                       getStep() / getInterleave(),
                       getColumns() * getInterleave());
}

SmallVector<int64_t>
PanelsAttr::getPackedShape(ArrayRef<int64_t> weights) const {
  NamedSizes letters;
  for (auto [letter, size] : llvm::zip_equal(StringRef("EKN"), weights))
    if (!ShapedType::isDynamic(size))
      letters[letter] = size;
  std::string dims = getPackedDims();
  return llvm::map_to_vector(llvm::split(dims, ' '), [&](StringRef name) {
    return getStaticSize(name, letters);
  });
}
