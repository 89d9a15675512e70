"""Retrievers: query to hits."""
