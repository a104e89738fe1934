# ===- et_bounds_bodies.py - places in bodies and memrefs -----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Functions that read and write in bodies, and memrefs, for test_bounds.py."""

import numpy as np

from et_bounds_cases import f32, floats, ids, number

BODIES = [
    # Places that are data: all threads run on, and read nothing.
    (
        "embedding",
        """(%ids: tensor<?xi32>, %table: tensor<?x4xf32>) -> tensor<?x4xf32> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %ids, %c0 : tensor<?xi32>
          %e = tensor.empty(%n) : tensor<?x4xf32>
          %r = linalg.generic {
              indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
              iterator_types = ["parallel", "parallel"]}
              ins(%ids : tensor<?xi32>) outs(%e : tensor<?x4xf32>) {
          ^bb0(%id: i32, %o: f32):
            %at = arith.index_cast %id : i32 to index
            %j = linalg.index 1 : index
            %v = tensor.extract %table[%at, %j] : tensor<?x4xf32>
            linalg.yield %v : f32
          } -> tensor<?x4xf32>
          return %r : tensor<?x4xf32>
        }""",
        [
            ((ids(2, 0, 2), floats(3, 4)), floats(3, 4)[[2, 0, 2]]),
            ((ids(), floats(0, 4)), floats(0, 4)),
            ((ids(2, 3, 0), floats(3, 4)), "tensor.extract: index 0 is beyond"),
            ((ids(2, 1, -1), floats(3, 4)), "tensor.extract: index 0 is beyond"),
            ((ids(0), floats(0, 4)), "tensor.extract: index 0 is beyond"),
        ],
    ),
    # A condition of the body's own is respected.
    (
        "guarded",
        """(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %zero = arith.constant 0.0 : f32
          %m = tensor.dim %x, %c0 : tensor<?xf32>
          %r = tensor.generate %n {
          ^bb0(%i: index):
            %in = arith.cmpi slt, %i, %m : index
            %e = scf.if %in -> f32 {
              %v = tensor.extract %x[%i] : tensor<?xf32>
              scf.yield %v : f32
            } else {
              scf.yield %zero : f32
            }
            tensor.yield %e : f32
          } : tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [((floats(2), number(4)), np.array([0.5, 1.5, 0, 0], f32))],
    ),
]  # fmt: skip

# Other places that are data, in bodies on a CPU.
HOST_BODIES = [
    (
        "rows",
        """(%ids: tensor<?xi32>, %x: tensor<?x4xf32>) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %ids, %c0 : tensor<?xi32>
          %e = tensor.empty(%n) : tensor<?xf32>
          %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                               iterator_types = ["parallel"]}
              ins(%ids : tensor<?xi32>) outs(%e : tensor<?xf32>) {
          ^bb0(%id: i32, %o: f32):
            %at = arith.index_cast %id : i32 to index
            %row = tensor.extract_slice %x[%at, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
            %v = tensor.extract %row[%c0] : tensor<4xf32>
            linalg.yield %v : f32
          } -> tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((ids(2, 0, 2), floats(3, 4)), floats(3, 4)[[2, 0, 2], 0]),
            ((ids(), floats(0, 4)), floats(0)),
            ((ids(2, 3, 0), floats(3, 4)), "tensor.extract_slice: the slice is not inside"),
            ((ids(2, -1, 0), floats(3, 4)), "tensor.extract_slice: the slice is not inside"),
            ((ids(0), floats(0, 4)), "tensor.extract_slice: the slice is not inside"),
        ],
    ),
    (
        "called",
        """(%ids: tensor<?xi32>, %x: tensor<?xf32>) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %ids, %c0 : tensor<?xi32>
          %e = tensor.empty(%n) : tensor<?xf32>
          %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                               iterator_types = ["parallel"]}
              ins(%ids : tensor<?xi32>) outs(%e : tensor<?xf32>) {
          ^bb0(%id: i32, %o: f32):
            %at = arith.index_cast %id : i32 to index
            %v = func.call @called_get(%x, %at) : (tensor<?xf32>, index) -> f32
            linalg.yield %v : f32
          } -> tensor<?xf32>
          return %r : tensor<?xf32>
        }
        func.func private @called_get(%x: tensor<?xf32>, %i: index) -> f32 {
          %v = tensor.extract %x[%i] : tensor<?xf32>
          return %v : f32
        }""",
        [
            ((ids(2, 0, 2), floats(3)), floats(3)[[2, 0, 2]]),
            ((ids(2, 3, 0), floats(3)), "tensor.extract: index 0 is beyond"),
        ],
    ),
    (
        "padding",
        """(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %r = tensor.pad %x low[1] high[2] {
          ^bb0(%i: index):
            %v = tensor.extract %y[%i] : tensor<?xf32>
            tensor.yield %v : f32
          } : tensor<?xf32> to tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(2), -floats(5)), np.array([-0.5, 0.5, 1.5, -3.5, -4.5], f32)),
            ((floats(2), -floats(4)), "tensor.extract: index 0 is beyond"),
        ],
    ),
]  # fmt: skip


# Functions on memrefs write to their arguments. On a GPU, the host does not touch elements.
MEMREFS = [
    (
        "load",
        """(%x: memref<?x4xf32>, %i: index) -> f32 {
          %c0 = arith.constant 0 : index
          %r = memref.load %x[%i, %c0] : memref<?x4xf32>
          return %r : f32
        }""",
        [
            ((floats(2, 4), number(1)), f32(4.5)),
            ((floats(2, 4), number(2)), "memref.load: index 0 is beyond"),
        ],
    ),
    (
        "stores",
        """(%x: memref<?xf32>) -> f32 {
          %c0 = arith.constant 0 : index
          %v = arith.constant 3.0 : f32
          affine.for %i = 0 to 3 {
            affine.store %v, %x[%i + 1] : memref<?xf32>
          }
          %r = memref.load %x[%c0] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(4),), f32(0.5)),
            ((floats(3),), "affine.store: index 0 is beyond"),
        ],
    ),
    (
        "parallel",
        """(%x: memref<?xf32>, %y: memref<?xf32>, %n: index) -> f32 {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          scf.parallel (%i) = (%c0) to (%n) step (%c1) {
            %v = memref.load %x[%i] : memref<?xf32>
            memref.store %v, %y[%i] : memref<?xf32>
          }
          %r = memref.load %y[%c1] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), -floats(2), number(2)), f32(1.5)),
            ((floats(2), -floats(3), number(3)), "memref.load: index 0 is beyond"),
            ((floats(3), -floats(2), number(3)), "memref.store: index 0 is beyond"),
        ],
    ),
    (
        "windows",
        """(%x: memref<?xf32>, %n: index) -> f32 {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %v = arith.constant 7.0 : f32
          scf.parallel (%i) = (%c0) to (%n) step (%c1) {
            %s = memref.subview %x[%i] [4] [1] : memref<?xf32> to memref<4xf32, strided<[1], offset: ?>>
            linalg.fill ins(%v : f32) outs(%s : memref<4xf32, strided<[1], offset: ?>>)
          }
          %r = memref.load %x[%c0] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(5), number(2)), f32(7)),
            ((floats(5), number(0)), f32(0.5)),
            ((floats(5), number(3)), "memref.subview: the slice is not inside the memref"),
        ],
    ),
    (
        "updates",
        """(%x: memref<?xf32>, %ids: memref<?xi32>) -> f32 {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %n = memref.dim %ids, %c0 : memref<?xi32>
          %one = arith.constant 1.0 : f32
          scf.parallel (%i) = (%c0) to (%n) step (%c1) {
            %id = memref.load %ids[%i] : memref<?xi32>
            %at = arith.index_cast %id : i32 to index
            %old = memref.atomic_rmw addf %one, %x[%at] : (f32, memref<?xf32>) -> f32
          }
          %r = memref.load %x[%c0] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), ids(0, 2, 0)), f32(2.5)),
            ((floats(3), ids(0, 3, 0)), "memref.atomic_rmw: index 0 is beyond the memref"),
        ],
    ),
    (
        "unsigned",
        """(%n: i32, %m: i32) -> i32 {
          %c0 = arith.constant 0 : i32
          %c1 = arith.constant 1 : i32
          %r = scf.for unsigned %i = %n to %m step %c1 iter_args(%a = %c0) -> i32 : i32 {
            %s = arith.addi %a, %c1 : i32
            scf.yield %s : i32
          }
          return %r : i32
        }""",
        [
            ((np.array(-10, np.int32), np.array(-5, np.int32)), np.int32(5)),
            ((np.array(2, np.int32), np.array(5, np.int32)), np.int32(3)),
        ],
    ),
    (
        "casted",
        """(%x: memref<?xf32>) -> f32 {
          %c3 = arith.constant 3 : index
          %y = memref.cast %x : memref<?xf32> to memref<4xf32>
          %r = memref.load %y[%c3] : memref<4xf32>
          return %r : f32
        }""",
        [
            ((floats(4),), f32(3.5)),
            ((floats(3),), "memref.cast: size mismatch of dim 0"),
        ],
    ),
    (
        "view",
        """(%x: memref<?xf32>, %n: index, %v: f32) -> f32 {
          %c1 = arith.constant 1 : index
          %y = memref.subview %x[1] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: 1>>
          linalg.fill ins(%v : f32) outs(%y : memref<?xf32, strided<[1], offset: 1>>)
          %r = memref.load %x[%c1] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), number(2), np.array(7, f32)), f32(7)),
            ((floats(3), number(3), np.array(7, f32)), "memref.subview: the slice is not inside"),
        ],
    ),
    (
        "sum",
        """(%x: memref<?xf32>, %y: memref<?xf32>) -> f32 {
          %c0 = arith.constant 0 : index
          linalg.add ins(%x, %x : memref<?xf32>, memref<?xf32>) outs(%y : memref<?xf32>)
          %r = memref.load %y[%c0] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), floats(3)), f32(1)),
            ((floats(3), floats(2)), "linalg.add: the size of operand 2 in dimension 0"),
        ],
    ),
    (
        "vector",
        """(%x: memref<?xf32>, %i: index) -> f32 {
          %zero = arith.constant 0.0 : f32
          %v = vector.transfer_read %x[%i], %zero {in_bounds = [true]} : memref<?xf32>, vector<4xf32>
          %r = vector.reduction <add>, %v : vector<4xf32> into f32
          return %r : f32
        }""",
        [
            ((floats(5), number(1)), f32(12)),
            ((floats(5), number(2)), "vector.transfer_read: the vector is not inside"),
        ],
    ),
    (
        "tail",
        """(%x: tensor<?xf32>, %i: index) -> f32 {
          %zero = arith.constant 0.0 : f32
          %v = vector.transfer_read %x[%i], %zero : tensor<?xf32>, vector<4xf32>
          %r = vector.reduction <add>, %v : vector<4xf32> into f32
          return %r : f32
        }""",
        [
            ((floats(5), number(3)), f32(8)),
            ((floats(5), number(9)), f32(0)),
            ((floats(5), number(-1)), "vector.transfer_read: index 0 is negative"),
        ],
    ),
]  # fmt: skip
