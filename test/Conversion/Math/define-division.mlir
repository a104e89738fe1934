// RUN: et-opt %s --et-define-division | FileCheck %s

// CHECK-LABEL: func.func @signed
// CHECK-SAME:    %[[A:.*]]: vector<4xi8>, %[[B:.*]]: vector<4xi8>
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0> : vector<4xi8>
// CHECK:         %[[IS_ZERO:.*]] = arith.cmpi eq, %[[B]], %[[ZERO]] :
// CHECK:         %[[MINUS:.*]] = arith.constant dense<-1> : vector<4xi8>
// CHECK:         %[[IS_MINUS:.*]] = arith.cmpi eq, %[[B]], %[[MINUS]] :
// CHECK:         %[[LEAST:.*]] = arith.constant dense<-128> : vector<4xi8>
// CHECK:         %[[IS_LEAST:.*]] = arith.cmpi eq, %[[A]], %[[LEAST]] :
// CHECK:         %[[OVERFLOWS:.*]] = arith.andi %[[IS_MINUS]], %[[IS_LEAST]] :
// CHECK:         %[[UNDEFINED:.*]] = arith.ori %[[IS_ZERO]], %[[OVERFLOWS]] :
// CHECK:         %[[ONE:.*]] = arith.constant dense<1> : vector<4xi8>
// CHECK:         %[[DIVISOR:.*]] = arith.select %[[UNDEFINED]], %[[ONE]], %[[B]] :
// CHECK:         %[[R:.*]] = arith.remsi %[[A]], %[[DIVISOR]] :
// CHECK:         %[[RESULT:.*]] = arith.select %[[IS_ZERO]], %[[A]], %[[R]] :
// CHECK:         return %[[RESULT]]
func.func @signed(%a: vector<4xi8>, %b: vector<4xi8>) -> vector<4xi8> {
  %0 = arith.remsi %a, %b : vector<4xi8>
  return %0 : vector<4xi8>
}

// CHECK-LABEL: func.func @index
// CHECK:         arith.constant -9223372036854775808 : index
// CHECK:         arith.select
// CHECK:         arith.floordivsi
// CHECK:         arith.select
func.func @index(%a: index, %b: index) -> index {
  %0 = arith.floordivsi %a, %b : index
  return %0 : index
}

// By these constants there is always a quotient.
// CHECK-LABEL: func.func @constants
// CHECK-NOT:     arith.select
func.func @constants(%a: i32, %b: vector<2xi32>) -> (i32, i32, vector<2xi32>) {
  %c3 = arith.constant 3 : i32
  %max = arith.constant -1 : i32
  %v = arith.constant dense<-4> : vector<2xi32>
  %0 = arith.divsi %a, %c3 : i32
  %1 = arith.divui %a, %max : i32
  %2 = arith.ceildivsi %b, %v : vector<2xi32>
  return %0, %1, %2 : i32, i32, vector<2xi32>
}

// And not by these.
// CHECK-LABEL: func.func @undefined
// CHECK-COUNT-4: arith.select
func.func @undefined(%a: i32, %b: vector<2xi32>) -> (i32, vector<2xi32>) {
  %minus = arith.constant -1 : i32
  %v = arith.constant dense<[2, 0]> : vector<2xi32>
  %0 = arith.divsi %a, %minus : i32
  %1 = arith.divui %b, %v : vector<2xi32>
  return %0, %1 : i32, vector<2xi32>
}

// Read again from text, the op has the same body; one with other ops stays.
// CHECK-LABEL: func.func @named
// CHECK:         linalg.generic
// CHECK:         arith.divsi
// CHECK-NEXT:    %{{.*}} = arith.constant -1
// CHECK-NEXT:    arith.select
// CHECK:         linalg.add
// CHECK:         linalg.generic
// CHECK:         arith.divui
// CHECK:         arith.select
func.func @named(%x: tensor<4xi32>, %y: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) {
  %e = tensor.empty() : tensor<4xi32>
  %0 = linalg.div ins(%x, %y : tensor<4xi32>, tensor<4xi32>) outs(%e : tensor<4xi32>) -> tensor<4xi32>
  %1 = linalg.add ins(%x, %y : tensor<4xi32>, tensor<4xi32>) outs(%e : tensor<4xi32>) -> tensor<4xi32>
  %2 = linalg.map { arith.divui } ins(%x, %y : tensor<4xi32>, tensor<4xi32>) outs(%e : tensor<4xi32>)
  return %0, %1, %2 : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
}
