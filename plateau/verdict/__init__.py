"""What is concluded: whether a run overfits, its risks, and whether to ship."""
