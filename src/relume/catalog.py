"""Every method that exists, classical and learned: name → class, with aliases that other programs use."""

from relume.errors import MethodError
from relume.method import Direction, Method
from relume.models.learned import SHIPPED
from relume.operators.expand import OPERATORS as EXPANSION_OPERATORS
from relume.operators.tonemap import OPERATORS as TONE_MAPPING_OPERATORS

METHODS: dict[str, type[Method]] = {
    method.spec.name: method for method in (*EXPANSION_OPERATORS, *TONE_MAPPING_OPERATORS, *SHIPPED)
}

ALIASES = {
    "AkyuzEO": "akyuz2007",
    "ashikhmin02": "ashikhmin2002",
    "AshikhminTMO": "ashikhmin2002",
    "BanterleEO": "banterle2006",
    "BanterleTMO": "banterle2012",
    "BestExposureTMO": "best_exposure",
    "ChiuTMO": "chiu1993",
    "drago03": "drago2003",
    "DragoTMO": "drago2003",
    "durand02": "durand2002",
    "DurandTMO": "durand2002",
    "ExponentialTMO": "exponential",
    "fattal02": "fattal2002",
    "FattalTMO": "fattal2002",
    "ferwerda96": "ferwerda1996",
    "FerwerdaTMO": "ferwerda1996",
    "GammaTMO": "gamma",
    "HuoEO": "huo2013",
    "HuoPhysEO": "huo2014",
    "khronos_pbr_neutral": "khronos_neutral",
    "KimKautzConsistentTMO": "kim_kautz2008",
    "KiserTMOv": "kiser2012",
    "KovaleskiOliveiraEO": "kovaleski_oliveira2014",
    "KrawczykTMO": "krawczyk2005",
    "KuangTMO": "icam06",
    "KuoEO": "kuo2012",
    "LandisEO": "landis2002",
    "lischinski06": "lischinski2006",
    "LischinskiTMO": "lischinski2006",
    "LogarithmicTMO": "logarithmic",
    "mantiuk06": "mantiuk2006",
    "mantiuk08": "mantiuk2008",
    "MasiaEO": "masia2009",
    "MertensTMO": "mertens2007",
    "MeylanEO": "meylan2006",
    "pattanaik00": "pattanaik2000",
    "PattanaikTMO": "pattanaik2000",
    "RamseyTMOv": "ramsey2004",
    "reinhard02": "reinhard2002",
    "reinhard05": "reinhard_devlin2005",
    "ReinhardDevlinTMO": "reinhard_devlin2005",
    "ReinhardTMO": "reinhard2002",
    "ReinhardTMOv": "reinhard2002_coherent",
    "RempelEO": "rempel2007",
    "SchlickTMO": "schlick1994",
    "TumblinTMO": "tumblin1999",
    "uncharted2": "hable2010",
    "vanhateren06": "van_hateren2006",
    "VanHaterenTMO": "van_hateren2006",
    "WardGlobalTMO": "ward1994",
    "WardHistAdjTMO": "ward1997",
}

# Chosen by measurement on views of the training scenes: benchmarks/defaults.py, docs/methods.md.
DEFAULTS = {Direction.EXPAND: "ember", Direction.TONEMAP: "hearth"}


def find(name: str | None, direction: Direction) -> type[Method]:
    """The method of that name (None: the default), which must go in that direction.

    Raises:
        MethodError: no such method, or one of the other direction.
    """
    wanted = ALIASES.get(name, name) if name is not None else DEFAULTS[direction]
    if wanted not in METHODS:
        listed = ", ".join(key for key, method in METHODS.items() if method.spec.direction is direction)
        raise MethodError(f"there is no method '{name}'; `relume {direction}` knows {listed}.")
    method = METHODS[wanted]
    if method.spec.direction is not direction:
        raise MethodError(f"'{name}' is for `relume {method.spec.direction}`, not `relume {direction}`.")
    return method
