"""A drawn world in which every word has a known mask, and small models trained on it."""
