/* Binaries for GPUs: device LAYER.mlir. */
#include "common.h"

static Said said;

static Bytes emit(MlirModule module, const char *target, EtOutput output) {
  said.answers = 1000000;
  EtCallbacks callbacks = {onError, shouldStop, &said};
  EtCompileOptions options = etCompileOptionsCreate(ref(target), &callbacks);
  Bytes bytes = {0};
  MlirLogicalResult result =
      etCompile(module, options, output, keep, &bytes, &callbacks);
  if (mlirLogicalResultIsFailure(result))
    fprintf(stderr, "%s\n%s\n", said.diagnostics, said.error);
  CHECK(mlirLogicalResultIsSuccess(result) && !said.errors && bytes.size > 64);
  etCompileOptionsDestroy(options);
  return bytes;
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  MlirContext context = etContextCreate();
  mlirContextAttachDiagnosticHandler(context, onDiagnostic, &said, NULL);
  MlirModule layer = etModelRead(context, ref(argv[1]), NULL);
  CHECK(!mlirModuleIsNull(layer));
  /* A cubin is an object of its own machine. */
  Bytes cubin = emit(layer, "cuda:sm_80", EtOutputCubin);
  CHECK(!memcmp(cubin.data,
                "\x7f"
                "ELF",
                4));
  CHECK((unsigned char)cubin.data[18] == 190 && !cubin.data[19]);
  free(cubin.data);
  /* A fat binary begins with its magic number, and has all of it. */
  Bytes fatbin = emit(layer, "cuda:sm_80,sm_90a", EtOutputFatbin);
  CHECK(!memcmp(fatbin.data, "\x50\xed\x55\xba", 4));
  free(fatbin.data);
  mlirModuleDestroy(layer);
  mlirContextDestroy(context);
  return 0;
}
