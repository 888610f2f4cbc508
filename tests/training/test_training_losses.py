"""Losses: zero at the target, right gradients, and a case worked by hand."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from relume.errors import UnreadableFile
from relume.metrics import pu21
from relume.metrics.pu21 import pu_psnr
from relume.metrics.tone_curve import correct_tone_curve
from relume.models import vgg16 as vgg16_module
from relume.models.vgg16 import Vgg16, vgg16
from relume.training.losses.adversarial import discriminator_loss, generator_loss
from relume.training.losses.corrected import NOISE, corrected_error
from relume.training.losses.distance import l1, l2
from relume.training.losses.encoding import compressed, logarithm, perceptually_uniform
from relume.training.losses.gradient import gradient_l2
from relume.training.losses.perceptual import Perceptual
from relume.training.losses.ssim import ssim_loss

Loss = Callable[[Tensor, Tensor], Tensor]


def small_perceptual() -> Perceptual:
    return Perceptual(features=vgg16(None), layers={"relu1_2": 1.0, "relu2_1": 0.5})


LOSSES: dict[str, Loss] = {
    "l1": l1,
    "l2": l2,
    "gradient_l2": gradient_l2,
    "ssim": ssim_loss,
    "log_l2": lambda p, t: l2(logarithm(p), logarithm(t)),
    "compressed_l1": lambda p, t: l1(compressed(p), compressed(t)),
    "pu21_l2": lambda p, t: l2(perceptually_uniform(p), perceptually_uniform(t)),
    "perceptual": small_perceptual(),
}

PREDICTION = torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]]], dtype=torch.float64)
TARGET = torch.tensor([[[[1.0, 4.0], [2.0, 5.0]]]], dtype=torch.float64)


@pytest.mark.parametrize("name", LOSSES)
def test_zero_at_the_target_and_positive_elsewhere(name: str, generator: torch.Generator) -> None:
    target = torch.rand(2, 3, 16, 16, generator=generator)
    assert LOSSES[name](target, target).item() == pytest.approx(0.0, abs=1e-6)
    assert LOSSES[name](target + 0.1 * torch.rand(target.shape, generator=generator), target).item() > 1e-6


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "perceptual"])
def test_gradients_are_right(name: str, generator: torch.Generator) -> None:
    shape = (11, 12) if name == "ssim" else (3, 2)
    prediction, target = torch.rand(2, 1, 3, *shape, generator=generator, dtype=torch.float64) + 0.1
    assert torch.autograd.gradcheck(lambda p: LOSSES[name](p, target), prediction.requires_grad_())


def test_gradients_of_the_perceptual_loss_are_right(generator: torch.Generator) -> None:
    loss = Perceptual(features=vgg16(None).double(), layers={"relu1_2": 1.0})
    target = torch.rand(1, 3, 3, 3, generator=generator, dtype=torch.float64)
    prediction = torch.rand(1, 3, 3, 3, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: loss(p, target), prediction)


def test_no_gradient_flows_to_the_target_of_the_perceptual_loss() -> None:
    target = torch.rand(1, 3, 8, 8, requires_grad=True)
    prediction = torch.rand(1, 3, 8, 8, requires_grad=True)
    small_perceptual()(prediction, target).backward()
    assert target.grad is None
    assert prediction.grad.abs().max() > 0


def test_distances_by_hand() -> None:
    # |p − t| = 0, 2, 1, 0.
    assert l1(PREDICTION, TARGET).item() == pytest.approx(3 / 4)
    assert l2(PREDICTION, TARGET).item() == pytest.approx(5 / 4)
    weight = torch.tensor([[[[1.0, 0.0], [2.0, 1.0]]]], dtype=torch.float64)
    assert l1(PREDICTION, TARGET, weight=weight).item() == pytest.approx(2 / 4)
    assert l2(PREDICTION, TARGET, weight=weight).item() == pytest.approx(2 / 4)


def test_weights_of_whole_samples() -> None:
    pair = torch.cat([PREDICTION, PREDICTION + 1.0])
    weight = torch.tensor([0.0, 1.0], dtype=torch.float64).view(2, 1, 1, 1)
    assert l1(pair, PREDICTION.expand(2, -1, -1, -1), weight=weight).item() == pytest.approx(0.5)


def test_gradient_loss_by_hand() -> None:
    # p − t = [[0, −2], [1, 0]]: along −2, −1; down 1, 2.
    assert gradient_l2(PREDICTION, TARGET).item() == pytest.approx((4 + 1) / 2 + (1 + 4) / 2)


def test_gradient_loss_sees_no_offset() -> None:
    assert gradient_l2(TARGET + 3.0, TARGET).item() == 0.0


def test_ssim_of_constants_by_hand() -> None:
    # Without variance only the first factor remains: (2ab + C1) / (a² + b² + C1).
    a, b, c1 = 0.5, 0.8, 1e-4
    images = (torch.full((1, 1, 11, 11), value, dtype=torch.float64) for value in (a, b))
    expected = 1.0 - (2 * a * b + c1) / (a * a + b * b + c1)
    assert ssim_loss(*images).item() == pytest.approx(expected)


def test_ssim_agrees_with_scikit_image(generator: torch.Generator) -> None:
    from skimage.metrics import structural_similarity

    first, second = torch.rand(2, 24, 28, generator=generator, dtype=torch.float64)
    _, expected = structural_similarity(
        first.numpy(),
        second.numpy(),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    ours = ssim_loss(first[None, None], second[None, None]).item()
    assert ours == pytest.approx(1.0 - expected[5:-5, 5:-5].mean(), abs=1e-6)


def test_ssim_is_not_computed_in_half_precision(generator: torch.Generator) -> None:
    first, second = torch.rand(2, 1, 3, 16, 16, generator=generator)
    expected = ssim_loss(first, second)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(ssim_loss(first, second), expected)


def test_encodings_by_hand() -> None:
    light = torch.tensor([0.0, 1.0, 10.0], dtype=torch.float64)
    assert logarithm(light)[0].item() == pytest.approx(-math.log(255.0))
    assert compressed(light).tolist() == pytest.approx([0.0, 1.0, math.log(101.0) / math.log(11.0)])
    # PU21 of 100 cd/m² is 256.384 units.
    assert perceptually_uniform(light[1:2], white=100.0).item() == pytest.approx(256.384 / 256.0, abs=1e-4)


@pytest.mark.parametrize("encode", [logarithm, compressed, perceptually_uniform])
def test_encodings_have_finite_gradients_everywhere(encode: Callable[[Tensor], Tensor]) -> None:
    light = torch.tensor([-1.0, 0.0, 1e-6, 1.0, 1e4, 1e6], requires_grad=True)
    encoded = encode(light)
    encoded.sum().backward()
    assert torch.isfinite(encoded).all()
    assert torch.isfinite(light.grad).all()


def test_adversarial_losses_by_hand() -> None:
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    is_real, is_real_of_fake = torch.sigmoid(real), torch.sigmoid(fake)
    expected = -is_real.log().mean() - (1 - is_real_of_fake).log().mean()
    assert discriminator_loss(real, fake).item() == pytest.approx(expected.item(), rel=1e-5)
    assert generator_loss(fake).item() == pytest.approx(-is_real_of_fake.log().mean().item(), rel=1e-5)
    saturating = (1 - is_real_of_fake).log().mean()
    assert generator_loss(fake, saturating=True).item() == pytest.approx(saturating.item(), rel=1e-5)


def test_the_probability_of_a_fake_is_the_other_sign() -> None:
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    # iTMN: the discriminator raises E log(1 − D(real)) + E log D(fake), the generator lowers E log D(fake).
    regularizer = (1 - torch.sigmoid(real)).log().mean() + torch.sigmoid(fake).log().mean()
    ours = discriminator_loss(real, fake, probability_of="fake")
    assert ours.item() == pytest.approx(-regularizer.item(), rel=1e-5)
    theirs = torch.sigmoid(fake).log().mean()
    lowered = generator_loss(fake, probability_of="fake", saturating=True)
    assert lowered.item() == pytest.approx(theirs.item(), rel=1e-5)


def test_adversarial_losses_stay_finite_for_a_sure_discriminator() -> None:
    logits = torch.tensor([1e4, -1e4], requires_grad=True)
    (discriminator_loss(logits, logits) + generator_loss(logits)).backward()
    assert torch.isfinite(logits.grad).all()


def test_adversarial_gradients_point_where_they_should() -> None:
    fake = torch.tensor([0.3], requires_grad=True)
    generator_loss(fake).backward()
    assert fake.grad.item() < 0  # lowering the loss raises the probability of being real
    fake.grad = None
    generator_loss(fake, probability_of="fake").backward()
    assert fake.grad.item() > 0


def torchvision_state() -> dict[str, Tensor]:
    """What torchvision's file holds, with the random weights and without the classifier."""
    network, state = vgg16(None), {}
    for block, numbers in enumerate(vgg16_module._NUMBERS, start=1):
        for number, theirs in enumerate(numbers, start=1):
            layer = network.get_submodule(f"conv{block}_{number}")
            state |= {f"features.{theirs}.{kind}": value * 0.5 for kind, value in layer.state_dict().items()}
    return state


