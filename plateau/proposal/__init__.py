"""Propose a system from an export: examine its files, then derive params and schemas."""
