"""A system of one's own from an export: what its files hold, and the params and schemas that follow."""
