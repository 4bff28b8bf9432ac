"""What a user sees: pages, overlays, figures and folders. Knows records, never models."""
