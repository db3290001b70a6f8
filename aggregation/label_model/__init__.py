"""From votes of unknown reliability to soft labels."""
