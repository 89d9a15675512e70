"""Question sets, rankings and answers in the forms of other programs: one module per format, each with `read` and `write`."""

from eval.formats.base import FORMATS, Asked, Bundle, Format, Lost, find

__all__ = ["FORMATS", "Asked", "Bundle", "Format", "Lost", "find"]
