"""Image quality metrics, one file each, and the table of them; operands are (prediction, reference).

Where a metric bears the name of its module, the attribute of this package is the function.
"""

from relume.metrics.cvvdp import CVVDP
from relume.metrics.cvvdp import cvvdp as cvvdp
from relume.metrics.delta_e_itp import DELTA_E_ITP
from relume.metrics.delta_e_itp import delta_e_itp as delta_e_itp
from relume.metrics.flicker import FLICKER, FLICKER_LOCAL
from relume.metrics.flicker import flicker as flicker
from relume.metrics.flicker import flicker_local as flicker_local
from relume.metrics.fsitm import FSITM, FSITM_TMQI
from relume.metrics.fsitm import fsitm as fsitm
from relume.metrics.fsitm import fsitm_tmqi as fsitm_tmqi
from relume.metrics.hdr_vdp2 import HDR_VDP2
from relume.metrics.hdr_vdp2 import hdr_vdp2 as hdr_vdp2
from relume.metrics.hdr_vdp3 import HDR_VDP3, HDR_VDP3_JOD
from relume.metrics.hdr_vdp3 import hdr_vdp3 as hdr_vdp3
from relume.metrics.metric import Direction as Direction
from relume.metrics.metric import Metric as Metric
from relume.metrics.metric import MetricSpec as MetricSpec
from relume.metrics.metric import Operands as Operands
from relume.metrics.metric import Viewing as Viewing
from relume.metrics.mpsnr import MPSNR
from relume.metrics.mpsnr import mpsnr as mpsnr
from relume.metrics.nlpd import NLPD
from relume.metrics.nlpd import nlpd as nlpd
from relume.metrics.piqe import PU_PIQE
from relume.metrics.piqe import pu_piqe as pu_piqe
from relume.metrics.psnr import PSNR_LINEAR, PSNR_LOG, PSNR_MU, PSNR_PQ
from relume.metrics.psnr import psnr_linear as psnr_linear
from relume.metrics.psnr import psnr_log as psnr_log
from relume.metrics.psnr import psnr_mu as psnr_mu
from relume.metrics.psnr import psnr_pq as psnr_pq
from relume.metrics.pu21 import PU_PSNR, PU_PSNR_Y
from relume.metrics.pu21 import pu_psnr as pu_psnr
from relume.metrics.pu21 import pu_psnr_y as pu_psnr_y
from relume.metrics.ssim import PU_MS_SSIM, PU_SSIM, SSIM_MU, SSIM_PQ
from relume.metrics.ssim import pu_ms_ssim as pu_ms_ssim
from relume.metrics.ssim import pu_ssim as pu_ssim
from relume.metrics.ssim import ssim_mu as ssim_mu
from relume.metrics.ssim import ssim_pq as ssim_pq
from relume.metrics.stops import STOPS_RMSE
from relume.metrics.stops import stops_rmse as stops_rmse
from relume.metrics.tmqi import TMQI, TMQI_NATURALNESS, TMQI_STRUCTURE
from relume.metrics.tmqi import tmqi as tmqi
from relume.metrics.vsi import PU_VSI
from relume.metrics.vsi import pu_vsi as pu_vsi

METRICS: dict[str, Metric] = {
    row.spec.name: row
    for row in (
        HDR_VDP3,
        HDR_VDP3_JOD,
        HDR_VDP2,
        PU_PSNR,
        PU_PSNR_Y,
        PU_SSIM,
        PU_MS_SSIM,
        PU_VSI,
        PU_PIQE,
        PSNR_LINEAR,
        PSNR_PQ,
        PSNR_LOG,
        PSNR_MU,
        SSIM_PQ,
        SSIM_MU,
        MPSNR,
        DELTA_E_ITP,
        NLPD,
        STOPS_RMSE,
        CVVDP,
        TMQI,
        TMQI_STRUCTURE,
        TMQI_NATURALNESS,
        FSITM,
        FSITM_TMQI,
        FLICKER,
        FLICKER_LOCAL,
    )
}
"""Name → row. A new metric is one file and one line here."""
