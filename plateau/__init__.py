"""What the stages call: one module per noun, imports run downwards only."""
