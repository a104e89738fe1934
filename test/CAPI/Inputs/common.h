/* What the programs here share: a caller that notes what it is told. */
#ifndef COMMON_H
#define COMMON_H

#include "../../Runtime/Inputs/check.h"
#include "et-c/Compile.h"
#include "mlir-c/Diagnostics.h"

typedef struct Said {
  int errors;
  char error[1024];       /* the last error's text */
  char diagnostics[4096]; /* a line each: severity, place, text */
  size_t length;          /* of `diagnostics` */
  int asked, answers;     /* how often it was asked to stop; "no" so often */
} Said;

static inline void append(MlirStringRef text, void *userData) {
  Said *said = userData;
  CHECK(said->length + text.length < sizeof(said->diagnostics));
  memcpy(said->diagnostics + said->length, text.data, text.length);
  said->length += text.length;
}

static inline MlirStringRef ref(const char *text) {
  return mlirStringRefCreateFromCString(text);
}

static inline MlirLogicalResult onDiagnostic(MlirDiagnostic diagnostic,
                                             void *userData) {
  static const char *const severities[] = {"error ", "warning ", "note ",
                                           "remark "};
  append(ref(severities[mlirDiagnosticGetSeverity(diagnostic)]), userData);
  mlirLocationPrint(mlirDiagnosticGetLocation(diagnostic), append, userData);
  append(ref(" "), userData);
  mlirDiagnosticPrint(diagnostic, append, userData);
  append(ref("\n"), userData);
  return mlirLogicalResultSuccess();
}

static inline void onError(MlirStringRef text, void *userData) {
  Said *said = userData;
  CHECK(text.length < sizeof(said->error));
  memcpy(said->error, text.data, text.length);
  said->error[text.length] = 0;
  ++said->errors;
}

static inline bool shouldStop(void *userData) {
  Said *said = userData;
  return ++said->asked > said->answers;
}

/* Whether exactly one error was told since the last time, and has this text. */
static inline bool failedWith(Said *said, const char *text) {
  bool isRight = said->errors == 1 && strstr(said->error, text);
  if (!isRight)
    fprintf(stderr, "%d errors, the last one: %s\n", said->errors, said->error);
  said->errors = 0;
  return isRight;
}

/* Whether the diagnostics since the last time hold this text. */
static inline bool wasTold(Said *said, const char *text) {
  bool isThere = strstr(said->diagnostics, text) != NULL;
  if (!isThere)
    fprintf(stderr, "told: %s\n", said->diagnostics);
  memset(said->diagnostics, 0, said->length);
  said->length = 0;
  return isThere;
}

/* A text that callbacks collect. */
typedef struct Bytes {
  char *data;
  size_t size;
} Bytes;

static inline void keep(MlirStringRef text, void *userData) {
  Bytes *bytes = userData;
  bytes->data = realloc(bytes->data, bytes->size + text.length + 1);
  CHECK(bytes->data);
  memcpy(bytes->data + bytes->size, text.data, text.length);
  bytes->size += text.length;
  bytes->data[bytes->size] = 0;
}

#endif
