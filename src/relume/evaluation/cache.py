"""Numbers that were computed before, found again by the content of the pictures and all that counts."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from relume import __version__
from relume.errors import UnwritableFile
from relume.evaluation.protocols import Protocol
from relume.evaluation.score import Named, Score
from relume.image import Image
from relume.io.atomic import reason, replacing
from relume.metrics import Metric, Viewing


class Cache:
    """A folder of small files, one for each number; several processes may share it."""

    def __init__(self, folder: Path | None) -> None:
        """Keep numbers in this folder, made when needed; None: nowhere."""
        self.folder = folder

    def get(self, key: str) -> Score | None:
        """The number of that key, unless it is not there or its file is damaged."""
        if self.folder is None:
            return None
        try:
            return Score(**json.loads(self._path(self.folder, key).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, score: Score) -> None:
        """Keep a number.

        Raises:
            UnwritableFile: the folder cannot be written.
        """
        if self.folder is None:
            return
        path = self._path(self.folder, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableFile(path.parent, reason(error)) from error
        with replacing(path, overwrite=True) as temporary:
            temporary.write_text(json.dumps(asdict(score)), encoding="utf-8")

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key[2:]}.json"


def fingerprint(picture: Named | None) -> str:
    """A hash of the values of a picture and of what they mean; empty for no picture."""
    if picture is None:
        return ""
    image: Image = picture.image
    pixels = image.pixels.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{image.encoding!r} {pixels.dtype} {tuple(pixels.shape)}".encode())
    digest.update(pixels.numpy().data)
    return digest.hexdigest()


def key_of(
    prediction: str,
    reference: str,
    *,
    metric: Metric,
    protocol: Protocol,
    viewing: Viewing,
    reference_white: float | None,
) -> str:
    """The key of a number: everything that it depends on, the version of relume included."""
    facts = {
        "relume": __version__,
        "metric": [metric.spec.name, metric.spec.version, metric.spec.domain],
        "protocol": protocol.described(),
        "viewing": asdict(viewing),
        "reference_white": reference_white,
        "prediction": prediction,
        "reference": reference,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
