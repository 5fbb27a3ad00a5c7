"""Rows in bulk: where they come from, what they must be, and how they are worked through out of core."""
