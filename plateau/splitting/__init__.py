"""Which row trains, validates or tests, and what is odd about rows and labels."""
