"""Dates as OpenEXR and Radiance write them: those of EXIF, 2026:01:31 18:00:00."""

from datetime import datetime

_FORM = "%Y:%m:%d %H:%M:%S"


def parse_date(text: str | None) -> datetime | None:
    """The date that a text names, or None where it names none."""
    try:
        return datetime.strptime((text or "").strip(), _FORM)
    except ValueError:
        return None


def print_date(date: datetime) -> str:
    """The text for a date; the seconds are whole."""
    return date.strftime(_FORM)
