//===- native.cpp - the C API in Python -----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et-c/Compile.h"
#include "mlir-c/Diagnostics.h"
#include "mlir-c/IR.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <mutex>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

MlirStringRef toRef(std::string_view text) {
  return mlirStringRefCreate(text.data(), text.size());
}

void append(MlirStringRef text, void *userData) {
  static_cast<std::string *>(userData)->append(text.data, text.length);
}

/// The exception CompileError, with all that was said.
struct CompileError : std::runtime_error {
  using runtime_error::runtime_error;
};

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Compiled code, which lives as long as one of its functions.
struct Code {
  explicit Code(EtCode code) : code(code) {}
  Code(const Code &) = delete;
  ~Code() { etCodeDestroy(code); }

  EtCode code;
};

struct DType {
  et_dtype dtype;
  nb::dlpack::dtype layout; ///< As NumPy and DLPack have it.
  const char *view;         ///< What ml_dtypes calls it, else null.
};

constexpr uint8_t code(nb::dlpack::dtype_code code) noexcept {
  return uint8_t(code);
}

/// NumPy's arrays of the types of ml_dtypes come and go as plain numbers.
constexpr DType dtypes[] = {
    {ET_F32, {code(nb::dlpack::dtype_code::Float), 32, 1}, nullptr},
    {ET_F16, {code(nb::dlpack::dtype_code::Float), 16, 1}, nullptr},
    {ET_F64, {code(nb::dlpack::dtype_code::Float), 64, 1}, nullptr},
    {ET_I1, {code(nb::dlpack::dtype_code::Bool), 8, 1}, nullptr},
    {ET_I8, {code(nb::dlpack::dtype_code::Int), 8, 1}, nullptr},
    {ET_I16, {code(nb::dlpack::dtype_code::Int), 16, 1}, nullptr},
    {ET_I32, {code(nb::dlpack::dtype_code::Int), 32, 1}, nullptr},
    {ET_I64, {code(nb::dlpack::dtype_code::Int), 64, 1}, nullptr},
    {ET_BF16, {code(nb::dlpack::dtype_code::UInt), 16, 1}, "bfloat16"},
    {ET_F8E4M3FN, {code(nb::dlpack::dtype_code::UInt), 8, 1}, "float8_e4m3fn"},
    // Whole numbers without a sign have the same bits.
    {ET_I8, {code(nb::dlpack::dtype_code::UInt), 8, 1}, nullptr},
    {ET_I16, {code(nb::dlpack::dtype_code::UInt), 16, 1}, nullptr},
    {ET_I32, {code(nb::dlpack::dtype_code::UInt), 32, 1}, nullptr},
    {ET_I64, {code(nb::dlpack::dtype_code::UInt), 64, 1}, nullptr},
    {ET_BF16, {code(nb::dlpack::dtype_code::Bfloat), 16, 1}, nullptr},
};

const DType *findDType(int32_t dtype) {
  for (const DType &entry : dtypes)
    if (entry.dtype == dtype)
      return &entry;
  return nullptr;
}

const DType *findDType(nb::dlpack::dtype layout, std::string_view view) {
  for (const DType &entry : dtypes)
    if (entry.layout == layout && view == (entry.view ? entry.view : ""))
      return &entry;
  return nullptr;
}

std::string printType(const et_value &value) {
  std::string text = et_dtype_name(et_dtype(value.dtype));
  if (value.is_scalar)
    return text;
  text += '[';
  for (int64_t i = 0; i < value.rank; ++i) {
    text += i ? "x" : "";
    text += value.sizes[i] == ET_DYNAMIC ? "?" : std::to_string(value.sizes[i]);
  }
  return text + ']';
}

/// One argument or result.
struct Value {
  std::string name, dtype;
  std::optional<std::string> weight, role, packedBy;
  nb::tuple shape;

