# ===- peers.py - the same layer by other means ------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A threshold layer (linear scores, sigmoid gate, squared ReLU) in other libraries.

Every peer is a function of x alone: what depends on the weights only, such as packing
or compiling, is done when it is made. Scores and sums over experts are f32 in all.
"""

import io

import torch


def expert(x, w1, w2):
    h = torch.relu(x @ w1)
    return (h * h) @ w2


class Peers:
    def __init__(self, router, w1, w2, theta):
        self.router, self.theta = router.float(), theta
        self.w1, self.w2 = w1, w2
        self.experts = len(theta)

    def route(self, x):
        scores = x.float() @ self.router
        return scores > self.theta, torch.sigmoid(scores)

    def over_experts(self, x, product):
        mask, gates = self.route(x)
        out = torch.zeros(x.shape, dtype=torch.float32)
        for e in range(self.experts):
            rows = mask[:, e].nonzero()[:, 0]
            if len(rows):
                out.index_add_(0, rows, product(e, x[rows]) * gates[rows, e, None])
        return out.to(x.dtype)

    def torch_eager(self):
        """What a model's source says: a loop over experts."""
        return lambda x: self.over_experts(
            x, lambda e, rows: expert(rows, self.w1[e], self.w2[e])
        )

    def torch_compile(self):
        """The same loop, with the expert's body compiled for any number of rows."""
        body = torch.compile(expert, dynamic=True)
        return lambda x: self.over_experts(
            x, lambda e, rows: body(rows, self.w1[e], self.w2[e])
        )

    def onednn_packed(self):
        """The same loop over weights that oneDNN has reordered for itself."""
        ops = torch.ops.mkldnn

        def pack(w):
            return [ops._reorder_linear_weight(m.t().contiguous()) for m in w]

        w1, w2 = pack(self.w1), pack(self.w2)

        def linear(x, w):
            return ops._linear_pointwise(x, w, None, "none", [], "")

        def product(e, rows):
            h = torch.relu(linear(rows, w1[e]))
            return linear(h * h, w2[e])

        return lambda x: self.over_experts(x, product)

    def torch_grouped_mm(self):
        """Rows sorted by expert and PyTorch's grouped product."""

        def layer(x):
            mask, gates = self.route(x)
            experts, rows = mask.t().nonzero(as_tuple=True)
            ends = mask.sum(0).cumsum(0).to(torch.int32)
            h = torch.relu(torch._grouped_mm(x[rows], self.w1, offs=ends))
            y = torch._grouped_mm(h * h, self.w2, offs=ends)
            out = torch.zeros(x.shape, dtype=torch.float32)
            return out.index_add_(0, rows, y * gates[rows, experts, None]).to(x.dtype)

        return layer

    def torch_dense(self):
        """Every expert on every token, and a mask: the tutorial's form."""

        def layer(x):
            mask, gates = self.route(x)
            out = torch.zeros(x.shape, dtype=torch.float32)
            for e in range(self.experts):
                y = expert(x, self.w1[e], self.w2[e])
                out += y * (gates[:, e] * mask[:, e])[:, None]
            return out.to(x.dtype)

        return layer

    def onnxruntime(self):
        """A graph over the experts, whose weights are constants of the session."""
        import onnx
        import onnxruntime
        from onnx import helper, numpy_helper

        if self.w1.dtype != torch.float32:
            raise NotImplementedError("its CPU provider multiplies no bf16")
        if 8 * self.w1.numel() > 1 << 31:
            raise NotImplementedError("a model file holds at most 2 GiB")
        width = self.w1.shape[1]
        constants = {"router": self.router, "theta": self.theta}
        constants["axis"] = torch.tensor([1])
        nodes = []

        def add(op, inputs, output, **attributes):
            nodes.append(helper.make_node(op, inputs, [output], **attributes))
            return output

        add("MatMul", ["x", "router"], "scores")
        add("Sigmoid", ["scores"], "gates")
        add("Greater", ["scores", "theta"], "mask")
        add("Sub", ["x", "x"], "out0")
        for e in range(self.experts):
            constants |= {f"a{e}": self.w1[e], f"b{e}": self.w2[e]}
            constants[f"e{e}"] = torch.tensor([e])
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
            add(
                "ScatterND",
                [f"out{e}", f"at{e}", f"z{e}"],
                f"out{e + 1}",
                reduction="add",
            )
        shape = ["T", width]
        kind = onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            nodes,
            "layer",
            [helper.make_tensor_value_info("x", kind, shape)],
            [helper.make_tensor_value_info(f"out{self.experts}", kind, shape)],
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
        return lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0])


NAMES = [
    "torch_eager",
    "torch_compile",
    "onednn_packed",
    "torch_grouped_mm",
    "torch_dense",
    "onnxruntime",
]
