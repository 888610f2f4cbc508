"""How the papers measured: their protocol, display and metrics, and what of it they do not tell.

Numbers of two papers compare only where these rows agree, and often not even then.
"""

from dataclasses import dataclass

from relume.errors import MethodError


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The settings of one paper, as far as they are known."""

    name: str
    citation: str
    """A key of docs/references.bib."""
    metrics: tuple[str, ...]
    protocols: tuple[str, ...]
    peak: float
    """cd/m²."""
    pixels_per_degree: float
    data: str
    """On which pictures."""
    stated: str
    """What the paper, its code or its authors say."""
    uncertain: str
    """What they do not say, and what we put in its place."""


PAPERS: dict[str, Paper] = {
    row.name: row
    for row in (
        Paper(
            name="hanji2022",
            citation="hanji2022",
            metrics=("pu_psnr", "pu_vsi", "hdr_vdp3", "pu_piqe"),
            protocols=("tone-curve",),
            peak=1000.0,
            pixels_per_degree=77.0,
            data="SI-HDR: 183 scenes, 5 % of the pixels clipped",
            stated="the correction (cubic in PQ, ridge 0.01), the four metrics, about 1000 cd/m², 77 "
            "pixels/degree; 3.5 dB of PU21-PSNR to claim a better method",
            uncertain="PU21-PIQE is recommended without the correction, as here; pictures come in units of "
            "the camera, so the light of 1.0 is a choice (203 cd/m² here)",
        ),
        Paper(
            name="marnerides2018",
            citation="marnerides2018",
            metrics=("pu_psnr", "pu_ssim", "pu_ms_ssim", "hdr_vdp2"),
            protocols=("display-range", "scene-range"),
            peak=1000.0,
            pixels_per_degree=30.0,
            data="test scenes of the paper",
            stated="percentiles 0.1 and 99.9 go to 1 and 999 cd/m², or to those of the reference; HDR-"
            "VDP-2.2 Q; PSNR, SSIM and MS-SSIM after a perceptually uniform encoding",
            uncertain="the encoding was PU08, here PU21; over which values percentiles are taken (all three "
            "components here); pixels per degree",
        ),
        Paper(
            name="singlehdr",
            citation="liu2020",
            metrics=("hdr_vdp2",),
            protocols=("percentile",),
            peak=1000.0,
            pixels_per_degree=30.0,
            data="HDR-Real, HDR-Eye and others",
            stated="the script: k-th smallest and largest value to 1 and 999, rgb-bt.709, 30 pixels/degree, "
            "HDR-VDP-2.2 Q",
            uncertain="readers get the published number of HDR-Eye and a lower one of HDR-Real",
        ),
        Paper(
            name="intrinsichdr",
            citation="intrinsichdr2024",
            metrics=("pu_psnr", "hdr_vdp3"),
            protocols=("percentile-tone-curve",),
            peak=1000.0,
            pixels_per_degree=30.0,
            data="test scenes of the paper",
            stated="the normalisation of SingleHDR, then the tone-curve correction, then the metrics",
            uncertain="pixels per degree and task of HDR-VDP-3",
        ),
        Paper(
            name="duhdr",
            citation="duhdr2023",
            metrics=("hdr_vdp3",),
            protocols=("min-max",),
            peak=1000.0,
            pixels_per_degree=30.0,
            data="HDR-Real, HDR-Eye, RAISE",
            stated="Eq. 26 after the normalisation of Marnerides et al.; HDR-VDP-3",
            uncertain="its last term is printed x_min (L_min here); L_min and L_max (1 cd/m² and the peak "
            "here); task, pixels per degree, and whether Q or Q_JOD is meant",
        ),
        Paper(
            name="sparamnet",
            citation="oh2022",
            metrics=("hdr_vdp2", "tonemapped_psnr", "tonemapped_ssim"),
            protocols=("display-range",),
            peak=1000.0,
            pixels_per_degree=30.0,
            data="HDR-Real, LDR-HDR-pair, HDR-Eye",
            stated="the normalisation of Marnerides et al.; HDR-VDP-2; PSNR and SSIM of renderings by four "
            "presets of Photomatix; medians",
            uncertain="the presets are closed: four open operators stand in for them, so only the order of "
            "methods compares; pixels per degree",
        ),
        Paper(
            name="itmn",
            citation="itmn2018",
            metrics=("hdr_vdp2", "mpsnr"),
            protocols=("none",),
            peak=1000.0,
            pixels_per_degree=30.0,
            data="BT.2020 pictures of 10 bits, of its own",
            stated="HDR-VDP-2, mPSNR and SSIM on a display of 1000 cd/m²",
            uncertain="pixels per degree; which exposures mPSNR takes; in which domain SSIM is",
        ),
    )
}
"""Name → row."""


def find(name: str) -> Paper:
    """The settings of that paper.

    Raises:
        MethodError: there is no such row.
    """
    if name not in PAPERS:
        raise MethodError(f"there are no settings of '{name}'; relume has those of {', '.join(PAPERS)}.")
    return PAPERS[name]