  explicit Value(const et_value &value)
      : name(value.name), dtype(et_dtype_name(et_dtype(value.dtype))) {
    auto take = [](std::optional<std::string> &field, const char *text) {
      if (text)
        field = text;
    };
    take(weight, value.weight);
    take(role, value.role);
    take(packedBy, value.packed_by);
    nb::list sizes;
    for (int64_t i = 0; i < value.rank; ++i)
      if (value.sizes[i] == ET_DYNAMIC)
        sizes.append(nb::none());
      else
        sizes.append(value.sizes[i]);
    shape = nb::tuple(sizes);
  }
};

using Array = nb::ndarray<nb::ro, nb::device::cpu>;

/// An array that a call reads, kept while it does.
struct Argument {
  Array array;
  et_tensor tensor = {};
};

[[noreturn]] void refuse(const et_function &function, size_t position,
                         const std::string &why) {
  const et_value &value = function.args[position];
  throw nb::type_error((std::string(function.name) + ": argument " +
                        std::to_string(position) + " '" + value.name +
                        "' must be " + printType(value) + ", but " + why)
                           .c_str());
}

/// What NumPy itself knows passes as it is. Other types it has as bytes.
nb::object asPlain(nb::handle object, std::string &view) {
  if (!nb::hasattr(object, "dtype") || !nb::hasattr(object, "view"))
    return nb::borrow(object);
  nb::object name = nb::getattr(object.attr("dtype"), "name", nb::none());
  for (const DType &entry : dtypes)
    if (entry.view && nb::isinstance<nb::str>(name) &&
        std::string_view(nb::cast<const char *>(name)) == entry.view) {
      view = entry.view;
      return object.attr("view")(entry.layout.bits == 16 ? "uint16" : "uint8");
    }
  return nb::borrow(object);
}

/// The type for a Python number that is passed for a scalar.
nb::object getNumPyType(const et_value &value) {
  const DType &type = *findDType(value.dtype);
  if (type.view)
    return nb::module_::import_("ml_dtypes").attr(type.view);
  if (value.dtype == ET_I1)
    return nb::str("bool");
  bool isFloat = type.layout.code == code(nb::dlpack::dtype_code::Float);
  std::string name =
      (isFloat ? "float" : "int") + std::to_string(type.layout.bits);
  return nb::str(name.c_str());
}

void read(const et_function &function, size_t position, nb::handle object,
          Argument &argument) {
  const et_value &value = function.args[position];
  nb::object held = nb::borrow(object);
  if (value.is_scalar &&
      (nb::isinstance<nb::float_>(object) || nb::isinstance<nb::int_>(object)))
    held = nb::module_::import_("numpy").attr("asarray")(held,
                                                         getNumPyType(value));
  // Names of types are looked at where NumPy itself cannot hand them over.
  std::string view;
  if (!nb::try_cast(held, argument.array) &&
      !nb::try_cast(asPlain(held, view), argument.array))
    refuse(function, position,
           "is no array in host memory: " +
               std::string(nb::repr(nb::type_name(object.type())).c_str()));
  const DType *type = findDType(argument.array.dtype(), view);
  if (!type)
    refuse(function, position, "has elements of a type that no tensor has");
  if (argument.array.ndim() > ET_MAX_RANK)
    refuse(function, position, "has more than 8 dimensions");
  argument.tensor = et_tensor_borrow(
      const_cast<void *>(argument.array.data()), type->dtype,
      int32_t(argument.array.ndim()), argument.array.shape_ptr());
  for (size_t i = 0; i < argument.array.ndim(); ++i)
    argument.tensor.strides[i] = argument.array.stride(i);
}

struct Release {
  void operator()(et_tensor *tensor) const {
    et_tensor_release(tensor);
    delete tensor;
  }
};
using OwnedTensor = std::unique_ptr<et_tensor, Release>;

/// An array of memory that Python gives back at last.
nb::object wrapResult(OwnedTensor tensor) {
  nb::capsule owner(tensor.get(), [](void *data) noexcept {
    Release()(static_cast<et_tensor *>(data));
  });
  const et_tensor &result = *tensor.release();
  const DType &type = *findDType(result.dtype);
  size_t sizes[ET_MAX_RANK];
  std::copy_n(result.sizes, result.rank, sizes);
  nb::object array =
      nb::cast(nb::ndarray<nb::numpy>(result.data, size_t(result.rank), sizes,
                                      owner, result.strides, type.layout));
  if (type.view)
    return array.attr("view")(
        nb::module_::import_("ml_dtypes").attr(type.view));
  return array;
}

