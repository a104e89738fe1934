// RUN: et-opt %s --split-input-file --verify-diagnostics --et-flatten-modules

module {
  // expected-note@+1 {{the other; rename one}}
  func.func @f() { return }
  module {
    // expected-error@+1 {{'f' would be the name of two}}
    func.func @f() { return }
  }
}

// -----

module {
  // expected-error@+1 {{a nested module with attributes of its own, which its functions would lose; move them to the outermost module}}
  module attributes {llvm.target_triple = "x86_64"} {
    func.func @f() { return }
  }
}

// -----

module {
  // expected-error@+1 {{a nested module that is referred to by its name; move its functions to the outermost module}}
  module @inner {
    func.func @f() { return }
  }
  func.func @g() attributes {uses = @inner::@f} { return }
}
