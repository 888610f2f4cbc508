"""Weight files: build → save → load → the same output; and a card that says what they are."""

import json
from pathlib import Path

import pytest
import torch

from relume.color.encoding import SRGB
from relume.errors import UnreadableFile, UnwritableFile
from relume.image import Image
from relume.inference.runner import run
from relume.models import MODELS, build
from relume.models.learned import load_method
from relume.models.tensor_file import read_tensor_file
from relume.models.weights import Card, load_weights, save_weights

CARD = Card(model="unet", preset="smoke", spec={"name": "unet"}, recipe={"seed": 3}, hours=0.5)


def trained() -> torch.nn.Module:
    torch.manual_seed(1)
    network = build("unet", preset="smoke").eval()
    torch.nn.init.normal_(network.head.weight)
    return network


@pytest.mark.parametrize(
    ("name", "preset"),
    [(name, preset) for name, model in MODELS.items() for preset in model.presets if preset != "paper"],
)
def test_every_preset_survives_its_file(name: str, preset: str, tmp_path: Path) -> None:
    network = build(name, preset=preset).eval()
    card = Card(model=name, preset=preset, spec={}, recipe={})
    save_weights(tmp_path / "w.safetensors", network, card=card)
    loaded, _ = load_weights(tmp_path / "w.safetensors")
    state, expected = loaded.state_dict(), network.state_dict()
    assert set(state) == set(expected)
    assert all(torch.equal(state[key], expected[key]) for key in expected)


def test_the_same_output_and_the_card(tmp_path: Path) -> None:
    network, path = trained(), tmp_path / "w.safetensors"
    save_weights(path, network, card=CARD)
    loaded, card = load_weights(path)
    sdr = torch.rand(1, 3, 32, 32) + 0.5
    assert card == CARD
    assert torch.equal(loaded(sdr), network(sdr))
    assert not loaded.training
    assert json.loads(path.with_suffix(".json").read_text())["recipe"] == {"seed": 3}


def test_reading_draws_no_random_numbers(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", trained(), card=CARD)
    before = torch.get_rng_state()
    load_weights(tmp_path / "w.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_half_precision_keeps_statistics_that_are_too_large_for_it(tmp_path: Path) -> None:
    network = build("itmn", preset="compact").eval()
    with torch.no_grad():
        for name, values in network.named_buffers():
            if name.endswith("running_var"):
                values.fill_(1e6)
    save_weights(tmp_path / "w.safetensors", network, card=CARD, dtype=torch.float16)
    loaded, _ = read_tensor_file(tmp_path / "w.safetensors")
    kept = {name: tensor for name, tensor in loaded.items() if name.endswith("running_var")}
    assert kept
    # In half precision 1e6 is infinite, and so equal to itself.
    assert all((tensor.double() == 1e6).all() for tensor in kept.values())


def test_weights_that_half_precision_cannot_hold_are_refused(tmp_path: Path) -> None:
    network, path = trained(), tmp_path / "w.safetensors"
    with torch.no_grad():
        network.head.bias.fill_(1e6)
    with pytest.raises(
        UnwritableFile, match=r"head\.bias has values that are no torch\.float16; write float32"
    ):
        save_weights(path, network, card=CARD, dtype=torch.float16)
    assert not path.exists()


def test_half_precision_takes_half_the_room(tmp_path: Path) -> None:
    network = trained()
    for dtype in (torch.float32, torch.float16):
        save_weights(tmp_path / f"{dtype}.safetensors", network, card=CARD, dtype=dtype)
    full, half = (
        (tmp_path / f"{dtype}.safetensors").stat().st_size for dtype in (torch.float32, torch.float16)
    )
    assert half < 0.6 * full
    loaded, _ = load_weights(tmp_path / "torch.float16.safetensors")
    assert loaded.head.weight.dtype == torch.float32
    assert torch.allclose(loaded.head.weight, network.head.weight, rtol=1e-3)


def test_a_weight_file_is_a_method(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", trained(), card=CARD)
    method = load_method(tmp_path / "w.safetensors")
    result = run(method, Image(torch.full((3, 37, 50), 0.5), SRGB))
    assert result.is_hdr
    assert tuple(result.pixels.shape) == (3, 37, 50)
    # Nothing is clipped: sRGB code 0.5 is 0.2140 of white.
    assert torch.allclose(result.pixels, torch.tensor(0.21404), atol=1e-5)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    network = trained()
    save_weights(
        tmp_path / "a.safetensors", network, card=Card(model="unet", preset="base", spec={}, recipe={})
    )
    with pytest.raises(UnreadableFile, match="holds no weights that this version of relume knows"):
        load_weights(tmp_path / "a.safetensors")
    save_weights(tmp_path / "b.safetensors", network, card=Card(model="gone", preset="a", spec={}, recipe={}))
    with pytest.raises(UnreadableFile, match="there is no network 'gone'"):
        load_weights(tmp_path / "b.safetensors")
    with pytest.raises(UnwritableFile, match="name the file so"):
        save_weights(tmp_path / "w.pth", network, card=CARD)
