"""The embedded default's synthetic contact centre; all that Plateau knows about contact centres, with params and schemas."""
