"""Judges: they split texts into claims and say what contexts support."""
