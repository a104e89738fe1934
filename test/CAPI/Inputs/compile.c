/* Code and bytes: compile SCALE.mlir LAYER.mlir FOLDER. Statistics too. */
#include "common.h"

#include <sys/stat.h>

static MlirContext context;
static Said said;
static const EtCallbacks callbacks = {onError, shouldStop, &said};

static EtCompileOptions optionsFor(const char *target) {
  EtCompileOptions options = etCompileOptionsCreate(ref(target), &callbacks);
  CHECK(!etCompileOptionsIsNull(options) && !said.errors);
  return options;
}

static MlirModule read(const char *file) {
  MlirModule module = etModelRead(context, ref(file), &callbacks);
  CHECK(!mlirModuleIsNull(module));
  return module;
}

static void checkOptions(void) {
  static const char *const bad[][2] = {
      {"tpu", "unknown target 'tpu'"},
      {"cpu:znver0", "unknown processor 'znver0'"},
      {"cpu:", "unknown processor ''"},
      {"cuda:sm_1", "sm_1"},
      {"cuda:", "''"},
      {"reference:native", "unknown target 'reference:native'"},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
    CHECK(etCompileOptionsIsNull(
        etCompileOptionsCreate(ref(bad[i][0]), &callbacks)));
    CHECK(failedWith(&said, bad[i][1]));
  }
  EtCompileOptions cuda = optionsFor("cuda:sm_80,sm_90a");
  CHECK(mlirLogicalResultIsFailure(
      etCompileOptionsSetPackWeights(cuda, true, &callbacks)));
  CHECK(failedWith(&said, "the target cpu alone"));
  CHECK(mlirLogicalResultIsFailure(
      etCompileOptionsSetF32Products(cuda, ref("2xtf32"), &callbacks)));
  CHECK(failedWith(&said, "fma or 3xtf32, not '2xtf32'"));
  CHECK(mlirLogicalResultIsSuccess(
      etCompileOptionsSetF32Products(cuda, ref("3xtf32"), &callbacks)));
  etCompileOptionsDestroy(cuda);
  EtCompileOptions cpu = optionsFor("cpu:x86-64-v3");
  CHECK(mlirLogicalResultIsFailure(
      etCompileOptionsSetF32Products(cpu, ref("fma"), &callbacks)));
  CHECK(failedWith(&said, "the target cuda alone"));
  etCompileOptionsDestroy(cpu);
}

/* y = x * w * by, of whichever code. */
static void checkScale(EtCode code) {
  const et_function *scale = etCodeLookup(code, ref("scale"));
  CHECK(scale && !strcmp(scale->args[1].weight, "layer.w"));
  float x[2][4] = {{1, 2, 3, 4}, {-1, 0, 1, 8}}, w[4] = {2, 3, 4, 5}, by = 2;
  int64_t sizes[] = {2, 4};
  et_tensor args[] = {et_tensor_borrow(x, ET_F32, 2, sizes),
                      et_tensor_borrow(w, ET_F32, 1, &sizes[1]),
                      et_tensor_borrow(&by, ET_F32, 0, NULL)};
  et_tensor results[2];
  et_status status;
  CHECK(et_call(scale, args, 3, results, 2, &status) == ET_OK);
  const float *y = results[0].data;
  for (int i = 0; i < 8; ++i)
    CHECK(y[i] == (&x[0][0])[i] * w[i % 4] * by);
  CHECK(*(const int64_t *)results[1].data == 2);
  et_tensor_release(&results[0]);
  et_tensor_release(&results[1]);
  sizes[0] = 7;
  float seven[7][4] = {{0}};
  args[0] = et_tensor_borrow(seven, ET_F32, 2, sizes);
  CHECK(et_call(scale, args, 3, results, 2, &status) == ET_CHECK_FAILED);
  CHECK(strstr(status.message, "seven rows are one too many"));
}

static void checkCode(MlirModule module, const char *target) {
  EtCompileOptions options = optionsFor(target);
  etCompileOptionsSetCache(options, ref(""));
  EtCode code = etCodeCompile(module, options, &callbacks);
  CHECK(!etCodeIsNull(code) && !said.errors);
  CHECK(etCodeGetNumFunctions(code) == 3);
  for (intptr_t i = 0; i < 3; ++i) {
    const et_function *function = etCodeGetFunction(code, i);
    CHECK(etCodeLookup(code, ref(function->name)) == function);
  }
  CHECK(!etCodeLookup(code, ref("no")));
  checkScale(code);
  etCodeDestroy(code);
  etCompileOptionsDestroy(options);
}

