"""Scenes that a camera takes a picture of, and what methods make of that picture."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume import catalog
from relume.camera import presets
from relume.color.encoding import LINEAR_SCENE, SRGB, Encoding
from relume.color.luminance import luminance
from relume.data.files import hdr_pictures
from relume.data.manifest import Entry, read_manifest, split_by_scene
from relume.data.pairs import sample_generator
from relume.data.panorama import perspective_view, random_views
from relume.data.sample import clean
from relume.errors import MethodError, UnreadableFile
from relume.evaluation.cases import Case, Material
from relume.evaluation.score import Named
from relume.image import Image
from relume.inference.runner import RunSettings, run
from relume.io.probe import probe
from relume.io.read import read
from relume.method import Direction, Method, configure
from relume.models.learned import load_method

UNPROCESSED = "unprocessed"
"""The row that every table has: SDR light as it is, or HDR light clipped at a middling exposure."""

MANIFEST = "manifest.csv"

VALIDATION_SHARE = 0.1
"""Of the training scenes, where no manifest names any for validation; the same that `relume pack` keeps."""

_MIDDLE_GREY = 0.18
_WEIGHTS_SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What is done with each scene; the same settings give the same pictures."""

    methods: tuple[str, ...]
    """Names, each with `:key=value` for parameters, or paths of weight files."""
    camera: str = presets.DEFAULT
    """The preset that takes the pictures for expansion."""
    seed: int = 0
    longest_side: int = 640
    """Views of panoramas are this wide; photographs are reduced to it."""
    reference_white: float = 203.0
    """cd/m² of the light at which the camera clips."""

    @property
    def direction(self) -> Direction:
        """The way all methods go.

        Raises:
            MethodError: unknown methods, or ways that differ.
        """
        ways = {parse_method(text).spec.direction for text in self.methods}
        if len(ways) != 1:
            raise MethodError(
                f"{', '.join(self.methods)}: expected methods of one direction, expansion or tone mapping."
            )
        return ways.pop()


