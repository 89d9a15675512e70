"""Packers: hits to the text that is shown."""
