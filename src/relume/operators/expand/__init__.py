"""Expansion operators (inverse tone mapping), SDR → HDR. A new one is a file here and a row below."""

from relume.method import Method
from relume.operators.expand.akyuz2007 import Akyuz2007
from relume.operators.expand.banterle2006 import Banterle2006
from relume.operators.expand.bist2017 import Bist2017
from relume.operators.expand.bt2408 import Bt2408
from relume.operators.expand.bt2446a_inverse import Bt2446aInverse
from relume.operators.expand.bt2446c_inverse import Bt2446cInverse
from relume.operators.expand.huo2013 import Huo2013
from relume.operators.expand.huo2014 import Huo2014
from relume.operators.expand.kovaleski_oliveira2014 import KovaleskiOliveira2014
from relume.operators.expand.kuo2012 import Kuo2012
from relume.operators.expand.landis2002 import Landis2002
from relume.operators.expand.linear import Linear
from relume.operators.expand.masia2009 import Masia2009
from relume.operators.expand.masia2017 import Masia2017
from relume.operators.expand.meylan2006 import Meylan2006
from relume.operators.expand.rempel2007 import Rempel2007

OPERATORS: tuple[type[Method], ...] = (
    Linear,
    Akyuz2007,
    Banterle2006,
    Landis2002,
    Masia2009,
    Masia2017,
    Huo2013,
    Huo2014,
    KovaleskiOliveira2014,
    Kuo2012,
    Rempel2007,
    Meylan2006,
    Bist2017,
    Bt2446aInverse,
    Bt2446cInverse,
    Bt2408,
)
