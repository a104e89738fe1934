/* Contexts, models and passes: model FOREIGN-DIALECT LAYER.mlir SCALE.mlir. */
#include "common.h"

static const char *const two = "module @two {\n"
                               "  module {\n"
                               "    func.func @inner() { return }\n"
                               "  }\n"
                               "  func.func @outer() { return }\n"
                               "}\n";

static bool hasText(MlirModule module, const char *text) {
  Bytes printed = {0};
  mlirOperationPrint(mlirModuleGetOperation(module), keep, &printed);
  bool isThere = strstr(printed.data, text) != NULL;
  free(printed.data);
  return isThere;
}

static void checkReading(MlirContext context, Said *said,
                         const EtCallbacks *callbacks, const char *file) {
  MlirModule module =
      etModelParse(context, ref(two), ref("two.mlir"), callbacks);
  CHECK(!mlirModuleIsNull(module) && !said->errors);
  /* All functions are in the outermost module. */
  MlirBlock body = mlirModuleGetBody(module);
  int functions = 0;
  for (MlirOperation op = mlirBlockGetFirstOperation(body);
       !mlirOperationIsNull(op); op = mlirOperationGetNextInBlock(op))
    functions += mlirStringRefEqual(mlirIdentifierStr(mlirOperationGetName(op)),
                                    ref("func.func"));
  CHECK(functions == 2);

  /* As bytecode it is the same. */
  Bytes bytecode = {0}, text = {0}, again = {0};
  mlirOperationWriteBytecode(mlirModuleGetOperation(module), keep, &bytecode);
  CHECK(bytecode.size > 4 && !memcmp(bytecode.data, "ML\xefR", 4));
  MlirModule copy =
      etModelParse(context, mlirStringRefCreate(bytecode.data, bytecode.size),
                   ref("two.mlirbc"), callbacks);
  CHECK(!mlirModuleIsNull(copy));
  mlirOperationPrint(mlirModuleGetOperation(module), keep, &text);
  mlirOperationPrint(mlirModuleGetOperation(copy), keep, &again);
  CHECK(!strcmp(text.data, again.data) && strstr(text.data, "@inner"));
  free(bytecode.data);
  free(text.data);
  free(again.data);
  mlirModuleDestroy(copy);
  mlirModuleDestroy(module);

  MlirModule layer = etModelRead(context, ref(file), callbacks);
  CHECK(!mlirModuleIsNull(layer) && hasText(layer, "et.moe linear"));
  mlirModuleDestroy(layer);
}

static void checkRefusals(MlirContext context, Said *said,
                          const EtCallbacks *callbacks) {
  const char *noOp = "func.func @f() {\n  et.no_op\n  return\n}\n";
  CHECK(mlirModuleIsNull(
      etModelParse(context, ref(noOp), ref("no.mlir"), callbacks)));
  CHECK(failedWith(said, "'no.mlir' is not a valid model"));
  CHECK(wasTold(said, "error loc(\"no.mlir\":2:3) "));
  CHECK(mlirModuleIsNull(etModelParse(context, mlirStringRefCreate("a\0b", 3),
                                      ref("a"), callbacks)));
  CHECK(failedWith(said, "'a' is neither MLIR's text nor its bytecode"));
  CHECK(
      mlirModuleIsNull(etModelRead(context, ref("/no/such.mlir"), callbacks)));
  CHECK(failedWith(said, "'/no/such.mlir': No such file"));
  /* Who wants to hear nothing need not. */
  CHECK(mlirModuleIsNull(etModelRead(context, ref("/no/such.mlir"), NULL)));
  EtCallbacks none = {NULL, NULL, NULL};
  CHECK(mlirModuleIsNull(etModelRead(context, ref("/no/such.mlir"), &none)));
}

static void checkPasses(MlirContext context, Said *said,
                        const EtCallbacks *callbacks, const char *file) {
  MlirModule layer = etModelRead(context, ref(file), callbacks);
  CHECK(mlirLogicalResultIsFailure(
      etModelRunPipeline(layer, ref("et-no-pass"), callbacks)));
  CHECK(failedWith(said, "cannot set up 'et-no-pass'"));

  said->asked = 0;
  said->answers = 1000000;
  CHECK(mlirLogicalResultIsSuccess(etModelRunPipeline(
      layer, ref("et-decompose-moe, et-decompose-expert-ffn"), callbacks)));
  int passes = said->asked;
  CHECK(passes >= 2);
  CHECK(hasText(layer, "et.grouped_matmul") && !hasText(layer, "et.moe"));

  /* Stopped after one pass: what follows does not happen. */
  said->asked = 0;
  said->answers = 1;
  CHECK(mlirLogicalResultIsFailure(etModelRunPipeline(
      layer, ref("canonicalize, et-lower-to-cpu-pipeline"), callbacks)));
  CHECK(failedWith(said, "the work was interrupted"));
  CHECK(said->asked == 2 && hasText(layer, "et.grouped_matmul"));
  CHECK(mlirOperationVerify(mlirModuleGetOperation(layer)));
  /* The context works on. */
  said->answers = 1000000;
  CHECK(mlirLogicalResultIsSuccess(
      etModelRunPipeline(layer, ref("et-lower-to-cpu-pipeline"), callbacks)));
  CHECK(hasText(layer, "@et_function_layer") &&
        !hasText(layer, "et.grouped_matmul"));
  mlirModuleDestroy(layer);
}

static void checkRemarks(MlirContext context, Said *said,
                         const EtCallbacks *callbacks, const char *file) {
  CHECK(mlirLogicalResultIsFailure(
      etContextEnableRemarks(context, ref("["), callbacks)));
  CHECK(failedWith(said, "'[' is no regular expression: "));
  CHECK(mlirLogicalResultIsSuccess(
      etContextEnableRemarks(context, ref("et-select-.*"), callbacks)));
  MlirModule layer = etModelRead(context, ref(file), callbacks);
  wasTold(said, "");
  CHECK(mlirLogicalResultIsSuccess(etModelRunPipeline(
      layer, ref("et-lower-to-nvvm-pipeline{compile-to=fuse}"), callbacks)));
  CHECK(wasTold(said, "remark loc("));
  mlirModuleDestroy(layer);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  Said said = {0};
  EtCallbacks callbacks = {onError, shouldStop, &said};
  said.answers = 1000000;
  MlirContext context = etContextCreate();
  mlirContextAttachDiagnosticHandler(context, onDiagnostic, &said, NULL);

  checkReading(context, &said, &callbacks, argv[2]);
  checkRefusals(context, &said, &callbacks);
  checkPasses(context, &said, &callbacks, argv[2]);
  checkRemarks(context, &said, &callbacks, argv[2]);

  const char *foreign = "func.func @f() attributes {a = #foreign.silu} {\n"
                        "  return\n}\n";
  CHECK(mlirModuleIsNull(
      etModelParse(context, ref(foreign), ref("f.mlir"), &callbacks)));
  said.errors = 0;
  CHECK(mlirLogicalResultIsFailure(
      etContextLoadDialect(context, ref("/no/such.so"), &callbacks)));
  CHECK(failedWith(&said, "/no/such.so"));
  CHECK(mlirLogicalResultIsSuccess(
      etContextLoadDialect(context, ref(argv[1]), &callbacks)));
  MlirModule known =
      etModelParse(context, ref(foreign), ref("f.mlir"), &callbacks);
  CHECK(!mlirModuleIsNull(known));
  mlirModuleDestroy(known);
  mlirContextDestroy(context);
  return 0;
}
