//===- ProductCandidates.h - Kernels a product may run on -------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel for grouped products is a candidate: it says of an op and a chip
// whether it fits, and at which rate it multiplies there. Each chip of the
// target gets the one that costs least. Chips whose choices differ get a kernel
// each, and the host launches that for its device's number.
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_PRODUCTCANDIDATES_H
#define ET_LIB_CONVERSION_ETTOGPU_PRODUCTCANDIDATES_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// The devices that a kernel is launched on.
struct KernelDevices {
  /// Of the chips that it is compiled for or, if it is for all `others`, of
  /// those that it is not for. Without any, it is for all devices.
  SmallVector<unsigned, 2> numbers;
  bool others = false;
  /// On the host: the multiprocessors of the device if it is one of them, else
  /// 0; null where it is for others or for all.
  Value processors = Value();
  /// On the host: whether it is launched; null if always.
  Value condition = Value();

  /// Emits the kernel's body where it is compiled for one of these.
  void emitBody(KernelBuilder &b, function_ref<void()> body) const;
};

class ProductCandidate {
public:
  virtual ~ProductCandidate() = default;

  virtual StringRef getName() const = 0;
  /// Why products like this one do not run so on the chip; empty if they do.
  virtual std::string whyNot(GroupedMatmulOp op, StringRef chip) const = 0;
  /// Multiply-adds of such a product, which count as two, a second, on a chip
  /// that it fits.
  virtual double getFlops(GroupedMatmulOp op, StringRef chip) const = 0;
  /// Whether its code is for one chip alone, and so is always asked for by the
  /// device's number.
  virtual bool isOfOneChip() const { return false; }
  /// Whether two products that it takes can be one launch.
  virtual bool canJoin(GroupedMatmulOp one, GroupedMatmulOp other,
                       KernelBuilder &b) const = 0;
  /// One launch of products that can join.
  virtual void launch(ArrayRef<GroupedMatmulOp> ops, KernelBuilder &b,
                      const KernelDevices &devices) const = 0;
};

/// By wgmma, of sm_90a alone.
std::unique_ptr<ProductCandidate> makeWarpgroupCandidate();
/// By mma.sync, which can split f32 into parts.
std::unique_ptr<ProductCandidate> makeMatrixCandidate(bool splitsF32);
/// By multiply-adds of f32.
std::unique_ptr<ProductCandidate> makeThreadCandidate(bool splitsF32);

/// The candidates, and what a target's chips get of them.
class ProductCandidates {
public:
  ProductCandidates(GPUTargetAttr target, bool splitsF32);

  /// The chips that run a product, or two, by the same candidates. Of two, each
  /// has its own.
  struct Choice {
    SmallVector<const ProductCandidate *, 2> candidates;
    SmallVector<unsigned, 2> numbers;
  };
  /// Each number of a chip is in one choice; the first has the least.
  SmallVector<Choice> choose(ArrayRef<GroupedMatmulOp> ops) const;

  /// Launches products whose choices are these, before `b`.
  void launch(ArrayRef<GroupedMatmulOp> ops, ArrayRef<Choice> choices,
              KernelBuilder &b) const;

  /// Says which candidate each chip gets, and why not another.
  void remark(GroupedMatmulOp op) const;

private:
  const ProductCandidate *chooseFor(GroupedMatmulOp op, unsigned number) const;
  /// One of the chips of the number.
  StringRef getChip(unsigned number) const;
  /// Why chips of the number do not run the product so; empty if they do.
  std::string whyNot(const ProductCandidate &candidate, GroupedMatmulOp op,
                     unsigned number) const;
  /// The devices whose code is that of chips with one of the numbers.
  ChipNumbers devicesOf(ArrayRef<unsigned> numbers) const;

  SmallVector<StringAttr> chips;
  /// Ascending.
  SmallVector<unsigned> numbers;
  /// Those with kernels for fewer chips first: of two that cost the same, the
  /// first is taken.
  SmallVector<std::unique_ptr<ProductCandidate>> candidates;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_PRODUCTCANDIDATES_H
