"""A compiled library and the CUDA driver under it, through ctypes."""

import ctypes as c
import os

import ml_dtypes
import numpy as np

HOST, CUDA = 0, 1
DTYPES = {
    0: np.float32,
    1: np.float16,
    2: ml_dtypes.bfloat16,
    3: np.float64,
    4: np.bool_,
    5: np.int8,
    6: np.int16,
    7: np.int32,
    8: np.int64,
    9: ml_dtypes.float8_e4m3fn,
}
CODES = {np.dtype(v): k for k, v in DTYPES.items()}


class Tensor(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("owner", c.c_void_p),
        ("dtype", c.c_int32),
        ("memory", c.c_int32),
        ("rank", c.c_int32),
        ("reserved", c.c_int32),
        ("sizes", c.c_int64 * 8),
        ("strides", c.c_int64 * 8),
    ]


class Status(c.Structure):
    _fields_ = [
        ("code", c.c_int32),
        ("argument", c.c_int32),
        ("message", c.c_char * 504),
    ]


class Value(c.Structure):
    _fields_ = [
        ("name", c.c_char_p),
        ("weight", c.c_char_p),
        ("role", c.c_char_p),
        ("dtype", c.c_int32),
        ("is_scalar", c.c_int32),
        ("rank", c.c_int64),
        ("sizes", c.POINTER(c.c_int64)),
        ("packed_by", c.c_char_p),
    ]


class Function(c.Structure):
    _fields_ = [
        ("abi_version", c.c_uint32),
        ("memory", c.c_uint32),
        ("name", c.c_char_p),
        ("num_args", c.c_uint64),
        ("num_results", c.c_uint64),
        ("args", c.POINTER(Value)),
        ("results", c.POINTER(Value)),
        ("entry", c.CFUNCTYPE(None, c.POINTER(c.c_void_p))),
    ]


