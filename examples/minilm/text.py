# ===- text.py - sentences of a text that every Python carries ------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Prose of Python's language reference, which pydoc ships for help()."""

import random
import re
from pydoc_data.topics import topics

MARKUP = re.compile(r'[*"`]')
BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def sentences():
    """Every sentence of 8 to 40 words, once, in an order that is always the same."""
    found = []
    for _, topic in sorted(topics.items()):
        for paragraph in re.split(r"\n\s*\n", topic):
            # Code, grammar, tables and headings are no sentences.
            if (
                "::" in paragraph
                or "|" in paragraph
                or paragraph.startswith(tuple("*-="))
            ):
                continue
            words = MARKUP.sub("", " ".join(paragraph.split()))
            found += [
                s
                for s in BREAK.split(words)
                if 8 <= len(s.split()) <= 40 and s[0].isupper() and s.endswith(".")
            ]
    unique = list(dict.fromkeys(found))
    random.Random(0).shuffle(unique)
    return unique
