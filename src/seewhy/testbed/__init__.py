"""A drawn world in which every word has a known mask, and small models that were trained on it."""
