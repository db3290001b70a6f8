"""Log files to typed rows: readers of each system, validation, what is odd."""
