//===- LowerAsserts.cpp - cf.assert as an error of the call ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/IR/NotedAttrs.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace mlir::et {
#define GEN_PASS_DEF_LOWERASSERTS
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {

struct LowerAsserts : et::impl::LowerAssertsBase<LowerAsserts> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<cf::AssertOp> asserts;
    module.walk([&](cf::AssertOp op) {
      if (!op->getParentOfType<gpu::GPUModuleOp>() &&
          !op->getParentOfType<gpu::LaunchOp>())
        asserts.push_back(op);
    });
    if (asserts.empty())
      return;
    OpBuilder builder(module.getBodyRegion());
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    SymbolTable symbols(module);
    llvm::StringMap<LLVM::GlobalOp> texts;
    for (cf::AssertOp op : asserts) {
      StringRef name =
          op->hasAttr(kRunsOnAttr) ? "et_check_noted" : "et_check_failed";
      FailureOr<LLVM::LLVMFuncOp> failed = LLVM::lookupOrCreateFn(
          builder, module, name, ptr, LLVM::LLVMVoidType::get(&getContext()));
      if (mlir::failed(failed))
        return signalPassFailure();
      lower(op, *failed, getText(op, symbols, texts));
    }
  }

private:
  /// "FILE:LINE:COLUMN: " without folders, which are the compiling machine's,
  /// or nothing.
  static std::string describePlace(Location loc) {
    auto place = loc->findInstanceOf<FileLineColLoc>();
    if (!place)
      return "";
    StringRef file = llvm::sys::path::filename(place.getFilename());
    return llvm::formatv("{0}:{1}:{2}: ", file, place.getLine(),
                         place.getColumn());
  }

  LLVM::GlobalOp getText(cf::AssertOp op, SymbolTable &symbols,
                         llvm::StringMap<LLVM::GlobalOp> &texts) {
    std::string bytes = describePlace(op.getLoc()) + op.getMsg().str();
    bytes.push_back('\0');
    LLVM::GlobalOp &text = texts[bytes];
    if (text)
      return text;
    OpBuilder builder(getOperation().getBodyRegion());
    auto type =
        LLVM::LLVMArrayType::get(builder.getI8Type(), unsigned(bytes.size()));
    text = LLVM::GlobalOp::create(builder, op.getLoc(), type,
                                  /*isConstant=*/true, LLVM::Linkage::Internal,
                                  "et_check", builder.getStringAttr(bytes));
    symbols.insert(text);
    return text;
  }

  void lower(cf::AssertOp op, LLVM::LLVMFuncOp failed, LLVM::GlobalOp text) {
    Location loc = op.getLoc();
    OpBuilder builder(op);
    Value one = arith::ConstantIntOp::create(builder, loc, 1, 1);
    Value isBroken = arith::XOrIOp::create(builder, loc, op.getArg(), one);
    auto branch = scf::IfOp::create(builder, loc, isBroken,
                                    /*withElseRegion=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
    Value address = LLVM::AddressOfOp::create(builder, loc, text);
    LLVM::CallOp::create(builder, loc, failed, ValueRange(address));
    op.erase();
  }
};

} // namespace
