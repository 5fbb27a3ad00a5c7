"""Pages for people: the report, the model card, comparisons, charts, the preview."""