class Error(Exception):
    def __init__(self, status):
        super().__init__(status.message.decode())
        self.code, self.argument = status.code, status.argument


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(os.path.abspath(path))
        self.lib.et_memory_current.restype = c.c_size_t

    def function(self, name):
        return Function.in_dll(self.lib, "et_function_" + name)

    def device_bytes(self):
        return self.lib.et_memory_current(CUDA)

    def _check(self, code, status):
        assert code == status.code
        if code:
            raise Error(status)

    def tensor(self, array):
        """A tensor over the array's memory, which must outlive it."""
        array = np.asarray(array)
        assert array.flags.c_contiguous
        t = Tensor(data=array.ctypes.data, dtype=CODES[array.dtype], rank=array.ndim)
        t.sizes[: array.ndim] = array.shape
        t.strides[: array.ndim] = [s // array.itemsize for s in array.strides]
        return t

    def copy(self, tensor, memory):
        result, status = Tensor(), Status()
        code = self.lib.et_tensor_copy(
            c.byref(tensor), memory, c.byref(result), c.byref(status)
        )
        self._check(code, status)
        return result

    def to_device(self, array):
        return self.copy(self.tensor(array), CUDA)

    def to_numpy(self, tensor):
        """A copy of the tensor's values, wherever they lie."""
        host = self.copy(tensor, HOST)
        shape = tuple(host.sizes[: host.rank])
        dtype = np.dtype(DTYPES[host.dtype])
        size = int(np.prod(shape)) * dtype.itemsize
        array = np.frombuffer(c.string_at(host.data, size), dtype).reshape(shape)
        self.release(host)
        return array

    def release(self, tensor):
        self.lib.et_tensor_release(c.byref(tensor))

    def call_tensors(self, name, tensors):
        function, status = self.function(name), Status()
        args = (Tensor * len(tensors))(*tensors)
        results = (Tensor * function.num_results)()
        code = self.lib.et_call(
            c.byref(function),
            args,
            c.c_size_t(len(tensors)),
            results,
            c.c_size_t(function.num_results),
            c.byref(status),
        )
        self._check(code, status)
        return list(results)

    def pack(self, name, *weights):
        """A function's packed weights, in the order of its arguments, from those in
        rows: tensors for `call` and `call_tensors`, to be released."""
        function = self.function(name)
        (packing, *_) = {v.packed_by for v in function.args[: function.num_args]} - {
            None
        }
        return self.call_tensors(packing.decode(), [self.tensor(w) for w in weights])

    def call(self, name, *arrays):
        """Arguments are arrays or tensors; the results are arrays."""
        results = self.call_tensors(
            name, [a if isinstance(a, Tensor) else self.tensor(a) for a in arrays]
        )
        values = [self.to_numpy(r) for r in results]
        for result in results:
            self.release(result)
        return values

    def call_on_stream(self, name, stream, tensors, results):
        function, status = self.function(name), Status()
        code = self.lib.et_call_on_stream(
            c.byref(function),
            c.c_void_p(stream),
            (Tensor * len(tensors))(*tensors),
            c.c_size_t(len(tensors)),
            (Tensor * len(results))(*results),
            c.c_size_t(len(results)),
            c.byref(status),
        )
        self._check(code, status)

    def run_entry(self, name, tensors):
        """Runs the code itself, so that nothing cleans up behind it; the results
        as (allocation, bytes)."""
        function = self.function(name)
        words = [(c.c_int64 * 20)() for _ in range(len(tensors) + function.num_results)]
        slots = (c.c_void_p * len(words))(*[c.addressof(w) for w in words])
        for i, t in enumerate(tensors):
            if function.args[i].is_scalar:
                slots[i] = t.data
                continue
            rank = t.rank
            words[i][:3] = [t.data or 0, t.data or 0, 0]
            words[i][3 : 3 + rank] = t.sizes[:rank]
            words[i][3 + rank : 3 + 2 * rank] = t.strides[:rank]
        function.entry(slots)
        results = []
        for j in range(function.num_results):
            value, w = function.results[j], words[len(tensors) + j]
            elements = int(np.prod(w[3 : 3 + value.rank], dtype=np.int64))
            results.append((w[0], elements * np.dtype(DTYPES[value.dtype]).itemsize))
        return results


class Driver:
    """The driver that the library uses too, for what a program does with it."""

    def __init__(self):
        self.cu = c.CDLL(os.environ.get("ET_CUDA_DRIVER", "libcuda.so.1"))
        context = c.c_void_p()
        self("cuInit", 0)
        self("cuDevicePrimaryCtxRetain", c.byref(context), 0)
        self("cuCtxSetCurrent", context)

    def __call__(self, name, *arguments):
        code = getattr(self.cu, name)(*arguments)
        if code:
            raise RuntimeError(f"{name} returned {code}")

    def stream(self):
        stream = c.c_void_p()
        self("cuStreamCreate", c.byref(stream), 1)  # waits for no other stream
        return stream.value

    def synchronize(self, stream):
        self("cuStreamSynchronize", c.c_void_p(stream))

    def write(self, tensor, array):
        address = c.c_uint64(tensor.data)
        self(
            "cuMemcpyHtoD_v2",
            address,
            c.c_void_p(array.ctypes.data),
            c.c_size_t(array.nbytes),
        )

    def capture(self, stream, work):
        """What `work` puts on the stream, as an executable graph."""
        graph, exec_graph = c.c_void_p(), c.c_void_p()
        self("cuStreamBeginCapture_v2", c.c_void_p(stream), 0)
        try:
            work()
        finally:
            self("cuStreamEndCapture", c.c_void_p(stream), c.byref(graph))
        self(
            "cuGraphInstantiateWithFlags", c.byref(exec_graph), graph, c.c_ulonglong(0)
        )
        self("cuGraphDestroy", graph)
        return exec_graph

    def launch(self, exec_graph, stream):
        self("cuGraphLaunch", exec_graph, c.c_void_p(stream))
        self.synchronize(stream)