def test_vgg16_has_the_layers_of_the_paper() -> None:
    # [simonyan2015]: the convolutions of configuration D have 14,714,688 parameters.
    assert sum(parameter.numel() for parameter in vgg16(None).parameters()) == 14_714_688


def test_random_features_are_the_same_every_time_and_trainable_by_none() -> None:
    first, second = vgg16(None), vgg16(None)
    assert torch.equal(first.conv3_2.weight, second.conv3_2.weight)
    assert not any(parameter.requires_grad for parameter in first.parameters())
    assert "random" in first.extra_repr()


def test_features_keep_their_scale_through_random_layers(generator: torch.Generator) -> None:
    image = torch.randn(1, 3, 64, 64, generator=generator)
    found = vgg16(None)(image, frozenset({"relu1_1", "relu2_2", "relu4_3"}))
    assert list(found) == ["relu1_1", "relu2_2", "relu4_3"]
    assert all(0.2 < features.square().mean().sqrt() < 5.0 for features in found.values())
    assert tuple(found["relu4_3"].shape) == (1, 512, 8, 8)


def test_weights_of_a_file_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "vgg16.safetensors"
    safetensors.torch.save_file(torchvision_state(), path)
    network = vgg16(path)
    assert torch.equal(network.conv5_3.weight, vgg16(None).conv5_3.weight * 0.5)
    assert "vgg16.safetensors" in network.extra_repr()