struct Function {
  std::shared_ptr<Code> code; ///< Keeps the description.
  const et_function *function;

  std::string print() const {
    std::string text = std::string(function->name) + "(";
    auto add = [&](const et_value &value, bool isFirst) {
      text += isFirst ? "" : ", ";
      text += std::string(value.name) + ": " + printType(value);
    };
    for (uint64_t i = 0; i < function->num_args; ++i)
      add(function->args[i], i == 0);
    text += ") -> (";
    for (uint64_t i = 0; i < function->num_results; ++i)
      add(function->results[i], i == 0);
    return text + ")";
  }

  static std::vector<Value> describe(const et_value *values, uint64_t count) {
    return std::vector<Value>(values, values + count);
  }

  nb::object call(const nb::args &objects) const {
    if (objects.size() != function->num_args)
      throw nb::type_error((print() + " takes " +
                            std::to_string(function->num_args) +
                            " arrays and got " + std::to_string(objects.size()))
                               .c_str());
    std::vector<Argument> arguments(objects.size());
    std::vector<et_tensor> tensors, results(function->num_results);
    for (size_t i = 0; i < arguments.size(); ++i) {
      read(*function, i, objects[i], arguments[i]);
      tensors.push_back(arguments[i].tensor);
    }
    et_status status;
    {
      nb::gil_scoped_release release;
      et_call(function, tensors.data(), tensors.size(), results.data(),
              results.size(), &status);
    }
    switch (status.code) {
    case ET_OK:
      break;
    case ET_INVALID_ARGUMENT:
    case ET_CHECK_FAILED:
      throw nb::value_error(status.message);
    case ET_OUT_OF_MEMORY:
      PyErr_SetString(PyExc_MemoryError, status.message);
      throw nb::python_error();
    default:
      throw std::runtime_error(status.message);
    }
    std::vector<OwnedTensor> owned;
    for (const et_tensor &result : results)
      owned.emplace_back(new et_tensor(result));
    nb::list wrapped;
    for (OwnedTensor &result : owned)
      wrapped.append(wrapResult(std::move(result)));
    if (results.size() == 1)
      return wrapped[0];
    return nb::tuple(wrapped);
  }
};

