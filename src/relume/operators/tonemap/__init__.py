"""Tone mapping operators, HDR → SDR. A new one is a file here and a row below."""

from relume.method import Method
from relume.operators.tonemap.aces_hill import AcesHill
from relume.operators.tonemap.aces_narkowicz2015 import AcesNarkowicz2015
from relume.operators.tonemap.agx import Agx
from relume.operators.tonemap.ashikhmin2002 import Ashikhmin2002
from relume.operators.tonemap.banterle2012 import Banterle2012
from relume.operators.tonemap.best_exposure import BestExposure
from relume.operators.tonemap.bt2390 import Bt2390
from relume.operators.tonemap.bt2446a import Bt2446a
from relume.operators.tonemap.bt2446c import Bt2446c
from relume.operators.tonemap.chiu1993 import Chiu1993
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.durand2002 import Durand2002
from relume.operators.tonemap.exponential import Exponential
from relume.operators.tonemap.fattal2002 import Fattal2002
from relume.operators.tonemap.ferwerda1996 import Ferwerda1996
from relume.operators.tonemap.gamma import Gamma
from relume.operators.tonemap.hable2010 import Hable2010
from relume.operators.tonemap.hearth import Hearth
from relume.operators.tonemap.icam06 import ICAM06
from relume.operators.tonemap.khronos_neutral import KhronosNeutral
from relume.operators.tonemap.kim_kautz2008 import KimKautz2008
from relume.operators.tonemap.kiser2012 import Kiser2012
from relume.operators.tonemap.krawczyk2005 import Krawczyk2005
from relume.operators.tonemap.lischinski2006 import Lischinski2006
from relume.operators.tonemap.logarithmic import Logarithmic
from relume.operators.tonemap.mantiuk2006 import Mantiuk2006
from relume.operators.tonemap.mantiuk2008 import Mantiuk2008
from relume.operators.tonemap.mertens2007 import Mertens2007
from relume.operators.tonemap.pattanaik2000 import Pattanaik2000
from relume.operators.tonemap.ramsey2004 import Ramsey2004
from relume.operators.tonemap.reinhard2002 import Reinhard2002, Reinhard2002Local
from relume.operators.tonemap.reinhard2002_coherent import Reinhard2002Coherent
from relume.operators.tonemap.reinhard_devlin2005 import ReinhardDevlin2005
from relume.operators.tonemap.schlick1994 import Schlick1994
from relume.operators.tonemap.tumblin1999 import Tumblin1999
from relume.operators.tonemap.van_hateren2006 import VanHateren2006
from relume.operators.tonemap.ward1994 import Ward1994
from relume.operators.tonemap.ward1997 import Ward1997

OPERATORS: tuple[type[Method], ...] = (
    Hearth,
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
    Ward1994,
    Ward1997,
    Ferwerda1996,
    Tumblin1999,
    Schlick1994,
    KimKautz2008,
    VanHateren2006,
    Mertens2007,
    Hable2010,
    AcesNarkowicz2015,
    AcesHill,
    Agx,
    KhronosNeutral,
    Bt2390,
    Bt2446a,
    Bt2446c,
    BestExposure,
    Exponential,
    Logarithmic,
    Gamma,
    Durand2002,
    Krawczyk2005,
    ICAM06,
    Lischinski2006,
    Fattal2002,
    Mantiuk2008,
    Banterle2012,
)
