"""What became of each utterance, counted: SQL alone."""
