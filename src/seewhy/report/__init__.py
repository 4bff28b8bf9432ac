"""What a person gets to see: pages, overlays, figures and folders. Knows records, never models."""
