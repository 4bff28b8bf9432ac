"""Output: pages, overlays, figures and folders. Depends on records, never on models."""
