"""Refiners: hits to better hits."""
