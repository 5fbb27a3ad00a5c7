"""What each file of metrics/ holds: one module a file, its figures with their meaning."""
