"""The content of each file in metrics/: one module for each file, with its figures and their meaning."""
