"""The experiments: one table, name → function that returns the complete recipe."""

from collections.abc import Callable

from relume.errors import MethodError
from relume.training.recipe import Recipe, RecipeSettings
from relume.training.recipes import itmn
from relume.training.recipes.smoke import smoke

RECIPES: dict[str, Callable[[RecipeSettings], Recipe]] = {
    "smoke": smoke,
    "itmn": itmn.itmn,
    "itmn_nodmse": itmn.itmn_nodmse,
    "itmn_noadvreg": itmn.itmn_noadvreg,
    "itmn_paper": itmn.itmn_paper,
    "itmn_nodmse_paper": itmn.itmn_nodmse_paper,
    "itmn_noadvreg_paper": itmn.itmn_noadvreg_paper,
}


def find_recipe(name: str) -> Callable[[RecipeSettings], Recipe]:
    """The function of that name; call it with settings.

    Raises:
        MethodError: no such recipe.
    """
    if name not in RECIPES:
        raise MethodError(f"there is no recipe '{name}'; `relume train --list` knows {', '.join(RECIPES)}.")
    return RECIPES[name]
