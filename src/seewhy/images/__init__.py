"""Pictures and clips as files and arrays: any a person may hand over, read upright in RGB."""

from seewhy.images.clips import Clip, read_clip
from seewhy.images.read import ImageSource, notes_of, read_image, with_note

__all__ = ["Clip", "ImageSource", "notes_of", "read_clip", "read_image", "with_note"]
