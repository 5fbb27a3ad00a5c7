"""What the models answer on the test split, and the figures that follow: scores, intervals, baselines, leaks."""