/* Whatever is made ends where the caller says so, and not before. */
static void checkInterrupt(MlirModule module) {
  EtCompileOptions options = optionsFor("cpu");
  etCompileOptionsSetCache(options, ref(""));
  said.asked = 0;
  said.answers = 3;
  CHECK(etCodeIsNull(etCodeCompile(module, options, &callbacks)));
  CHECK(failedWith(&said, "the work was interrupted") && said.asked == 4);
  said.asked = 0;
  Bytes none = {0};
  CHECK(mlirLogicalResultIsFailure(
      etCompile(module, options, EtOutputLibrary, keep, &none, &callbacks)));
  CHECK(failedWith(&said, "the work was interrupted") && !none.size);
  said.answers = 1000000;
  etCompileOptionsDestroy(options);
}

static Bytes emit(MlirModule module, EtCompileOptions options,
                  EtOutput output) {
  Bytes bytes = {0};
  CHECK(mlirLogicalResultIsSuccess(
      etCompile(module, options, output, keep, &bytes, &callbacks)));
  CHECK(bytes.size && !said.errors);
  return bytes;
}

static void checkBytes(MlirModule module, const char *folder) {
  EtCompileOptions options = optionsFor("cpu");
  Bytes llvm = emit(module, options, EtOutputLLVM);
  CHECK(strstr(llvm.data, "@et_function_scale = "));
  free(llvm.data);
  Bytes object = emit(module, options, EtOutputObject);
  CHECK(!memcmp(object.data,
                "\x7f"
                "ELF",
                4));
  free(object.data);
  Bytes header = emit(module, options, EtOutputHeader);
  CHECK(strstr(header.data, "static inline int et_scale("));
  free(header.data);

  /* A library, which is loaded without the compiler. */
  Bytes library = emit(module, options, EtOutputLibrary);
  char path[512];
  snprintf(path, sizeof(path), "%s/scale.so", folder);
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(library.data, 1, library.size, file) == library.size);
  CHECK(!fclose(file));
  free(library.data);
  EtCode code = etCodeLoad(ref(path), &callbacks);
  CHECK(!etCodeIsNull(code) && etCodeGetNumFunctions(code) == 3);
  CHECK(!strcmp(etCodeGetFunction(code, 0)->name, "layer.0"));
  checkScale(code);
  etCodeDestroy(code);

  Bytes none = {0};
  CHECK(mlirLogicalResultIsFailure(
      etCompile(module, options, EtOutputPTX, keep, &none, &callbacks)));
  CHECK(failedWith(&said, "for the target cuda"));
  CHECK(mlirLogicalResultIsFailure(
      etCompile(module, options, (EtOutput)99, keep, &none, &callbacks)));
  CHECK(failedWith(&said, "no such output: 99") && !none.size);
  etCompileOptionsDestroy(options);

  CHECK(etCodeIsNull(etCodeLoad(ref("/no/such.so"), &callbacks)));
  CHECK(failedWith(&said, "'/no/such.so': No such file"));
  CHECK(etCodeIsNull(etCodeLoad(ref("/proc/self/exe"), &callbacks)));
  CHECK(failedWith(&said, "has no function of a compiled model"));
}

static void checkPTX(MlirModule layer) {
  EtCompileOptions options = optionsFor("cuda:sm_90a");
  Bytes ptx = emit(layer, options, EtOutputPTX);
  CHECK(strstr(ptx.data, ".target sm_90a") && strstr(ptx.data, ".entry"));
  CHECK(strlen(ptx.data) == ptx.size);
  free(ptx.data);
  etCompileOptionsDestroy(options);
  options = optionsFor("cuda:sm_80,sm_90a");
  Bytes none = {0};
  CHECK(mlirLogicalResultIsFailure(
      etCompile(layer, options, EtOutputPTX, keep, &none, &callbacks)));
  CHECK(failedWith(&said, "code for several chips is a fatbin"));
  etCompileOptionsDestroy(options);
}

