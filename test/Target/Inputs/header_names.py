"""header_names.py INCLUDE: writes two models, of many functions and of one, and use.c, which
calls each through their headers; function number i multiplies by i + 1."""

import re
import sys
from pathlib import Path

runtime = (Path(sys.argv[1]) / "et" / "Runtime" / "et_runtime.h").read_text()
# Each with what C calls it: names that need not change keep theirs, then the others
# follow in the order of their bytes.
functions = {"layer": "layer", "layer_0": "layer_0"}
functions |= {"layer 0": "layer_0_", "layer-0": "layer_0__", "layer.0": "layer_0___"}
functions |= {word: word for word in ("int", "class", "for", "main", "printf", "x")}
functions |= {"0": "_0", "0слой": "_0________", "a,b$c": "a_b_c"}
functions |= {'"': "_", "??/": "___", "\\": "__", "é": "____", "日": "_____"}
functions |= {"*/ int z; /*": "___int_z____"}
# et_function_layer is the description of 'layer'.
functions |= {"function_layer": "function_layer_"}
for name in sorted(set(re.findall(r"\bet_(\w+)\b(?!\.h)", runtime))):
    functions[name] = name + "_"
assert {"call", "tensor", "status", "function", "tensor_release"} < set(functions)


def quoted(text):
    return "".join(
        c if c.isalnum() and c.isascii() or c in "_ .-" else f"\\{byte:02x}"
        for c in text
        for byte in c.encode()
    )


def multiply(name, number):
    """A function with an argument and a weight that C cannot say either."""
    return (
        f'func.func @"{quoted(name)}"(%x: f32 {{et.name = "int"}},\n'
        f'    %w: f32 {{et.weight = "{quoted(name)}"}}) -> (f32 {{et.name = "1"}}) {{\n'
        f"  %c = arith.constant {number}.0 : f32\n"
        "  %y = arith.mulf %x, %c : f32\n  return %y : f32\n}\n"
    )


text = "".join(multiply(name, i + 1) for i, name in enumerate(functions))
Path("names.mlir").write_text(text)
functions["other"] = "other"
Path("other.mlir").write_text(multiply("other", len(functions)))

lines = ['#include "first-names.h"', '#include "first_names.h"', "#include <stdio.h>"]
lines += ["int main(void) {", "  float three = 3, got;", "  et_tensor y;"]
lines += ["  et_tensor x = et_tensor_borrow(&three, ET_F32, 0, NULL);"]
for i, name in enumerate(functions.values()):
    lines += [
        f"  if (et_{name}(&x, &x, &y, NULL)) return 1;",
        "  got = *(float *)y.data;",
        "  et_tensor_release(&y);",
        f'  if (got != 3.0f * {i + 1}) return printf("{name}: %g\\n", got);',
    ]
Path("use.c").write_text("\n".join([*lines, "  return 0;", "}"]) + "\n")
