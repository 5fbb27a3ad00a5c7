"""What the answers show of a model: the evaluation, baselines, diagnostics and leaks."""
