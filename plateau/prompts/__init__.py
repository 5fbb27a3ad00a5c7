"""What a prompt is made of, and its tokens."""
