"""Answerers: context to cited answer."""
