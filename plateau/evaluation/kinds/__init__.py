"""Kinds of field, one class per file. Each class scores a field, computes its statistics and answers it for the baselines."""
