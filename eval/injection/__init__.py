"""Prompt-injection corpus: attacks and their benign twins, deterministic oracles, and a double that obeys."""
