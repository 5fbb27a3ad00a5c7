"""What maintains the repository: stage dependencies, tables of the docs."""
