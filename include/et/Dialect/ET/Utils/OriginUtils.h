//===- OriginUtils.h - Which op an op came from -----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels are named after the ops that a program has. Locations carry these
// names through all that ops become.
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_ORIGINUTILS_H
#define ET_DIALECT_ET_UTILS_ORIGINUTILS_H

#include "et/Dialect/ET/IR/NotedAttrs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Location.h"

namespace mlir::et {

/// The name that is noted in a location itself; null if there is none.
inline StringAttr getNotedOrigin(Location location) {
  auto fused = dyn_cast<FusedLoc>(location);
  auto note = fused ? dyn_cast_or_null<DictionaryAttr>(fused.getMetadata())
                    : DictionaryAttr();
  return note ? note.getAs<StringAttr>(kOriginAttr) : StringAttr();
}

/// `location` as that of an op called `name`, which its kernels are named
/// after. Nested, the innermost name is that of the op that came first.
inline Location noteOrigin(StringRef name, Location location) {
  StringAttr noted = getNotedOrigin(location);
  if (noted && noted.getValue() == name)
    return location;
  Builder b(location.getContext());
  return FusedLoc::get(
      location.getContext(), location,
      b.getDictionaryAttr(b.getNamedAttr(kOriginAttr, b.getStringAttr(name))));
}

/// The location of a step, where there are notes, as that of the op `name`
/// which takes the place of all steps.
inline Location renameOrigin(StringRef name, Location location) {
  if (!getNotedOrigin(location))
    return location;
  return noteOrigin(name, cast<FusedLoc>(location).getLocations().front());
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_ORIGINUTILS_H
