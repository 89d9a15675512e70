"""Chunkers: where a document is cut into pieces."""
