"""Figures for benchmarks/README.md; each module measures one thing, several times, side by side in one run."""
