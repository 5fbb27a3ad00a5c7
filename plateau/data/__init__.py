"""Raw files to checked rows: readers, mapping, contracts, personal data, features of the calendar, batches on all cores."""