/* The second time, the code is taken from the folder. */
static void checkCache(MlirModule module, const char *folder) {
  char path[512];
  snprintf(path, sizeof(path), "%s/cache", folder);
  CHECK(mlirLogicalResultIsSuccess(
      etContextEnableRemarks(context, ref("cache"), &callbacks)));
  EtCompileOptions options = optionsFor("reference");
  etCompileOptionsSetCache(options, ref(path));
  free(emit(module, options, EtOutputObject).data);
  CHECK(wasTold(&said, "the model is compiled"));
  free(emit(module, options, EtOutputObject).data);
  CHECK(wasTold(&said, "taken from the cache"));
  etCompileOptionsDestroy(options);
}

enum { kTokens = 6, kWidth = 8, kExperts = 4, kHidden = 16 };
static float x[kTokens][kWidth], router[kWidth][kExperts],
    w1[kExperts][kWidth][kHidden], w2[kExperts][kHidden][kWidth],
    theta[kExperts] = {7.5f, 4.0f, 3.0f, 99.0f};

/* Small whole numbers, so that sums are exact in any order. */
static void fill(float *values, size_t count, unsigned seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(int)(seed >> 24 & 3) - 1;
  }
}

/* Tokens of each expert, and tokens by number of experts. */
static void countPairs(int64_t loads[kExperts], int64_t fans[kExperts + 1]) {
  memset(loads, 0, kExperts * sizeof(*loads));
  memset(fans, 0, (kExperts + 1) * sizeof(*fans));
  for (int t = 0; t < kTokens; ++t) {
    int chosen = 0;
    for (int e = 0; e < kExperts; ++e) {
      float score = 0;
      for (int d = 0; d < kWidth; ++d)
        score += x[t][d] * router[d][e];
      loads[e] += score > theta[e];
      chosen += score > theta[e];
    }
    ++fans[chosen];
  }
}

/* Calls `layer` with weights in the order of its arguments. */
static void callLayer(const et_function *layer, et_tensor *w1Tensor,
                      et_tensor *w2Tensor, et_tensor *results, size_t count) {
  int64_t xSizes[] = {kTokens, kWidth}, routerSizes[] = {kWidth, kExperts},
          experts = kExperts;
  et_tensor args[] = {et_tensor_borrow(x, ET_F32, 2, xSizes),
                      et_tensor_borrow(router, ET_F32, 2, routerSizes),
                      *w1Tensor, *w2Tensor,
                      et_tensor_borrow(theta, ET_F32, 1, &experts)};
  et_status status;
  int code = et_call(layer, args, 5, results, count, &status);
  if (code != ET_OK)
    fprintf(stderr, "%s\n", status.message);
  CHECK(code == ET_OK);
}

static void checkStatistics(MlirModule layer) {
  EtCompileOptions options = optionsFor("cpu");
  CHECK(mlirLogicalResultIsFailure(
      etModelAppendStatistics(layer, ref("no"), options, &callbacks)));
  said.errors = 0;
  CHECK(mlirLogicalResultIsSuccess(
      etModelAppendStatistics(layer, ref("layer"), options, &callbacks)));
  EtCode code = etCodeCompile(layer, options, &callbacks);
  CHECK(!etCodeIsNull(code));
  int64_t w1Sizes[] = {kExperts, kWidth, kHidden},
          w2Sizes[] = {kExperts, kHidden, kWidth};
  et_tensor w1Tensor = et_tensor_borrow(w1, ET_F32, 3, w1Sizes),
            w2Tensor = et_tensor_borrow(w2, ET_F32, 3, w2Sizes), results[3];
  const et_function *function = etCodeLookup(code, ref("layer"));
  CHECK(function && function->num_results == 3);
  callLayer(function, &w1Tensor, &w2Tensor, results, 3);

  int64_t loads[kExperts], fans[kExperts + 1];
  countPairs(loads, fans);
  CHECK(et_tensor_elements(&results[1]) == kExperts);
  CHECK(et_tensor_elements(&results[2]) == kExperts + 1);
  double pairs = 0, variance = 0, idle = 0;
  for (int e = 0; e < kExperts; ++e) {
    CHECK(((const int32_t *)results[1].data)[e] == loads[e]);
    pairs += (double)loads[e];
    idle += loads[e] == 0;
  }
  for (int e = 0; e < kExperts; ++e) {
    double difference = (double)loads[e] - pairs / kExperts;
    variance += difference * difference / kExperts;
  }
  for (int n = 0; n <= kExperts; ++n)
    CHECK(((const int32_t *)results[2].data)[n] == fans[n]);
  CHECK(pairs > 0 && fans[0] > 0 && idle > 0);
  EtGateStatistics gate = etGateStatisticsGet(&results[1], &results[2]);
  CHECK(gate.pairs == pairs && gate.tokens == kTokens);
  CHECK(gate.meanLoad == pairs / kExperts && gate.loadVariance == variance);
  CHECK(gate.withoutExpert == (double)fans[0] / kTokens);
  CHECK(gate.withoutToken == idle / kExperts);
  for (int i = 0; i < 3; ++i)
    et_tensor_release(&results[i]);
  etCodeDestroy(code);
  etCompileOptionsDestroy(options);
}

