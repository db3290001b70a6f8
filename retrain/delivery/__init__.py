"""Telling receivers that retraining is due, exactly once."""
