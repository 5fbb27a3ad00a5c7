"""Made-up contacts: when they come, what is true of them, what is said and how it is judged."""
