"""The version of the form of params and metrics files: raised when a key is renamed or means something else."""

SCHEMA_VERSION = 1
