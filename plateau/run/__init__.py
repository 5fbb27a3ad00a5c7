"""What surrounds a run: its cost beforehand, its processes, what is seen of it, what it leaves, how long it took."""
