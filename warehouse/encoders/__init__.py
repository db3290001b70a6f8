"""Encoders that the settings name: models of sentence-transformers, and servers that embed; their vectors, kept by text."""