/* With packed weights the layer gives the same bits: its sums are exact. */
static void checkPacking(MlirModule layer) {
  EtCompileOptions options = optionsFor("cpu");
  EtCode plain = etCodeCompile(layer, options, &callbacks);
  CHECK(mlirLogicalResultIsSuccess(
      etCompileOptionsSetPackWeights(options, true, &callbacks)));
  EtCode packing = etCodeCompile(layer, options, &callbacks);
  CHECK(!etCodeIsNull(plain) && !etCodeIsNull(packing));
  const et_function *function = etCodeLookup(packing, ref("layer"));
  CHECK(function && function->args[2].packed_by && function->args[3].packed_by);
  const et_function *pack =
      etCodeLookup(packing, ref(function->args[2].packed_by));
  CHECK(pack && pack->num_results == 2);
  int64_t w1Sizes[] = {kExperts, kWidth, kHidden},
          w2Sizes[] = {kExperts, kHidden, kWidth};
  et_tensor weights[] = {et_tensor_borrow(w1, ET_F32, 3, w1Sizes),
                         et_tensor_borrow(w2, ET_F32, 3, w2Sizes)},
            packed[2], y, packedY;
  CHECK(et_call(pack, weights, 2, packed, 2, NULL) == ET_OK);
  callLayer(etCodeLookup(plain, ref("layer")), &weights[0], &weights[1], &y, 1);
  callLayer(function, &packed[0], &packed[1], &packedY, 1);
  double largest = 0;
  for (int i = 0; i < kTokens * kWidth; ++i) {
    float one = ((const float *)y.data)[i];
    float other = ((const float *)packedY.data)[i];
    float bound = 1e-5f * (one < 0 ? -one : one) + 1e-5f;
    CHECK(one - other <= bound && other - one <= bound);
    largest = one > largest ? one : largest;
  }
  CHECK(largest > 1);
  et_tensor_release(&y);
  et_tensor_release(&packedY);
  et_tensor_release(&packed[0]);
  et_tensor_release(&packed[1]);
  etCodeDestroy(plain);
  etCodeDestroy(packing);
  etCompileOptionsDestroy(options);
}

int main(int argc, char **argv) {
  CHECK(argc == 4);
  said.answers = 1000000;
  context = etContextCreate();
  mlirContextAttachDiagnosticHandler(context, onDiagnostic, &said, NULL);
  fill(&x[0][0], sizeof(x) / sizeof(float), 1);
  fill(&router[0][0], sizeof(router) / sizeof(float), 2);
  fill(&w1[0][0][0], sizeof(w1) / sizeof(float), 3);
  fill(&w2[0][0][0], sizeof(w2) / sizeof(float), 4);

  MlirModule scale = read(argv[1]), layer = read(argv[2]);
  Bytes before = {0}, after = {0};
  mlirOperationPrint(mlirModuleGetOperation(scale), keep, &before);
  checkOptions();
  checkCode(scale, "reference");
  checkCode(scale, "cpu");
  checkInterrupt(scale);
  checkBytes(scale, argv[3]);
  checkPTX(layer);
  checkCache(scale, argv[3]);
  /* No compilation changed the model. */
  mlirOperationPrint(mlirModuleGetOperation(scale), keep, &after);
  CHECK(!strcmp(before.data, after.data));
  free(before.data);
  free(after.data);
  checkPacking(layer);
  checkStatistics(layer);
  mlirModuleDestroy(scale);
  mlirModuleDestroy(layer);
  mlirContextDestroy(context);
  return 0;
}
