// RUN: et-opt %s --et-legalize-math --split-input-file --verify-diagnostics

func.func @narrow(%x: f8E4M3FN) -> f8E4M3FN {
  // expected-error @+1 {{'math.exp' op is not computed in 'f8E4M3FN'; convert its operands to f32}}
  %0 = math.exp %x : f8E4M3FN
  return %0 : f8E4M3FN
}

// -----

func.func @wide(%x: vector<2xf128>) -> vector<2xf128> {
  // expected-error @+1 {{'math.sqrt' op is not computed in 'f128'; convert its operands to f32}}
  %0 = math.sqrt %x : vector<2xf128>
  return %0 : vector<2xf128>
}

// -----

func.func @rounded(%x: f32) -> f8E4M3FN {
  // expected-error @+1 {{'arith.truncf' op does not round to 'f8E4M3FN', which only weights have; leave the result in f32, f16 or bf16}}
  %0 = arith.truncf %x : f32 to f8E4M3FN
  return %0 : f8E4M3FN
}

// -----

func.func @sum(%x: vector<2xf8E4M3FN>) -> vector<2xf8E4M3FN> {
  // expected-error @+1 {{'arith.addf' op is not computed in 'f8E4M3FN'; convert its operands to f32}}
  %0 = arith.addf %x, %x : vector<2xf8E4M3FN>
  return %0 : vector<2xf8E4M3FN>
}
