"""Encoder, neighbours, clusters of utterances, and what holds them apart."""
