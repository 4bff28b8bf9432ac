"""The bench: what is measured, where it is kept, how it is summed up and shown."""
