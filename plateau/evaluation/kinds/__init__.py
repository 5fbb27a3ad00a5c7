"""Kinds of field, a class in a file each: how its values are scored, what is reported, what baselines answer."""
