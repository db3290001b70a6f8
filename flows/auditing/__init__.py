"""A few rows for a person to judge: which, as they are shown, what was said of them, and what that tells of all."""
