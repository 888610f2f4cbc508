"""Expansion operators (inverse tone mapping), SDR → HDR. A new one is a file here and a row below."""

from relume.method import Method
from relume.operators.expand.akyuz2007 import Akyuz2007
from relume.operators.expand.banterle2006 import Banterle2006
from relume.operators.expand.linear import Linear

OPERATORS: tuple[type[Method], ...] = (Linear, Akyuz2007, Banterle2006)
