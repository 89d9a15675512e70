"""Benchmarks: figures that README and docs quote, each from a command."""
