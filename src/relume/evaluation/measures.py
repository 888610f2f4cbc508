"""Every number that an evaluation can give: the metrics, and those that only make sense here."""

from relume.errors import MethodError
from relume.evaluation.clipped import STOPS_RMSE_CLIPPED
from relume.evaluation.tone_mapped import TONEMAPPED_PSNR, TONEMAPPED_SSIM
from relume.metrics import METRICS, Metric, Operands

MEASURES: dict[str, Metric] = {
    **METRICS,
    **{row.spec.name: row for row in (STOPS_RMSE_CLIPPED, TONEMAPPED_PSNR, TONEMAPPED_SSIM)},
}
"""Name → row."""

DEFAULT = ("pu_psnr", "pu_vsi", "hdr_vdp3", "pu_piqe")
"""The four that Hanji et al. 2022 recommend."""

DEFAULT_OF_TONE_MAPPING = ("tmqi",)


def find(name: str) -> Metric:
    """The metric of that name.

    Raises:
        MethodError: no such metric, or one of clips.
    """
    if name not in MEASURES:
        raise MethodError(f"there is no metric '{name}'; relume has {', '.join(MEASURES)}.")
    metric = MEASURES[name]
    if metric.spec.operands is Operands.CLIP:
        raise MethodError(f"{name} measures clips; `relume evaluate` compares single pictures.")
    return metric
