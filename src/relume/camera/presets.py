"""Named, versioned cameras: what each paper did, and ours.

Results depend on the camera that made the training pictures, so a preset never changes: a correction gets
the next version. Each docstring tells what is stated by the paper or its published code, and what had to be
inferred. Crops, flips and the choice of scenes belong to data, not to the camera.

A preset is an ordinary `Camera`; `dataclasses.replace` swaps a stage, for instance the response where the
user has the measured curves:  replace(find("singlehdr"), response=GivenResponse(curves=load_dorf(path))).
"""

from collections.abc import Callable

from relume.camera.camera import Camera
from relume.camera.compression import FULL, HALVED, Jpeg
from relume.camera.exposure import ClippedShare, Stops
from relume.camera.hue_saturation import HueSaturation
from relume.camera.noise import PoissonGaussNoise, ProportionalNoise
from relume.camera.quantization import Quantization
from relume.camera.response import MixedResponse, PopulationResponse
from relume.camera.response_families import GammaResponse, LogResponse, SigmoidResponse, SrgbResponse
from relume.camera.tone_mapping import PercentileExposure, ToneMapping, Variation
from relume.camera.truncation import BaseDetail, Clip
from relume.camera.white_balance import WhiteBalance
from relume.errors import MethodError
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.mantiuk2006 import Mantiuk2006
from relume.operators.tonemap.reinhard2002 import Reinhard2002, Reinhard2002Local
from relume.operators.tonemap.reinhard_devlin2005 import ReinhardDevlin2005


def relume() -> Camera:
    """Ours, broad on purpose: what training uses unless told otherwise.

    Up to 15 % of the pixels clip; slight casts; noise of a sensor that holds 2500 to 100 000 electrons; half
    of the responses from our population, the others sRGB, film, gamma and log; JPEG of quality 70 to 100 with
    full or halved chroma.
    """
    return Camera(
        white_balance=WhiteBalance(temperature=(5600.0, 7700.0), tint=(-0.08, 0.08)),
        exposure=ClippedShare(minimum=0.0, maximum=0.15),
        noise=PoissonGaussNoise(gain=(1e-5, 4e-4), read=(1e-7, 1e-5)),
        truncation=Clip(),
        response=MixedResponse(
            responses=(
                PopulationResponse(),
                SrgbResponse(),
                SigmoidResponse(),
                GammaResponse(exponent=(1.8, 2.6)),
                LogResponse(strength=(4.0, 64.0)),
            ),
            weights=(0.5, 0.15, 0.2, 0.1, 0.05),
        ),
        quantization=Quantization(),
        compression=Jpeg(quality=(70, 100), subsampling=(HALVED, FULL)),
    )


def singlehdr() -> Camera:
    """SingleHDR, HDR-Synth.

    Stated: mean 0.5, one of 600 exposures from -3 to 3 stops, noise s ≤ 0.08/6 and r ≤ 0.005 in each channel,
    clipping, a measured response, 8 bits, JPEG of quality 90 to 100.
    Inferred: 4:2:0, the default of the encoder that was used. Departs: responses are of our population, for
    those of DoRF may not be shipped; the quality is uniform, where the code spaces it evenly over a batch;
    the mean is that of the picture given, where the code takes it before its crop.

    References:  [liu2020], section 3.3, and the published code.
    """
    return Camera(
        exposure=Stops(minimum=-3.0, maximum=3.0, steps=600, mean=0.5),
        noise=ProportionalNoise(signal=0.08 / 6.0, read=0.005),
        truncation=Clip(),
        response=PopulationResponse(),
        quantization=Quantization(),
        compression=Jpeg(quality=(90, 100), subsampling=(HALVED,)),
    )


def duhdr() -> Camera:
    """DuHDR: the data of SingleHDR, with the truncation process of the paper.

    Stated: truncation by base and detail in the imaging model, 8 bits; in the code, window 5, epsilon 0.01
    and otherwise the camera of SingleHDR. Inferred: that the pictures themselves are truncated this way; most
    of the published training scripts clip (`replace(find("duhdr"), truncation=Clip())`).

    References:  [duhdr2023], eqs. 1, 3 and 10, section 4, and the published code.
    """
    return Camera(
        exposure=Stops(minimum=-3.0, maximum=3.0, steps=600, mean=0.5),
        noise=ProportionalNoise(signal=0.08 / 6.0, read=0.005),
        truncation=BaseDetail(window=5, epsilon=0.01),
        response=PopulationResponse(),
        quantization=Quantization(),
        compression=Jpeg(quality=(90, 100), subsampling=(HALVED,)),
    )


def hdrcnn() -> Camera:
    """HDRCNN's virtual camera.

    Stated: 5 to 15 % of the values clip, noise of deviation up to 0.01, hue ±7° and saturation ±0.1 (standard
    deviations) in HSV of the square root, the film sigmoid, 8 bits, JPEG of quality min(30 + U{0..74}, 100).
    Inferred: 4:2:0, the default of the encoder. Departs: noise comes after the change of colours and is not
    in `sensor`, where the code has it before, and in the target.

    References:  [eilertsen2017], section 5.1, and the published code.
    """
    return Camera(
        hue_saturation=HueSaturation(hue=7.0, saturation=0.1),
        exposure=ClippedShare(minimum=0.05, maximum=0.15, of="values"),
        noise=ProportionalNoise(signal=0.0, read=0.01, per_channel=False),
        truncation=Clip(),
        response=SigmoidResponse(exponent=(0.9, 0.1), offset=(0.6, 0.1)),
        quantization=Quantization(),
        compression=Jpeg(quality=(30, 104), subsampling=(HALVED,)),
    )


