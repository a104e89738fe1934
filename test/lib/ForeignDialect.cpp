//===- ForeignDialect.cpp - Attributes of a dialect of others -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What implements the interfaces of the et dialect from outside. Its rules by
// pair, token and expert, its activation and its format of weights take every
// way that ours do, and what has none of these interfaces is refused.
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/IR/RoutingRow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;
using arith::CmpFPredicate;

namespace foreign {

/// An attribute without parameters.
template <typename Concrete, template <typename> class... Traits>
using Plain =
    Attribute::AttrBase<Concrete, Attribute, AttributeStorage, Traits...>;

/// A constant of the type of `like`, a scalar or a vector.
static Value constantLike(ImplicitLocOpBuilder &b, Value like, float value) {
  TypedAttr attr = b.getF32FloatAttr(value);
  if (auto type = dyn_cast<ShapedType>(like.getType()))
    attr = DenseElementsAttr::get(type, attr);
  return arith::ConstantOp::create(b, attr);
}

/// `#foreign.everyone`: a routing that does not say how it decides.
struct EveryoneAttr : Plain<EveryoneAttr, et::RoutingAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.everyone";
  bool allowsBias() const { return true; }
};

/// `#foreign.far`, by pair: the score is further from zero than the threshold
/// and the expert's bias, if there is one. The gate is the score's square.
struct FarAttr : Plain<FarAttr, et::RoutingAttrInterface::Trait,
                       et::PairRoutingAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.far";
  bool usesTheta() const { return true; }
  bool allowsBias() const { return true; }

  Value emitSelected(ImplicitLocOpBuilder &b, Value score, Value theta,
                     Value bias) const {
    if (bias)
      theta = arith::AddFOp::create(b, theta, bias);
    Value distance = math::AbsFOp::create(b, score);
    return arith::CmpFOp::create(b, CmpFPredicate::OGT, distance, theta);
  }
  Value emitGate(ImplicitLocOpBuilder &b, Value score) const {
    return arith::MulFOp::create(b, score, score);
  }
};

/// `#foreign.near_best`, by token: what falls short of the best score and bias
/// by less than a half. The gate is 1 less what falls short.
struct NearBestAttr : Plain<NearBestAttr, et::RoutingAttrInterface::Trait,
                            et::TokenRoutingAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.near_best";
  bool allowsBias() const { return true; }

  void emitToken(et::RoutingRow &row) const {
    ImplicitLocOpBuilder &b = row.builder;
    et::RoutingRow::Row ranks = row.scores();
    if (std::optional<et::RoutingRow::Row> bias = row.bias())
      ranks = row.map({ranks, *bias}, [&](ValueRange v) -> Value {
        return arith::AddFOp::create(b, v[0], v[1]);
      });
    Value best = row.best(ranks).value;
    row.finish(ranks, [&](ValueRange v) -> et::RoutingRow::Decision {
      Value shortfall = arith::SubFOp::create(b, best, v[0]);
      Value isChosen = arith::CmpFOp::create(b, CmpFPredicate::OLT, shortfall,
                                             constantLike(b, shortfall, 0.5F));
      Value gate =
          arith::SubFOp::create(b, constantLike(b, shortfall, 1.0F), shortfall);
      return {isChosen, gate};
    });
  }
};

/// `#foreign.half`, by expert: half as many tokens as have scores above zero,
/// rounded down. The gate is the score.
struct HalfAttr : Plain<HalfAttr, et::RoutingAttrInterface::Trait,
                        et::ExpertRoutingAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.half";

  Value emitLoad(et::RoutingColumn &column, Value, Value) const {
    ImplicitLocOpBuilder &b = column.builder;
    Value above = column.count([&](Value score) -> Value {
      return arith::CmpFOp::create(b, CmpFPredicate::OGT, score,
                                   constantLike(b, score, 0.0F));
    });
    return arith::DivUIOp::create(b, above,
                                  arith::ConstantIndexOp::create(b, 2));
  }
  Value emitGate(ImplicitLocOpBuilder &, Value score) const { return score; }
};

/// `#foreign.largest`: a statistic.
struct LargestAttr : Plain<LargestAttr, et::StatisticAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.largest";
};

/// `#foreign.silu`: an activation, which is `silu` in other words.
struct SiluAttr : Attribute::AttrBase<SiluAttr, Attribute, AttributeStorage,
                                      et::ActivationAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.silu";
  et::Number apply(et::Number gate, const et::Number *up) const {
    et::Number silu = gate / (1.0 + exp(-gate));
    return up ? silu * *up : silu;
  }
};

/// `#foreign.offset_bytes`: weights of bytes that count from 128, with a scale
/// a column.
struct OffsetBytesAttr
    : Plain<OffsetBytesAttr, et::WeightFormatAttrInterface::Trait> {
  using Base::Base;
  static constexpr StringLiteral name = "foreign.offset_bytes";
  Type getStored() const { return IntegerType::get(getContext(), 8); }
  et::WeightBlock getBlock() const { return {et::WeightBlock::kAll, 1}; }

  Value widen(ImplicitLocOpBuilder &b, Value stored, Value) const {
    Type type = b.getF32Type();
    if (auto vector = dyn_cast<VectorType>(stored.getType()))
      type = vector.clone(type);
    Value number = arith::UIToFPOp::create(b, type, stored);
    return arith::SubFOp::create(b, number, constantLike(b, number, 128.0f));
  }
};

struct ForeignDialect : Dialect {
  static constexpr StringLiteral getDialectNamespace() { return "foreign"; }

  explicit ForeignDialect(MLIRContext *context)
      : Dialect(getDialectNamespace(), context, TypeID::get<ForeignDialect>()) {
    context->loadDialect<arith::ArithDialect, math::MathDialect>();
    addAttributes<EveryoneAttr, FarAttr, NearBestAttr, HalfAttr, LargestAttr,
                  SiluAttr, OffsetBytesAttr>();
  }

  Attribute parseAttribute(DialectAsmParser &parser, Type) const override {
    StringRef keyword;
    if (parser.parseKeyword(&keyword))
      return {};
    return parseKnown<EveryoneAttr, FarAttr, NearBestAttr, HalfAttr,
                      LargestAttr, SiluAttr, OffsetBytesAttr>(parser, keyword);
  }

  void printAttribute(Attribute attribute,
                      DialectAsmPrinter &printer) const override {
    printer << attribute.getAbstractAttribute().getName().split('.').second;
  }

private:
  /// The attribute called `keyword` in this dialect.
  template <typename... Attrs>
  Attribute parseKnown(DialectAsmParser &parser, StringRef keyword) const {
    Attribute found;
    auto tryOne = [&](StringRef name, Attribute attribute) {
      if (name.split('.').second == keyword)
        found = attribute;
    };
    (tryOne(Attrs::name, Attrs::get(getContext())), ...);
    if (!found)
      parser.emitError(parser.getNameLoc()) << "unknown attribute " << keyword;
    return found;
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