def test_of_pickles_only_torchvisions_own_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vgg16.pth"
    torch.save(torchvision_state(), path)
    with pytest.raises(UnreadableFile, match="is not torchvision's vgg16-397923af"):
        vgg16(path)
    monkeypatch.setattr(vgg16_module, "_TORCHVISION_HASH", hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    assert torch.equal(vgg16(path).conv1_1.weight, vgg16(None).conv1_1.weight * 0.5)


def test_files_that_are_no_vgg16(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        vgg16(tmp_path / "missing.safetensors")
    safetensors.torch.save_file({"features.0.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(UnreadableFile, match="does not hold torchvision's VGG16"):
        vgg16(tmp_path / "other.safetensors")


def test_unknown_layers_are_named() -> None:
    with pytest.raises(ValueError, match="relu9_9"):
        Vgg16("test")(torch.zeros(1, 3, 32, 32), frozenset({"relu9_9"}))


def test_the_corrected_error_is_the_score_of_each_picture(generator: torch.Generator) -> None:
    """Of pictures whose pixels come in fours, of which the loss looks at one."""

    def fours(picture: Tensor) -> Tensor:
        return picture.repeat_interleave(2, -2).repeat_interleave(2, -1)

    target = fours(4.0 * torch.rand(2, 3, 24, 32, generator=generator))
    near = target * torch.exp(0.2 * fours(torch.randn(2, 3, 24, 32, generator=generator)))
    losses = corrected_error(near, target)
    for result, truth, loss in zip(near, target, losses, strict=True):
        corrected = correct_tone_curve(203.0 * result, 203.0 * truth).clamp(max=1000.0)
        score = pu_psnr(corrected, (203.0 * truth).clamp(max=1000.0)).item()
        squared = pu21.PEAK**2 / 10.0 ** (score / 10.0)
        assert loss.item() == pytest.approx(math.log10(squared + NOISE), abs=1e-3)


def test_a_tone_curve_costs_next_to_nothing_after_the_correction(generator: torch.Generator) -> None:
    target = 0.05 + torch.rand(2, 1, 32, 32, generator=generator).expand(-1, 3, -1, -1)
    darker = (0.5 * target.sqrt()).requires_grad_()
    loss = corrected_error(darker, target)
    assert (loss < 1.0).all()
    assert (corrected_error(target + 0.3 * target.flip(-1), target) > loss + 1.0).all()
    (slope,) = torch.autograd.grad(loss.sum(), darker)
    assert slope.isfinite().all()
    assert slope.abs().max() > 0
