"""Whether the default knows what it does not know: its stops in doubt beside its error.

    python benchmarks/confidence.py [../shared/data/hdr] [--cameras relume sihdr-clip95] [--limit N] [--write]

Views of the scenes kept for validation, unless --split names others, are expanded; the light is aligned by
the median ratio of luminance where nothing counts as clipped. Pixels are sorted by `confidence.Y`, which is 2
to the power of minus the stops in doubt; of each bin it tells how far the luminance is off.

Prints the section; --write puts it into docs/results.md.
"""

import argparse
import math
from itertools import pairwise

import torch
from torch import Tensor

from relume.color.encoding import SRGB
from relume.color.luminance import luminance
from relume.evaluation.simulate import UNPROCESSED, SimulatedView
from relume.models.learned import EmberExpansion
from results_page import provenance, publish
from systems import arguments_of_views, views_of

EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
DARKEST = 1e-3
"""Of the reference, white being 1: stops of darker light are those of noise and 8 bits."""


@torch.no_grad()
def judged(view: SimulatedView) -> tuple[Tensor, Tensor]:
    """Of each pixel that is not too dark: confidence, and error in stops."""
    material, method = view.load(), EmberExpansion()
    reference = luminance(material.reference.image.pixels)[0]
    codes = material.predictions[UNPROCESSED]().image.to(SRGB).pixels
    photograph = ((255.0 * codes).round() / 255.0)[None]
    statistics = method.measure(photograph)
    light = luminance(method(photograph, statistics)[0])[0].clamp(min=1e-6)
    clipped, confidence = method.mask(photograph, statistics)[0]
    counted = reference > DARKEST
    stops = (light / reference.clamp(min=1e-6)).log2()
    sure = counted & (clipped == 0)
    if sure.any():
        stops = stops - stops[sure].median()
    return confidence[counted], stops[counted]


def rows(confidence: Tensor, stops: Tensor) -> list[str]:
    """A line for each bin of confidence."""
    lines = [
        "| `confidence.Y` | pixels, % | stops in doubt, median | error in stops, RMS | median |",
        "| --- | --: | --: | --: | --: |",
    ]
    for low, high in pairwise(EDGES):
        chosen = (confidence > low) & (confidence <= high)
        if not chosen.any():
            continue
        doubt, error = confidence[chosen].reciprocal().log2(), stops[chosen].abs()
        lines.append(
            f"| {low:g} to {high:g} | {100 * chosen.float().mean():.2f} | {doubt.median():.2f} | "
            f"{math.sqrt(float(error.double().square().mean())):.2f} | {error.median():.2f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments_of_views(parser)
    parser.set_defaults(split="validation", cameras=["relume", "sihdr-clip95"], longest_side=320)
    arguments = parser.parse_args()
    views = views_of(arguments)
    found = []
    for camera in arguments.cameras:
        chosen, told = views.chosen([EmberExpansion.spec.name], camera)
        found += [judged(view) for view in chosen]
    confidence, stops = (torch.cat(parts) for parts in zip(*found, strict=True))
    origin = provenance(f"each of {told}, with the cameras {', '.join(arguments.cameras)}")
    publish("confidence", [origin, "", *rows(confidence, stops)], write=arguments.write)


if __name__ == "__main__":
    main()
