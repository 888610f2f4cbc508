"""Tone mapping operators, HDR → SDR. A new one is a file here and a row below."""

from relume.method import Method
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.mantiuk2006 import Mantiuk2006
from relume.operators.tonemap.reinhard2002 import Reinhard2002, Reinhard2002Local
from relume.operators.tonemap.reinhard_devlin2005 import ReinhardDevlin2005

OPERATORS: tuple[type[Method], ...] = (
    Reinhard2002,
    Reinhard2002Local,
    ReinhardDevlin2005,
    Drago2003,
    Mantiuk2006,
)
