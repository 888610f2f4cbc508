"""Tone mapping operators, HDR → SDR. A new one is a file here and a row below."""

from relume.method import Method
from relume.operators.tonemap.ashikhmin2002 import Ashikhmin2002
from relume.operators.tonemap.chiu1993 import Chiu1993
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.kiser2012 import Kiser2012
from relume.operators.tonemap.mantiuk2006 import Mantiuk2006
from relume.operators.tonemap.pattanaik2000 import Pattanaik2000
from relume.operators.tonemap.ramsey2004 import Ramsey2004
from relume.operators.tonemap.reinhard2002 import Reinhard2002, Reinhard2002Local
from relume.operators.tonemap.reinhard2002_coherent import Reinhard2002Coherent
from relume.operators.tonemap.reinhard_devlin2005 import ReinhardDevlin2005

OPERATORS: tuple[type[Method], ...] = (
    Reinhard2002,
    Reinhard2002Local,
    ReinhardDevlin2005,
    Drago2003,
    Mantiuk2006,
    Pattanaik2000,
    Chiu1993,
    Ashikhmin2002,
    Ramsey2004,
    Kiser2012,
    Reinhard2002Coherent,
)
