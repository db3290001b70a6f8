"""Turns, what ends a session, and who is no person."""
