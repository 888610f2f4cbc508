"""The experiments: one table, name → function that returns the complete recipe."""

from collections.abc import Callable

from relume.errors import MethodError
from relume.training.recipe import Recipe, RecipeSettings
from relume.training.recipes import duhdr, ember, itmn, rassdl, sparam_convlstm
from relume.training.recipes.smoke import smoke

RECIPES: dict[str, Callable[[RecipeSettings], Recipe]] = {
    "smoke": smoke,
    "ember": ember.ember,
    "ember_curve": ember.ember_curve,
    "ember_cleaner": ember.ember_cleaner,
    "ember_small": ember.ember_small,
    "ember_shallow": ember.ember_shallow,
    "ember_eager": ember.ember_eager,
    "duhdr": duhdr.duhdr,
    "duhdr_paper": duhdr.duhdr_paper,
    "duhdr_paired": duhdr.duhdr_paired,
    "duhdr_innet": duhdr.duhdr_innet,
    "duhdr_innet_nnet": duhdr.duhdr_innet_nnet,
    "duhdr_innet_nnet_dnet": duhdr.duhdr_innet_nnet_dnet,
    "duhdr_itnet": duhdr.duhdr_itnet,
    "duhdr_unet": duhdr.duhdr_unet,
    "duhdr_rfb": duhdr.duhdr_rfb,
    "itmn": itmn.itmn,
    "itmn_nodmse": itmn.itmn_nodmse,
    "itmn_noadvreg": itmn.itmn_noadvreg,
    "itmn_paper": itmn.itmn_paper,
    "itmn_nodmse_paper": itmn.itmn_nodmse_paper,
    "itmn_noadvreg_paper": itmn.itmn_noadvreg_paper,
    "rassdl": rassdl.rassdl,
    "rassdl_paper": rassdl.rassdl_paper,
    "sparam_convlstm": sparam_convlstm.sparam_convlstm,
    "sparam_convlstm_alpha50": sparam_convlstm.sparam_convlstm_alpha50,
    "sparam_convlstm_alpha30": sparam_convlstm.sparam_convlstm_alpha30,
    **{f"sparam_convlstm_n{bands}": sparam_convlstm.in_bands(bands) for bands in (3, 4, 6, 7)},
    "sparam_convlstm_paper": sparam_convlstm.sparam_convlstm_paper,
}


def find_recipe(name: str) -> Callable[[RecipeSettings], Recipe]:
    """The function of that name; call it with settings.

    Raises:
        MethodError: no such recipe.
    """
    if name not in RECIPES:
        raise MethodError(f"there is no recipe '{name}'; `relume train --list` knows {', '.join(RECIPES)}.")
    return RECIPES[name]
