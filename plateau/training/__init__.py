"""The training loop, its stopping and state, and what surrounds a run: cost, display, several processes."""
