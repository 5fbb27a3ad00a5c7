"""One short module for each stage of dvc.yaml, run as `python -m stages.<name> [SYSTEM_DIR]`. It reads files, calls functions of plateau/, and writes files."""
