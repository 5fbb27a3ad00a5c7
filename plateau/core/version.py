"""The version of the layout of params and metrics files. Raise it when a key is renamed or its meaning changes."""

SCHEMA_VERSION = 1
