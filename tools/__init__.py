"""Tools that maintain the repository: they write what follows from a definition, and compare outputs with recorded ones."""
