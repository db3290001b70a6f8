"""Sessionization: turns, what ends a session, and who is no person."""
