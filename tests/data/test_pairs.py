"""Training pairs: what the camera saw and what it made of it, the same whoever asks."""

from dataclasses import replace

import torch

from relume.camera import presets
from relume.camera.exposure import ClippedShare
from relume.color.transfer import srgb
from relume.data.pairs import MixedPairs, Pairs, sample_generator
from relume.data.scenes import SyntheticScenes
from relume.response.curve import lookup


def _pairs(seed: int = 0) -> Pairs:
    return Pairs(scenes=SyntheticScenes(("day",)), camera=presets.find(), size=(32, 48), seed=seed)


def test_a_pair_is_a_pure_function_of_seed_and_index() -> None:
    first, again, other = _pairs()[7], _pairs()[7], _pairs(1)[7]
    assert set(first) == {"sdr", "hdr", "exposure", "response", "white"}
    for name, value in first.items():
        assert torch.equal(value, again[name])
    assert not torch.equal(first["sdr"], other["sdr"])
    assert not torch.equal(first["sdr"], _pairs()[8]["sdr"])


def test_the_clean_picture_comes_where_it_is_asked_for() -> None:
    pair, plain = replace(_pairs(), clean=True)[7], _pairs()[7]
    assert set(pair) == {*plain, "clean"}
    assert all(torch.equal(pair[name], value) for name, value in plain.items())
    expected = lookup(pair["hdr"][None].clamp(0.0, 1.0), pair["response"][None])[0]
    torch.testing.assert_close(pair["clean"], expected)
    assert not torch.allclose(pair["sdr"], expected, atol=0.5 / 255.0)


def test_the_light_of_white_is_told_where_it_had_to_be_found() -> None:
    camera = replace(presets.find("itmn"), exposure=presets.find().exposure)
    plain, pair = (replace(_pairs(), camera=camera, fitted=fitted)[7] for fitted in (False, True))
    assert plain["white"] == 1.0
    assert abs(pair["white"] - 1.0) > 0.05
    torch.testing.assert_close(pair["white"] * pair["hdr"], plain["hdr"])
    torch.testing.assert_close(pair["white"] * pair["exposure"], plain["exposure"])


def test_the_shown_light_has_the_standard_curve_up_to_white() -> None:
    # The brightest exposures, or nothing would lie above white.
    camera = replace(presets.find(), exposure=ClippedShare(minimum=0.3, maximum=0.3))
    plain, pair = (replace(_pairs(), camera=camera, shown=shown)[7] for shown in (False, True))
    assert all(torch.equal(plain[name], pair[name]) for name in plain if name != "hdr")
    above = plain["hdr"] >= 1.0
    assert 0.1 < above.float().mean() < 0.9
    torch.testing.assert_close(pair["hdr"][above], plain["hdr"][above])
    code = lookup(plain["hdr"][None].clamp(max=1.0), plain["response"][None])[0]
    torch.testing.assert_close(srgb.inverse_eotf(pair["hdr"])[~above], code[~above])
    assert (plain["hdr"] - pair["hdr"])[~above].abs().max() > 0.01


def test_shapes_and_ranges() -> None:
    pair = _pairs()[3]
    assert pair["sdr"].shape == pair["hdr"].shape == (3, 32, 48)
    assert pair["response"].shape == (1024,)
    assert pair["exposure"].shape == ()
    assert 0 <= float(pair["sdr"].min()) <= float(pair["sdr"].max()) <= 1
    assert float(pair["hdr"].min()) >= 0


def test_seeds_and_indices_are_far_apart() -> None:
    states = {sample_generator(seed, index).initial_seed() for seed in range(30) for index in range(300)}
    assert len(states) == 9000
    draws = torch.stack([torch.rand(4, generator=sample_generator(0, index)) for index in range(4000)])
    correlation = torch.corrcoef(torch.cat([draws[:-1], draws[1:]], dim=1).T)[:4, 4:]
    assert float(correlation.abs().max()) < 0.07  # four standard deviations


def test_mixed_pairs_come_from_their_parts_in_their_shares() -> None:
    parts = [(replace(_pairs(seed), size=(8, 8)), share) for seed, share in ((1, 3.0), (2, 1.0))]
    mixed = MixedPairs(parts=parts, seed=5)
    assert len(mixed) == len(_pairs())
    from_first = 0
    for index in range(20):
        chosen = mixed[index]["sdr"]
        first, second = (torch.equal(chosen, pairs[index]["sdr"]) for pairs, _ in parts)
        assert first != second
        from_first += first
    assert 10 <= from_first < 20  # 15 expected, with a standard deviation of 2
    assert torch.equal(mixed[7]["sdr"], MixedPairs(parts=parts, seed=5)[7]["sdr"])
