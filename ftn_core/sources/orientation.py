"""EXIF's orientation of a picture that Pillow has opened."""

from PIL import ExifTags, Image


def orientation(image: Image.Image) -> int:
    """1 to 8; 1, which is upright, also where EXIF cannot be read: that says nothing about the pixels."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises any kind
        return 1
