"""What the time of a contact says: the calendar, and what went before."""
