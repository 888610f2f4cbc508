"""Colour and light: transfer functions, primaries, colour spaces and the encoding that names them."""
