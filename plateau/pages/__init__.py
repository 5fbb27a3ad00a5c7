"""Pages for people: the report, the model card, their parts, charts and templates."""
