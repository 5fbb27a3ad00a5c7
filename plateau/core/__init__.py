"""What every stage stands on: its system and params, whole files, errors for people, progress."""
