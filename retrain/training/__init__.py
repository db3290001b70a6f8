"""The reference model and its trainer, and those of the user's own."""
