"""Which row trains, validates or tests, and which labels are odd."""
