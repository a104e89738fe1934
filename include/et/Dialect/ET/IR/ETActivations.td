//===- ETActivations.td - Activations -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In an op, an activation is written as its name and parameters alone. The
// formulas are in ETActivations.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETACTIVATIONS
#define ET_DIALECT_ET_IR_ETACTIVATIONS

include "et/Dialect/ET/IR/ETAttrs.td"

class ET_ActivationAttr<string name, string mnemonic, list<string> overridden = []>
    : ET_Attr<name # "Activation", mnemonic,
        [DeclareAttrInterfaceMethods<ET_ActivationAttrInterface, overridden>]>;

/// A function f of one number: f(product) without gate, f(gate) * up with one.
class ET_UnaryActivationAttr<string name, string mnemonic> : ET_ActivationAttr<name, mnemonic> {
  let declarations = "::mlir::et::Number applyTo(::mlir::et::Number r) const;";
  let assemblyFormat = "";
  let extraClassDefinition = [{
    ::mlir::et::Number $cppClass::apply(::mlir::et::Number gate,
                                        const ::mlir::et::Number *up) const {
      ::mlir::et::Number activated = applyTo(gate);
      return up ? activated * *up : activated;
    }
  }];
}

/// A function of both products, which is not there without a gate.
class ET_GatedActivationAttr<string name, string mnemonic>
    : ET_ActivationAttr<name, mnemonic, ["allowsForm"]> {
  let extraClassDefinition = [{
    bool $cppClass::allowsForm(bool withGate) const { return withGate; }
  }];
}

def ET_NoneActivationAttr : ET_UnaryActivationAttr<"None", "none"> {
  let summary = "r";
}

def ET_ReluActivationAttr : ET_UnaryActivationAttr<"Relu", "relu"> {
  let summary = "max(r, 0)";
}

def ET_ReluSquaredActivationAttr : ET_UnaryActivationAttr<"ReluSquared", "relu_squared"> {
  let summary = "max(r, 0)^2";
}

def ET_GeluActivationAttr : ET_UnaryActivationAttr<"Gelu", "gelu"> {
  let summary = "r/2 (1 + erf(r / sqrt(2)))";
}

def ET_GeluTanhActivationAttr : ET_UnaryActivationAttr<"GeluTanh", "gelu_tanh"> {
  let summary = "r/2 (1 + tanh(sqrt(2 / pi) (r + 0.044715 r^3)))";
}

def ET_SiluActivationAttr : ET_UnaryActivationAttr<"Silu", "silu"> {
  let summary = "r / (1 + exp(-r))";
}

def ET_ClampedSwigluActivationAttr : ET_GatedActivationAttr<"ClampedSwiglu", "clamped_swiglu"> {
  let summary = "min(silu(gate), limit) * clamp(up, -limit, limit)";
  let description = [{
    SwiGLU whose factors are bounded, as Step models have it.

    ```mlir
    #et.clamped_swiglu<limit = 7.000000e+00>
    ```
  }];
  let parameters = (ins ET_Real:$limit);
  let assemblyFormat = "`<` struct(custom<Real>($limit)) `>`";
  let genVerifyDecl = 1;
}

def ET_SwigluOssActivationAttr : ET_GatedActivationAttr<"SwigluOss", "swiglu_oss"> {
  let summary = "(u + 1) g / (1 + exp(-alpha g)), u = clamp(up, -limit, limit), g = min(gate, limit)";
  let description = [{
    The activation of gpt-oss, with alpha = 1.702 and limit = 7.

    ```mlir
    #et.swiglu_oss<alpha = 1.702000e+00, limit = 7.000000e+00>
    ```
  }];
  let parameters = (ins ET_Real:$alpha, ET_Real:$limit);
  let assemblyFormat = "`<` struct(custom<Real>($alpha), custom<Real>($limit)) `>`";
  let genVerifyDecl = 1;
}

#endif // ET_DIALECT_ET_IR_ETACTIVATIONS
