"""Rewrites: proposed, run as experiments, kept or withdrawn."""
