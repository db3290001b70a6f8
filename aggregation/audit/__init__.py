"""Audits: a few rows that a person judges tell how far the beliefs about all can be trusted."""
