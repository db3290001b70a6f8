"""Which turns failed their users."""
