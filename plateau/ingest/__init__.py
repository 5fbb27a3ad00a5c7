"""Raw files to checked records without personal data."""
