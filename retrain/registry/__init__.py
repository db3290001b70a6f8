"""Models in a home, and what persons decided about them."""
