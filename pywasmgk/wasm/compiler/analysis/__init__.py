"""What is known of a function without changing it."""
