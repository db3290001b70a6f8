"""Which stretches of a wording are slots: the tagger, what it is taught, and how the gate counts it."""
