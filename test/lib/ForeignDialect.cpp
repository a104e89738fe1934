//===- ForeignDialect.cpp - Attributes that no lowering knows -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What implements the interfaces of the et dialect from outside, for tests of
// what passes say about it.
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;

namespace foreign {

/// `#foreign.everyone`: a routing, which may take a bias.
struct EveryoneAttr
    : Attribute::AttrBase<EveryoneAttr, Attribute, AttributeStorage,
                          et::RoutingAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.everyone";
  bool allowsBias() const { return true; }
};

/// `#foreign.largest`: a statistic.
struct LargestAttr
    : Attribute::AttrBase<LargestAttr, Attribute, AttributeStorage,
                          et::StatisticAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.largest";
};

struct ForeignDialect : Dialect {
  static constexpr StringLiteral getDialectNamespace() { return "foreign"; }

  explicit ForeignDialect(MLIRContext *context)
      : Dialect(getDialectNamespace(), context, TypeID::get<ForeignDialect>()) {
    addAttributes<EveryoneAttr, LargestAttr>();
  }

  Attribute parseAttribute(DialectAsmParser &parser, Type) const override {
    if (succeeded(parser.parseOptionalKeyword("everyone")))
      return EveryoneAttr::get(getContext());
    if (succeeded(parser.parseKeyword("largest")))
      return LargestAttr::get(getContext());
    return {};
  }

  void printAttribute(Attribute attribute,
                      DialectAsmPrinter &printer) const override {
    printer << (isa<EveryoneAttr>(attribute) ? "everyone" : "largest");
  }
};

} // namespace foreign

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Foreign", LLVM_VERSION_STRING,
          [](DialectRegistry *registry) {
            registry->insert<foreign::ForeignDialect>();
          }};
}
