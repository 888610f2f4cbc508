"""`relume train`: run a recipe, or go on with it; `relume train export`: weights from a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from relume.cli.options import Flag

if TYPE_CHECKING:
    from relume.training.loop import Machine
    from relume.training.recipe import RecipeSettings

train = App(name="train", help="Train a network by one of the recipes, or go on with a run.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """What may be changed of a recipe; without an option the recipe's own value holds."""

    data: Path | None = None
    """Folder or pack with the training data, for recipes that need one."""
    steps: int | None = None
    """Steps in all stages together."""
    batch: int | None = None
    """Samples in a step, over all processes."""
    seed: int = 0
    """Of weights and samples."""
    start: Path | None = None
    """A weight file to begin with, for fine-tuning."""

    def settings(self) -> "RecipeSettings":
        """What the recipe is told."""
        from relume.training.recipe import RecipeSettings

        return RecipeSettings(
            data=self.data, steps=self.steps, batch=self.batch, seed=self.seed, start=self.start
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainingMachineOptions:
    """How the machine is used; the experiment does not depend on it, but for rounding."""

    device: str = "auto"
    """auto, cpu or cuda."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] | None = None
    """In place of the recipe's."""
    workers: int | None = None
    """Processes that load data, for each training process; without it half of its cores."""
    save_every: float = 60.0
    """Seconds between checkpoints."""

    def machine(self) -> "Machine":
        """What the loop is told."""
        from relume.training.loop import Machine

        return Machine(
            device=self.device,
            precision=self.precision,
            workers=self.workers,
            save_every=self.save_every,
        )


@train.default
def run(
    recipe: str | None = None,
    *,
    out: Path | None = None,
    list_recipes: Annotated[Flag, Parameter(name="--list")] = False,
    experiment: ExperimentOptions = ExperimentOptions(),
    machine: TrainingMachineOptions = TrainingMachineOptions(),
) -> int:
    """Train a network by one of the recipes, or go on with a run.

    A run that ended in any way goes on when the same command is given again. On several GPUs or hosts:
    torchrun --nproc_per_node 8 -m relume train RECIPE --out RUN

    Args:
        recipe: one of those that --list names.
        out: folder of the run: configuration, checkpoint, log, pictures.
        list_recipes: list the recipes.
    """
    from relume.errors import MethodError
    from relume.training.loop import train as train_recipe
    from relume.training.recipes import find_recipe

    if list_recipes:
        _print_recipes()
        return 0
    if recipe is None or out is None:
        raise MethodError(
            "`relume train` needs a recipe and --out with a folder; `--list` names the recipes."
        )
    progress = train_recipe(find_recipe(recipe)(experiment.settings()), out, machine=machine.machine())
    for moment, scores in progress.results.items():
        for name, value in scores.items():
            print(f"{moment:<8}{name:<24}{value:10.4f}")
    return 0


@train.command
def export(
    run: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    dtype: Literal["float32", "float16", "bfloat16"] = "float32",
) -> int:
    """Write the weights of a run, finished or not, with a card that says where they come from.

    Args:
        run: the --out folder of a training.
        output: a file that ends in .safetensors; the card lies beside it as .json.
        dtype: of the weights in the file.
    """
    import torch

    from relume.training.export import export as export_run

    types = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    export_run(run, output, dtype=types[dtype])
    print(f"{output}\n{output.with_suffix('.json')}")
    return 0


def _print_recipes() -> None:
    from relume.training.recipes import RECIPES

    for name, recipe in RECIPES.items():
        print(f"{name:<16}{(recipe.__doc__ or '').splitlines()[0]}")
