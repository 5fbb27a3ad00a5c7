"""One short module per stage of dvc.yaml, run as `python -m stages.<name> [SYSTEM_DIR]`: read, call, write."""
