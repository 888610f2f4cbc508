"""What each part of a system is worth: the papers' ablations and designs of ours, trained for the same steps.

    python benchmarks/ablations.py --runs RUNS [../shared/data/hdr] [--data PACK] [--steps N]
                                   [--only TABLE ...] [--split validation] [--cache FOLDER] [--write]

Every variant is a recipe of `relume train`, run for as many steps as its table has by default, or N, in all
stages together, with the recipe's own batch, into RUNS/RECIPE-STEPS-PACK; the weights lie beside that folder.
Given again, the command goes on where it was: what is trained stays, what was interrupted continues. Without
--data scenes are synthetic.

The weights are then scored as in benchmarks/systems.py, on the scenes kept for validation unless --split
names others. There is a table for each comparison, best first; --write puts it into its section of
docs/results.md. Under it stands what may be claimed of the variant that was chosen. The order is what to
compare with the papers, not the numbers: these networks are narrower, and trained much shorter.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from relume.evaluation.ranking import ranked, table
from relume.evaluation.run import Record
from relume.evaluation.simulate import UNPROCESSED
from relume.evaluation.summary import compare_methods
from relume.models.learned import SHIPPED_WEIGHTS
from relume.training.export import export
from relume.training.loop import Machine, train
from relume.training.recipe import RecipeSettings
from relume.training.recipes import find_recipe
from results_page import provenance, publish
from systems import (
    AS_IT_IS,
    CLIPPED,
    CORRECTED,
    HDR_VDP,
    VSI,
    arguments_of_views,
    budgets,
    failures_of,
    joined,
    views_of,
)


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A comparison of a paper, or of ours."""

    variants: Mapping[str, str]
    """Recipe → what the table calls it."""
    whole: str
    """The variant that was chosen, by what the table calls it."""
    told: str
    """What is known of it: what the paper found."""
    steps: int
    """Of each variant, in all stages together."""
    start: str | None = None
    """Shipped weights that all variants begin with, in what they have in common; None: they begin anew."""

    def weights(self, recipe: str, runs: Path, *, steps: int, data: Path | None) -> Path:
        """Where the weights of a variant lie, or will."""
        words = [recipe, str(steps), data.stem if data else "synthetic"]
        words += [f"after-{self.start}"] if self.start else []
        return runs / f"{'-'.join(words)}.safetensors"


ABLATIONS = {
    "alpha": Ablation(
        variants={
            "sparam_convlstm": "α = 0.7",
            "sparam_convlstm_alpha50": "α = 0.5",
            "sparam_convlstm_alpha30": "α = 0.3",
        },
        whole="α = 0.7",
        told="The paper's numbers are lost, but it found α > β better.",
        steps=400,
    ),
    "bands": Ablation(
        variants={
            "sparam_convlstm_n3": "N = 3",
            "sparam_convlstm_n4": "N = 4",
            "sparam_convlstm": "N = 5",
            "sparam_convlstm_n6": "N = 6",
            "sparam_convlstm_n7": "N = 7",
        },
        whole="N = 5",
        told="The paper chose N = 5.",
        steps=400,
    ),
    "duhdr-parts": Ablation(
        variants={
            "duhdr_innet": "INnet",
            "duhdr_innet_nnet": "INnet, Nnet",
            "duhdr_innet_nnet_dnet": "INnet, Nnet, Dnet",
            "duhdr_itnet": "INnet, Nnet, Dnet, truncation process",
        },
        whole="INnet, Nnet, Dnet, truncation process",
        told="The paper's HDR-VDP-3 on HDR-Eye: 6.672, 6.698, 6.704, 6.712, in this order.",
        steps=300,
    ),
    "duhdr-oonet": Ablation(
        variants={
            "duhdr_itnet": "no OOnet",
            "duhdr_unet": "a U-Net",
            "duhdr_rfb": "receptive field blocks",
            "duhdr_paired": "receptive field blocks, attention",
        },
        whole="receptive field blocks, attention",
        told="The paper's HDR-VDP-3 on HDR-Eye: 6.712, 6.695, 6.719, 6.731, in this order.",
        steps=300,
        start="duhdr",
    ),
    "itmn": Ablation(
        variants={"itmn": "iTMN", "itmn_nodmse": "NoDMSE", "itmn_noadvreg": "NoAdvReg"},
        whole="iTMN",
        told="The paper's HDR-VDP-2 is 73.77 for the whole; most likely 72.47 and 70.52 for the others.",
        steps=300,
    ),
    "ember": Ablation(
        variants={
            "ember": "base",
            "ember_small": "half the channels",
            "ember_shallow": "three levels in the place of five",
            "ember_eager": "changes what is brighter than code 0.75",
        },
        whole="base",
        told="The base is the design of the default of `expand`; the others are what it might have been.",
        steps=1500,
    ),
}

