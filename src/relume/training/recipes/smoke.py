"""A small network on synthetic scenes: the whole way from nothing to weights in a few minutes."""

from torch import Tensor

from relume.camera.camera import Camera
from relume.camera.exposure import ClippedShare
from relume.camera.noise import ProportionalNoise
from relume.camera.quantization import Quantization
from relume.camera.response_families import SrgbResponse
from relume.data.pairs import Pairs
from relume.data.scenes import SyntheticScenes
from relume.training.losses.distance import l2
from relume.training.losses.encoding import logarithm, perceptually_uniform
from relume.training.optim import Adam
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.reconstruction import Reconstruction
from relume.training.schedules import Cosine, Warmup

# A plain camera with a known curve: what is below white in the picture is right already.
CAMERA = Camera(
    exposure=ClippedShare(minimum=0.02, maximum=0.15),
    noise=ProportionalNoise(signal=0.01, read=0.002),
    response=SrgbResponse(),
    quantization=Quantization(),
)
SIZE = (128, 128)
VALIDATION_SEED = 1 << 32
"""Away from every seed that a person would give."""


def smoke(settings: RecipeSettings) -> Recipe:
    """A small U-Net on synthetic scenes: minutes on two cores, no data needed."""
    settings.refuse_data()
    steps = settings.steps or 400
    scenes = SyntheticScenes()
    stage = Stage(
        name="main",
        steps=steps,
        objective=Reconstruction(losses={"pu21": (1.0, pu21_l2), "log": (0.02, log_l2)}),
        optimizers={
            "model": Adam(learning_rate=2e-3, schedule=Warmup(rise=20, then=Cosine(floor=0.01)), clip=1.0)
        },
        data=Pairs(scenes=scenes, camera=CAMERA, size=SIZE, seed=settings.seed),
        batch=settings.batch or 8,
        average=0.99,
        validate_every=100,
    )
    return Recipe(
        name="smoke",
        model="unet",
        preset="smoke",
        stages=(stage,),
        validation=Pairs(scenes=scenes, camera=CAMERA, size=SIZE, seed=VALIDATION_SEED),
        validation_pairs=32,
        seed=settings.seed,
        start=settings.start,
    )


def pu21_l2(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error as the eye sees it on a display."""
    return l2(perceptually_uniform(prediction), perceptually_uniform(target))


def log_l2(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error of logarithms, which the brightest lights still move."""
    return l2(logarithm(prediction), logarithm(target))