def expandnet() -> Camera:
    """ExpandNet: a random one of several tone mappings, stretched to 0..1, then a gamma of 1.8 to 2.2.

    Stated: exposure between percentiles 0..15 and 85..100, Reinhard-Devlin, Mantiuk, Drago and Durand of
    OpenCV with the ranges here; no noise, no compression; 8 bits. Departs: Durand, which OpenCV has dropped
    since, is left out, and the operators are those of relume. The network's target is the scene stretched to
    0..1.

    References:  [marnerides2018], section 4.1, and the published code.
    """
    return Camera(
        tone_mapping=ToneMapping(
            variations=(
                Variation(method=PercentileExposure(), ranges={"low": (0.0, 0.15), "high": (0.85, 1.0)}),
                Variation(
                    method=ReinhardDevlin2005(),
                    ranges={
                        "intensity": (-1.0, 1.0),
                        "light_adaptation": (0.8, 1.0),
                        "chromatic_adaptation": (0.0, 0.2),
                    },
                ),
                Variation(method=Mantiuk2006(saturation=1.0), ranges={"factor": (0.65, 0.85)}),
                Variation(method=Drago2003(), ranges={"bias": (0.7, 0.9)}),
            ),
            stretch=True,
        ),
        response=GammaResponse(exponent=(1.8, 2.2)),
        quantization=Quantization(),
    )


def itmn() -> Camera:
    """iTMN: SDR pictures by tone mapping.

    Stated: "ReinhardTMO and so on", values normalised to 0..1. Inferred: which other operators, their
    parameters, sRGB, 8 bits; no noise and no compression.

    References:  [itmn2018], section 3.1.
    """
    return Camera(
        tone_mapping=ToneMapping(
            variations=(
                Variation(method=Reinhard2002(), ranges={"key": (0.09, 0.36)}),
                Variation(method=Reinhard2002Local(), ranges={"key": (0.09, 0.36)}),
                Variation(
                    method=ReinhardDevlin2005(),
                    ranges={"intensity": (-1.0, 1.0), "light_adaptation": (0.5, 1.0)},
                ),
                Variation(method=Drago2003(), ranges={"bias": (0.7, 0.95)}),
            )
        ),
        response=SrgbResponse(),
        quantization=Quantization(),
    )


def _sihdr(clipped: float) -> Camera:
    """SI-HDR: a fixed share of the pixels clips, everything else is always the same but for the grain.

    Stated: 95 or 97 % of the pixels are retained, a response of the authors' own, noise as of a Canon 5D
    Mark III, 8 bits, PNG. Inferred: the response, which is the film sigmoid at its mean; the noise, from
    measurements of that camera at ISO 100: 67 700 electrons at saturation, 33 electrons of read noise.

    References:  [hanji2022] and the notes of its data set; [eilertsen2017] for the response.
    """
    electrons, read = 67_700.0, 33.0
    gain, variance = 1.0 / electrons, (read / electrons) ** 2
    return Camera(
        exposure=ClippedShare(minimum=clipped, maximum=clipped),
        noise=PoissonGaussNoise(gain=(gain, gain), read=(variance, variance)),
        truncation=Clip(),
        response=SigmoidResponse(exponent=(0.9, 0.0), offset=(0.6, 0.0)),
        quantization=Quantization(),
    )


def sihdr_clip95() -> Camera:
    """SI-HDR with 5 % of the pixels clipped; what is stated and what is inferred: see `_sihdr`."""
    return _sihdr(0.05)


def sihdr_clip97() -> Camera:
    """SI-HDR with 3 % of the pixels clipped; what is stated and what is inferred: see `_sihdr`."""
    return _sihdr(0.03)


PRESETS: dict[str, Callable[[], Camera]] = {
    "relume@1": relume,
    "singlehdr@1": singlehdr,
    "duhdr@1": duhdr,
    "hdrcnn@1": hdrcnn,
    "expandnet@1": expandnet,
    "itmn@1": itmn,
    "sihdr-clip95@1": sihdr_clip95,
    "sihdr-clip97@1": sihdr_clip97,
}
"""name@version → builder; the versions of a name stand in rising order."""

DEFAULT = "relume"


def find(name: str = DEFAULT) -> Camera:
    """The camera of that name, in the version given ("singlehdr@1") or in its last ("singlehdr").

    Raises:
        MethodError: no such preset.
    """
    versions = [key for key in PRESETS if name in (key, key.partition("@")[0])]
    if not versions:
        raise MethodError(f"there is no camera '{name}'; relume has {', '.join(PRESETS)}.")
    return PRESETS[versions[-1]]()
