import pytest
import torch

from relume.color.transfer import pq


def test_agrees_with_colour_science(colour):
    signal = torch.linspace(0, 1, 20001, dtype=torch.float64)
    expected = torch.from_numpy(colour.models.eotf_ST2084(signal.numpy()))
    torch.testing.assert_close(pq.eotf(signal), expected, rtol=1e-12, atol=1e-12)
    luminance = torch.logspace(-6, 4, 20001, dtype=torch.float64)
    code = torch.from_numpy(colour.models.eotf_inverse_ST2084(luminance.numpy()))
    torch.testing.assert_close(pq.inverse_eotf(luminance), code, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("luminance", "code"), [(0.1, 0.0623), (1.0, 0.1499), (100.0, 0.5081), (203.0, 0.5807), (1000.0, 0.7518),
                            (4000.0, 0.9026), (10_000.0, 1.0)]
)  # fmt: skip
def test_known_levels(luminance, code):
    """203 cd/m² is 58 % PQ in table 1 of BT.2408; the others are those every PQ chart prints."""
    assert pq.inverse_eotf(torch.tensor([luminance])).item() == pytest.approx(code, abs=5e-5)
    assert pq.eotf(torch.tensor([code]).double()).item() == pytest.approx(luminance, rel=2e-3)


@pytest.mark.parametrize(("low", "high", "limit"), [(1e-6, 1e-3, 6e-6), (1e-3, 1.0, 5e-6), (1.0, 1e4, 4e-6)])
def test_round_trip_in_float32(low, high, limit):
    luminance = torch.linspace(low, high, 100_001)
    back = pq.eotf(pq.inverse_eotf(luminance))
    assert (back.double() / luminance.double() - 1).abs().max() < limit


def test_the_codes_of_twelve_and_sixteen_bits_survive_float32():
    """From the code of 1e-6 cd/m² upwards, below which the curve is a straight line."""
    for top in (4095, 65535):
        code = torch.arange(int(1.2e-4 * top) + 1, top + 1)
        assert torch.equal((pq.inverse_eotf(pq.eotf(code / top)) * top).round(), code.float())


def test_near_black():
    """The standard's formula raises 0 to a power; here a line takes over below 1e-6 cd/m²."""
    light = torch.tensor([0.0, 2.5e-7, 5e-7, 1e-6], dtype=torch.float64)
    code = pq.inverse_eotf(light)
    assert code[0].item() == pytest.approx(pq.BLACK_CODE, rel=1e-9)
    assert (code.diff() > 0).all()
    assert (pq.eotf(code) <= light + 1e-15).all()
    codes = torch.tensor([0.0, 3e-7, pq.BLACK_CODE])
    assert torch.equal(pq.eotf(codes), torch.zeros(3))