COLUMNS = {
    "PU21-PSNR, tone curve corrected": CORRECTED,
    "as it is": AS_IT_IS,
    "stops RMS in clipped, corrected": CLIPPED,
    "PU21-VSI, corrected": VSI,
    "HDR-VDP-3, corrected": HDR_VDP,
}


def trained(ablation: Ablation, recipe: str, weights: Path, *, steps: int, data: Path | None) -> None:
    """Train a variant, unless its weights are there already."""
    if weights.exists():
        return
    print(f"training {recipe}", file=sys.stderr)
    start = SHIPPED_WEIGHTS / f"{ablation.start}.safetensors" if ablation.start else None
    settings = RecipeSettings(data=data, steps=steps, start=start)
    run = weights.with_suffix("")
    train(find_recipe(recipe)(settings), run, machine=Machine())
    export(run, weights)


def section(
    ablation: Ablation, records: Sequence[Record], weights: Mapping[str, Path], *, steps: int
) -> list[str]:
    """One table, and what may be claimed of its variants; `weights` by recipe."""
    names = {str(path): ablation.variants[recipe] for recipe, path in weights.items()}
    names |= {UNPROCESSED: UNPROCESSED}
    called = [replace(record, method=names[record.method]) for record in records if record.method in names]
    columns = {head: ranked(called, question) for head, question in COLUMNS.items()}
    columns = {head: ranking for head, ranking in columns.items() if ranking.rows}
    verdicts = [
        f"- {comparison.verdict}"
        for comparison in compare_methods(CORRECTED.of(called))
        if ablation.whole in (comparison.left, comparison.right)
    ]
    begun = f"begun with the shipped {ablation.start} in what they share" if ablation.start else "begun anew"
    told = f"{ablation.told} Here {steps} steps each, {begun}."
    return ["", told, "", *table(columns), "", *verdicts]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments_of_views(parser)
    parser.set_defaults(split="validation", cameras=["relume"])
    parser.add_argument("--runs", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--steps", type=int, help="of each variant, in place of what its table has")
    parser.add_argument("--data", type=Path, help="the pack to train on; synthetic scenes without it")
    parser.add_argument("--only", nargs="+", choices=list(ABLATIONS), default=list(ABLATIONS))
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    views, told_data = views_of(arguments), arguments.data.stem if arguments.data else "synthetic"
    for name in arguments.only:
        ablation, steps = ABLATIONS[name], arguments.steps or ABLATIONS[name].steps
        weights = {
            recipe: ablation.weights(recipe, arguments.runs, steps=steps, data=arguments.data)
            for recipe in ablation.variants
        }
        for recipe, path in weights.items():
            trained(ablation, recipe, path, steps=steps, data=arguments.data)
        methods = [str(path) for path in weights.values()]
        outcome = joined([views.expanded(methods, camera) for camera in arguments.cameras])
        lines = [
            provenance(
                f"one seed, training scenes: {told_data}",
                f"each of {views.chosen(methods, arguments.cameras[0])[1]}",
                f"with the cameras {', '.join(arguments.cameras)}",
            ),
            *section(ablation, outcome.records, weights, steps=steps),
            *failures_of([outcome]),
            *budgets({str(path): recipe for recipe, path in weights.items()}),
        ]
        publish(f"ablation-{name}", lines, write=arguments.write)


if __name__ == "__main__":
    main()
