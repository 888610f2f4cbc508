"""Image quality metrics, one file each, and the table of them; operands are (prediction, reference)."""

from relume.metrics.metric import Direction as Direction
from relume.metrics.metric import Metric as Metric
from relume.metrics.metric import MetricSpec as MetricSpec
from relume.metrics.metric import Operands as Operands
from relume.metrics.metric import Viewing as Viewing
from relume.metrics.pu21 import PU_PSNR, PU_PSNR_Y
from relume.metrics.pu21 import pu_psnr as pu_psnr
from relume.metrics.pu21 import pu_psnr_y as pu_psnr_y
from relume.metrics.tmqi import TMQI, TMQI_NATURALNESS, TMQI_STRUCTURE

# A metric may bear the name of its module; the attribute of the package is then the function.
from relume.metrics.tmqi import tmqi as tmqi

METRICS: dict[str, Metric] = {
    row.spec.name: row
    for row in (
        PU_PSNR,
        PU_PSNR_Y,
        TMQI,
        TMQI_STRUCTURE,
        TMQI_NATURALNESS,
    )
}
"""Name → row. A new metric is one file and one line here."""
