"""The second world: drawn things of two hundred kinds, with English captions and exact masks."""
