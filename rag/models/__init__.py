"""Ports to models, an adapter per file, and deterministic stand-ins."""
