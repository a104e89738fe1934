# ===- onnx_peer.py - the layer as a graph for ONNX Runtime -----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A graph over the experts, whose weights are constants of the session."""

import io

import torch

LARGEST_FILE = 1 << 31


def layer(router, w1, w2):
    """The layer as a function of x and the thresholds."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    if w1.dtype != torch.float32:
        raise NotImplementedError("its CPU provider multiplies no bf16")
    if 4 * (w1.numel() + w2.numel()) >= LARGEST_FILE:
        raise NotImplementedError("a model file holds at most 2 GiB")
    experts, width, _ = w1.shape
    constants = {"router": router, "axis": torch.tensor([1])}
    nodes = []

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))

    add("MatMul", ["x", "router"], "scores")
    add("Sigmoid", ["scores"], "gates")
    add("Greater", ["scores", "theta"], "mask")
    add("Sub", ["x", "x"], "out0")
    for e in range(experts):
        constants |= {f"a{e}": w1[e], f"b{e}": w2[e], f"e{e}": torch.tensor([e])}
        add("Gather", ["mask", f"e{e}"], f"m{e}", axis=1)
        add("Squeeze", [f"m{e}", "axis"], f"n{e}")
        add("NonZero", [f"n{e}"], f"i{e}")
        add("Transpose", [f"i{e}"], f"at{e}", perm=[1, 0])
        add("GatherND", ["x", f"at{e}"], f"x{e}")
        add("MatMul", [f"x{e}", f"a{e}"], f"h{e}")
        add("Relu", [f"h{e}"], f"r{e}")
        add("Mul", [f"r{e}", f"r{e}"], f"s{e}")
        add("MatMul", [f"s{e}", f"b{e}"], f"y{e}")
        add("Gather", ["gates", f"e{e}"], f"g{e}", axis=1)
        add("GatherND", [f"g{e}", f"at{e}"], f"q{e}")
        add("Mul", [f"y{e}", f"q{e}"], f"z{e}")
        scattered = [f"out{e}", f"at{e}", f"z{e}"]
        add("ScatterND", scattered, f"out{e + 1}", reduction="add")
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "layer",
        [
            helper.make_tensor_value_info("x", kind, ["T", width]),
            helper.make_tensor_value_info("theta", kind, [experts]),
        ],
        [helper.make_tensor_value_info(f"out{experts}", kind, ["T", width])],
        [numpy_helper.from_array(t.numpy(), name) for name, t in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    data = io.BytesIO()
    onnx.save_model(model, data)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        data.getvalue(), options, providers=["CPUExecutionProvider"]
    )

    def call(x, theta):
        inputs = {"x": x.numpy(), "theta": theta.numpy()}
        return torch.from_numpy(session.run(None, inputs)[0])

    return call
