"""What the stages call: one package a concern, one module a noun, imports run downwards only."""

import os

# transformers is used for its tokenizers alone; it need not say that it found no PyTorch.
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