std::vector<Function> listFunctions(const std::shared_ptr<Code> &code) {
  std::vector<Function> functions;
  for (intptr_t i = 0; i < etCodeGetNumFunctions(code->code); ++i)
    functions.push_back({code, etCodeGetFunction(code->code, i)});
  return functions;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// What one call of the C API says. Python runs other threads meanwhile, so the
/// interpreter is asked for whenever it is needed.
class Call {
public:
  /// Without an end: it says what an error is about.
  Call() : callbacks{onError, shouldStop, this} {}

  const EtCallbacks *get() const { return &callbacks; }

  /// Ends a call that failed.
  [[noreturn]] void raise(const std::string &said) {
    if (interruption)
      throw nb::python_error(std::move(*interruption));
    throw CompileError(said + error);
  }

private:
  static void onError(MlirStringRef text, void *userData) {
    append(text, &static_cast<Call *>(userData)->error);
  }

  static bool shouldStop(void *userData) {
    nb::gil_scoped_acquire acquire;
    if (!PyErr_CheckSignals())
      return false;
    static_cast<Call *>(userData)->interruption.emplace();
    return true;
  }

  EtCallbacks callbacks;
  std::string error;
  std::optional<nb::python_error> interruption;
};

/// Compile options, while they are needed.
class Options {
public:
  Options(const std::string &target, bool packWeights,
          const std::optional<std::string> &cache, Call &call)
      : options(etCompileOptionsCreate(toRef(target), call.get())) {
    if (etCompileOptionsIsNull(options))
      call.raise("");
    if (cache)
      etCompileOptionsSetCache(options, toRef(*cache));
    if (mlirLogicalResultIsFailure(
            etCompileOptionsSetPackWeights(options, packWeights, call.get()))) {
      etCompileOptionsDestroy(options);
      call.raise("");
    }
  }
  Options(const Options &) = delete;
  ~Options() { etCompileOptionsDestroy(options); }

  EtCompileOptions get() const { return options; }

private:
  EtCompileOptions options;
};

/// A model and its context, which does one piece of work at a time.
class Model {
public:
  Model() : context(etContextCreate()) {
    mlirContextAttachDiagnosticHandler(context, onDiagnostic, this, nullptr);
    Call call;
    if (mlirLogicalResultIsFailure(
            etContextEnableRemarks(context, toRef(".*"), call.get())))
      call.raise("");
  }
  Model(const Model &) = delete;
  ~Model() {
    if (!mlirModuleIsNull(module))
      mlirModuleDestroy(module);
    mlirContextDestroy(context);
  }

  static std::unique_ptr<Model> parse(nb::bytes source,
                                      const std::string &name) {
    auto model = std::make_unique<Model>();
    MlirStringRef text = mlirStringRefCreate(source.c_str(), source.size());
    model->work([&](Call &call) {
      model->module =
          etModelParse(model->context, text, toRef(name), call.get());
      return !mlirModuleIsNull(model->module);
    });
    return model;
  }

  static std::unique_ptr<Model> read(const std::string &path) {
    auto model = std::make_unique<Model>();
    model->work([&](Call &call) {
      model->module = etModelRead(model->context, toRef(path), call.get());
      return !mlirModuleIsNull(model->module);
    });
    return model;
  }

  std::shared_ptr<Code> compile(const std::string &target, bool packWeights,
                                const std::optional<std::string> &cache) {
    EtCode code = {nullptr};
    work([&](Call &call) {
      Options options(target, packWeights, cache, call);
      code = etCodeCompile(module, options.get(), call.get());
      return !etCodeIsNull(code);
    });
    return std::make_shared<Code>(code);
  }

  nb::bytes emit(int output, const std::string &target, bool packWeights,
                 const std::optional<std::string> &cache) {
    std::string bytes;
    work([&](Call &call) {
      Options options(target, packWeights, cache, call);
      return mlirLogicalResultIsSuccess(etCompile(
          module, options.get(), EtOutput(output), append, &bytes, call.get()));
    });
    return nb::bytes(bytes.data(), bytes.size());
  }

  /// The text of a copy that a pipeline lowered.
  std::string lower(const std::string &pipeline) {
    std::string text;
    work([&](Call &call) {
      MlirOperation copy = mlirOperationClone(mlirModuleGetOperation(module));
      MlirModule lowered = mlirModuleFromOperation(copy);
      bool isLowered = mlirLogicalResultIsSuccess(
          etModelRunPipeline(lowered, toRef(pipeline), call.get()));
      if (isLowered)
        mlirOperationPrint(copy, append, &text);
      mlirModuleDestroy(lowered);
      return isLowered;
    });
    return text;
  }

  std::vector<std::string> getRemarks() {
    nb::gil_scoped_release release;
    std::lock_guard<std::mutex> lock(mutex);
    return remarks;
  }

private:
  /// Runs one piece of work, and raises what went wrong in it.
  template <typename WorkT>
  void work(WorkT run) {
    Call call;
    std::string said;
    bool isDone;
    {
      nb::gil_scoped_release release;
      std::lock_guard<std::mutex> lock(mutex);
      errors.clear();
      isDone = run(call);
      said = errors;
    }
    if (!isDone)
      call.raise(said);
  }

  static std::string printPlace(MlirLocation location) {
    std::string text;
    if (mlirLocationIsAFileLineColRange(location)) {
      append(
          mlirIdentifierStr(mlirLocationFileLineColRangeGetFilename(location)),
          &text);
      for (int number : {mlirLocationFileLineColRangeGetStartLine(location),
                         mlirLocationFileLineColRangeGetStartColumn(location)})
        text += ":" + std::to_string(number);
    } else {
      mlirLocationPrint(location, append, &text);
    }
    return text;
  }

  static std::string print(MlirDiagnostic diagnostic) {
    static constexpr const char *severities[] = {"error", "warning", "note",
                                                 "remark"};
    std::string text = printPlace(mlirDiagnosticGetLocation(diagnostic));
    text += ": ";
    text += severities[mlirDiagnosticGetSeverity(diagnostic)];
    text += ": ";
    mlirDiagnosticPrint(diagnostic, append, &text);
    for (intptr_t i = 0; i < mlirDiagnosticGetNumNotes(diagnostic); ++i)
      text += "\n" + print(mlirDiagnosticGetNote(diagnostic, i));
    return text;
  }

  /// The work that runs holds the lock; MLIR calls from one thread at a time.
  static MlirLogicalResult onDiagnostic(MlirDiagnostic diagnostic,
                                        void *userData) {
    auto &model = *static_cast<Model *>(userData);
    std::string text = print(diagnostic);
    if (mlirDiagnosticGetSeverity(diagnostic) == MlirDiagnosticError)
      model.errors += text + "\n";
    else
      model.remarks.push_back(text);
    return mlirLogicalResultSuccess();
  }

  MlirContext context;
  MlirModule module = {nullptr};
  std::mutex mutex; ///< Taken without the interpreter's lock.
  std::string errors;
  std::vector<std::string> remarks;
};

std::shared_ptr<Code> loadCode(const std::string &path) {
  Call call;
  EtCode code = etCodeLoad(toRef(path), call.get());
  if (etCodeIsNull(code))
    call.raise("");
  return std::make_shared<Code>(code);
}

} // namespace

