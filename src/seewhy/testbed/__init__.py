"""The laboratory: a drawn world in which every word has a known mask, and a model that sees it."""
