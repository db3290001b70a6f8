"""What rises, falls, is new, or was launched."""
