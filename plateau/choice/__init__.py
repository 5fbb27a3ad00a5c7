"""Which checkpoint is chosen, by which scores, and the adapter that becomes of it."""
