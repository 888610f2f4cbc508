"""Tone mapping operators, HDR → SDR. A new one is a file here and a row below."""

from relume.method import Method
from relume.operators.tonemap.drago2003 import Drago2003

OPERATORS: tuple[type[Method], ...] = (Drago2003,)
