"""Pictures and clips from files and arrays, read upright and in RGB."""

from seewhy.images.clips import Clip, read_clip
from seewhy.images.read import ImageSource, notes_of, read_image, with_note

__all__ = ["Clip", "ImageSource", "notes_of", "read_clip", "read_image", "with_note"]