NB_MODULE(_native, module) {
  module.doc() = "The compiler behind et_mlir.";
  nb::exception<CompileError> compileError(module, "CompileError");

  nb::class_<Value>(module, "Value", "An argument or result of a function.")
      .def_ro("name", &Value::name)
      .def_ro("dtype", &Value::dtype, "Such as f32 or bf16.")
      .def_ro("shape", &Value::shape, "Sizes; None where any will do.")
      .def_ro("weight", &Value::weight, "Its name in a file of weights.")
      .def_ro("role", &Value::role)
      .def_ro("packed_by", &Value::packedBy,
              "The function whose results are its arguments of this kind.");

  nb::class_<Function>(module, "Function",
                       "A compiled function. Several threads may call it.")
      .def_prop_ro("name", [](const Function &f) { return f.function->name; })
      .def_prop_ro("arguments",
                   [](const Function &f) {
                     return Function::describe(f.function->args,
                                               f.function->num_args);
                   })
      .def_prop_ro("results",
                   [](const Function &f) {
                     return Function::describe(f.function->results,
                                               f.function->num_results);
                   })
      .def(
          "__call__", &Function::call,
          "Calls it on arrays in the order of `arguments`: NumPy's, or\n"
          "anything with DLPack in host memory, row-major, which are not\n"
          "copied. Returns its result, a new NumPy array, or a tuple of\n"
          "several. Raises TypeError or ValueError for what it does not take,\n"
          "and ValueError where a check of the model fails.")
      .def("__repr__",
           [](const Function &f) {
             return "<et_mlir.Function " + f.print() + ">";
           })
      .def("__str__", &Function::print);

  nb::class_<Code>(module, "Code", "Compiled code in this process.")
      .def("functions", &listFunctions)
      .def_static("load", &loadCode, "path"_a);

  nb::class_<Model>(module, "Model", "A model that can be compiled.")
      .def_static("parse", &Model::parse, "source"_a, "name"_a)
      .def_static("read", &Model::read, "path"_a)
      .def("compile", &Model::compile, "target"_a, "pack_weights"_a,
           "cache"_a.none())
      .def("emit", &Model::emit, "output"_a, "target"_a, "pack_weights"_a,
           "cache"_a.none())
      .def("lower", &Model::lower, "pipeline"_a)
      .def_prop_ro("remarks", &Model::getRemarks);
}
