//===- ETOpBase.td - What all ops share -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETOPBASE
#define ET_DIALECT_ET_IR_ETOPBASE

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "et/Dialect/ET/IR/ETActivations.td"
include "et/Dialect/ET/IR/ETWeights.td"

/// A tensor or memref of the given element types and rank.
class ET_Shaped<list<Type> types, int rank, string what>
    : AnyTypeOf<[TensorRankOf<types, [rank]>, MemRefRankOf<types, [rank]>],
        rank # "-D tensor or memref of " # what>;

defvar ET_StorageTypes = [F32, F16, BF16];
def ET_Storage1D : ET_Shaped<ET_StorageTypes, 1, "f32, f16 or bf16">;
def ET_Storage2D : ET_Shaped<ET_StorageTypes, 2, "f32, f16 or bf16">;
def ET_Storage3D : ET_Shaped<ET_StorageTypes, 3, "f32, f16 or bf16">;
def ET_Storage4D : ET_Shaped<ET_StorageTypes, 4, "f32, f16 or bf16">;
defvar ET_WeightTypes = !listconcat(ET_StorageTypes, [F8E4M3FN]);
/// Those of all formats.
defvar ET_StoredTypes = [F8E4M3FN, I8];
defvar ET_ProductTypes = !listconcat(ET_StorageTypes, ET_StoredTypes);
def ET_Weights3D : ET_Shaped<ET_WeightTypes, 3, "f32, f16, bf16 or f8E4M3FN">;
def ET_StoredWeights3D : ET_Shaped<ET_StoredTypes, 3, "f8E4M3FN or i8">;
def ET_ProductWeights3D : ET_Shaped<ET_ProductTypes, 3, "f32, f16, bf16, f8E4M3FN or i8">;
def ET_ProductWeights4D : ET_Shaped<ET_ProductTypes, 4, "f32, f16, bf16, f8E4M3FN or i8">;
/// Weights in rows, or packed.
def ET_ProductWeights : AnyTypeOf<[ET_ProductWeights3D, ET_ProductWeights4D],
    "3-D or (packed) 4-D tensor or memref of f32, f16, bf16, f8E4M3FN or i8">;
def ET_F32x1D : ET_Shaped<[F32], 1, "f32">;
def ET_F32x2D : ET_Shaped<[F32], 2, "f32">;
def ET_F32x3D : ET_Shaped<[F32], 3, "f32">;
def ET_I32x1D : ET_Shaped<[I32], 1, "i32">;
def ET_I32x2D : ET_Shaped<[I32], 2, "i32">;
def ET_I64x1D : ET_Shaped<[I64], 1, "i64">;

/// An op in destination style whose last `numOuts` operands are its destinations.
/// Tensor destinations are returned, in order; memref destinations are written.
/// `readOuts` has bit i set when what destination i held before matters.
class ET_DpsOp<string mnemonic, int numOuts, int readOuts = 0, list<Trait> traits = []>
    : ET_Op<mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<ET_NamedShapesOpInterface>,
        DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  /// What a subclass declares besides.
  code declarations = "";
  let extraClassDeclaration = [{
    static constexpr int64_t kNumDestinations = }] # numOuts # [{;
    static bool readsDestination(unsigned index) { return (}] # readOuts # [{ >> index) & 1; }
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(
          getOperation(), getOperation()->getNumOperands() - }] # numOuts # ", " # numOuts # [{);
    }
  }] # declarations;
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<
            ::mlir::MemoryEffects::Effect>> &effects) {
      getDpsEffects(*this, effects);
    }
    void $cppClass::getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      nameDpsResults(*this, setName);
    }
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return reifyDpsShapes(*this, builder, shapes);
    }
  }];
}

#endif // ET_DIALECT_ET_IR_ETOPBASE
