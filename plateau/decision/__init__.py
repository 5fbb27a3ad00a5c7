"""Which checkpoint is chosen, whether it overfits, and whether it ships."""
