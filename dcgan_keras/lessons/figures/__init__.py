"""Figures of single notebooks: arrays in, a matplotlib Figure out."""
