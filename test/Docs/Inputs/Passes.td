def Right : Pass<"canonicalize"> {
  let description = [{
    ```mlir
    func.func @f(%x: i32) -> i32 {
      %zero = arith.constant 0 : i32
      %sum = arith.addi %x, %zero : i32
      return %sum : i32
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: i32) -> i32 {
      return %x : i32
    }
    ```
    and, with an option,
    <!-- test: et-opt --canonicalize=max-iterations=0 -->
    ```mlir
    func.func @f(%x: i32) -> i32 {
      return %x : i32
    }
    ```
    stays
    ```mlir
    func.func @f(%x: i32) -> i32 {
      return %x : i32
    }
    ```
  }];
}

def Wrong : Pass<"cse", "func::FuncOp"> {
  let description = [{
    ```mlir
    func.func private @f()
    ```
    becomes
    ```mlir
    func.func private @g()
    ```
  }];
}

def Without : Pass<"symbol-dce"> {
  let description = [{
    ```mlir
    func.func private @f()
    ```
    is half an example.
  }];
}
