"""What hurts: problems that open when users show them, and close when they stop."""
