"""Colour spaces that are not RGB, one module per standard; reached from and left to linear light."""
