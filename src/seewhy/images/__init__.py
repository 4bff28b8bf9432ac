"""Pictures as files and arrays: any picture a person may hand over, read upright in RGB."""

from seewhy.images.read import ImageSource, notes_of, read_image, with_note

__all__ = ["ImageSource", "notes_of", "read_image", "with_note"]
