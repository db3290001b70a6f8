"""What may be published, and how it is shown."""