@dataclass(frozen=True, kw_only=True)
class SimulatedView(Case):
    """A photograph, or one view of a panorama, with the methods that are run on it."""

    file: Path
    panorama: bool
    view: int
    """Number of the view of a panorama."""
    simulation: Simulation

    def pixels(self) -> int:
        """Of the view."""
        info = probe(self.file)
        side = self.simulation.longest_side
        if self.panorama:
            # The whole panorama is held beside its view; its share of the work is small.
            return side * side * 3 // 4 + info.width * info.height // 20
        scale = min(side / max(info.width, info.height), 1.0)
        return int(info.width * info.height * scale**2)

    def load(self) -> Material:
        """The light that the camera saw, and each method on the picture that it took."""
        # Of the name, not of the place in a list: a picture stays the same when others come and go.
        name = hashlib.sha256(f"{self.file.name}:{self.view}".encode()).digest()
        generator = sample_generator(self.simulation.seed, int.from_bytes(name[:5], "big"))
        scene, encoding = self._scene(generator)
        if self.simulation.direction is Direction.EXPAND:
            return self._expanded(scene, generator)
        return self._tone_mapped(scene, encoding)

    def _scene(self, generator: torch.Generator) -> tuple[Float[Tensor, "3 height width"], Encoding]:
        image = read(self.file)
        if not image.is_hdr:
            raise UnreadableFile(self.file, f"is an SDR picture ({image.encoding}); expected scene light.")
        encoding = replace(LINEAR_SCENE, white=image.encoding.white)
        light = clean(image.to(encoding).pixels)
        side = self.simulation.longest_side
        if self.panorama:
            views = random_views(1, generator=generator)
            return perspective_view(
                light,
                yaw=views.yaw,
                pitch=views.pitch,
                roll=views.roll,
                horizontal_field_of_view=views.horizontal_field_of_view,
                size=(side * 3 // 4, side),
            )[0], encoding
        scale = side / max(light.shape[-2:])
        if scale < 1:
            size = [max(round(length * scale), 1) for length in light.shape[-2:]]
            light = functional.interpolate(light[None], size=size, mode="area")[0]
        return light, encoding

    def _expanded(self, scene: Float[Tensor, "3 height width"], generator: torch.Generator) -> Material:
        white = self.simulation.reference_white
        shot = presets.find(self.simulation.camera)(scene[None], generator=generator)
        photograph = Image(shot.sdr[0], SRGB)
        chosen = {UNPROCESSED: catalog.find("linear", Direction.EXPAND)(), **self._methods()}
        return Material(
            reference=Named(
                image=Image(shot.sensor[0], replace(LINEAR_SCENE, white=white)), name=self.picture
            ),
            predictions={
                label: partial(self._predict, label, method, photograph) for label, method in chosen.items()
            },
        )

    def _tone_mapped(self, scene: Float[Tensor, "3 height width"], encoding: Encoding) -> Material:
        if encoding.white is None:
            middle = luminance(scene).clamp(min=1e-6).log().mean().exp()
            encoding = replace(encoding, white=self.simulation.reference_white)
            scene = scene * (_MIDDLE_GREY / middle)
        reference = Image(scene, encoding)
        at_white = reference.to(replace(encoding, white=self.simulation.reference_white))
        predictions: dict[str, Callable[[], Named]] = {
            UNPROCESSED: lambda: self._as_file(
                UNPROCESSED, at_white.assume(replace(SRGB, transfer="linear")).to(SRGB)
            )
        }
        for label, method in self._methods().items():
            predictions[label] = partial(self._predict, label, method, reference)
        return Material(reference=Named(image=reference, name=self.picture), predictions=predictions)

    def _methods(self) -> dict[str, Method]:
        return {text: parse_method(text) for text in self.simulation.methods}

    def _predict(self, label: str, method: Method, source: Image) -> Named:
        white = self.simulation.reference_white
        if method.spec.direction is Direction.TONEMAP:
            return self._as_file(label, run(method, source, reference_white=white, output=SRGB))
        image = run(method, source, settings=RunSettings(), reference_white=white)
        return Named(image=image, name=f"{label} of {self.picture}")

    def _as_file(self, label: str, picture: Image) -> Named:
        """A tone-mapped picture as an 8-bit file holds it."""
        codes = (255.0 * picture.pixels.clamp(0.0, 1.0)).round() / 255.0
        return Named(image=Image(codes, SRGB), name=f"{label} of {self.picture}")


def parse_method(text: str) -> Method:
    """The method that a text names: `drago2003`, `drago2003:bias=0.8:peak=200`, or the path of a weight file.

    Raises:
        MethodError: no such method or parameter.
        UnreadableFile: no weight file that can be read.
    """
    if text.endswith(_WEIGHTS_SUFFIX):
        return load_method(Path(text))
    name, *settings = text.split(":")
    pairs = [setting.partition("=") for setting in settings]
    if not all(key and equals for key, equals, _ in pairs):
        raise MethodError(f"{text}: expected name:key=value, for example drago2003:bias=0.8.")
    name = catalog.ALIASES.get(name, name)
    if name not in catalog.METHODS:
        raise MethodError(f"there is no method '{name}'; relume has {', '.join(catalog.METHODS)}.")
    return configure(catalog.METHODS[name], {key: value for key, _, value in pairs})


def find_views(
    folder: Path, simulation: Simulation, *, split: str | None = None, views: int = 2
) -> tuple[list[SimulatedView], str]:
    """The pictures of a folder, or of one split of its manifest; of each panorama so many views.

    Args:
        split: of the manifest; None: `test`, or all of a folder without manifest. Where the manifest has no
            scene for `validation`, it is those that `relume pack` keeps.

    Returns:
        The views by name, and in words what was chosen.

    Raises:
        UnreadableFile: no folder, or nothing in it to measure on.
    """
    if not folder.is_dir():
        raise UnreadableFile(folder, "is no folder; expected one with HDR pictures.")
    listed = folder / MANIFEST
    if listed.is_file():
        entries, chosen = _of_split(listed, split or "test"), f"split {split or 'test'} of {listed}"
    elif split is not None:
        raise UnreadableFile(listed, f"does not exist, so there is no split '{split}' to choose.")
    else:
        entries = [
            Entry(file=path.relative_to(folder).as_posix(), scene=path.stem, split="test")
            for path in hdr_pictures(folder)
        ]
        chosen = f"all HDR pictures in {folder}"
    if not entries:
        raise UnreadableFile(folder, "holds no HDR picture (.exr, .hdr, .avif or another).")
    found = [
        SimulatedView(
            scene=entry.scene,
            picture=f"{Path(entry.file).with_suffix('')}{f' view {view}' if panorama else ''}",
            file=folder / entry.file,
            panorama=panorama,
            view=view,
            simulation=simulation,
        )
        for entry in sorted(entries, key=lambda entry: entry.file)
        for panorama in [entry.kind == "panorama"]
        for view in range(views if panorama else 1)
    ]
    scenes = len({view.scene for view in found})
    return found, f"{len(found)} pictures of {scenes} scenes, {chosen}"


def _of_split(manifest: Path, split: str) -> list[Entry]:
    entries = read_manifest(manifest)
    found = [entry for entry in entries if entry.split == split]
    if not found and split == "validation":
        kept = split_by_scene(entries, validation=VALIDATION_SHARE)
        found = [entry for entry in kept if entry.split == split]
    if not found:
        counts = ", ".join(f"{count} in {name}" for name, count in Counter(e.split for e in entries).items())
        raise UnreadableFile(manifest, f"has no pictures in the split '{split}', but {counts}; give --split.")
    return found
