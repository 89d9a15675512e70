"""The index on disk and the engine behind it."""
