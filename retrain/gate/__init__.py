"""What a challenger must pass."""
