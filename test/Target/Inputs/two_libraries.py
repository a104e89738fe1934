"""Loads two compiled libraries and calls @scale of each from its own runtime."""

import ctypes
import sys


class Status(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_int32),
        ("argument", ctypes.c_int32),
        ("message", ctypes.c_char * 504),
    ]


for path in sys.argv[1:]:
    library = ctypes.CDLL(path)
    function = ctypes.c_char.in_dll(library, "et_function_scale")
    status = Status()
    code = library.et_call(
        ctypes.byref(function),
        None,
        ctypes.c_size_t(0),
        None,
        ctypes.c_size_t(0),
        ctypes.byref(status),
    )
    assert code == status.code == 1, code
    assert status.message == b"scale: takes 3 arguments, but got 0", status.message
