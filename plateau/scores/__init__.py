"""Scores of one answer or many: the target's fields, how each is scored, intervals."""
