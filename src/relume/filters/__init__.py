"""Filters on tensors: smoothing, pyramids, resizing."""
