"""What the stages call: one package a concern, one module a noun, imports run downwards only."""
