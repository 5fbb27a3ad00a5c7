"""What models answer, on which rows, and whether the files of it belong together."""
