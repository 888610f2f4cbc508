import pytest
import torch

from relume.camera.response import PopulationResponse
from relume.errors import UnreadableFile
from relume.response.basis import VECTORS, own_basis, principal_basis
from relume.response.curve import SAMPLES, inverse_curve, pinned
from relume.response.population import population
from relume.response.tables import load_dorf, load_emor


def rms(curves):
    return curves.square().mean(1).sqrt()


@pytest.mark.parametrize("inverse", [False, True])
def test_vectors_are_orthonormal_and_0_at_the_ends(inverse):
    basis = own_basis(inverse=inverse)
    identity = torch.eye(VECTORS, dtype=torch.float64)
    torch.testing.assert_close(basis.vectors @ basis.vectors.T, identity, rtol=0, atol=1e-12)
    assert basis.vectors[:, [0, -1]].abs().max() < 1e-9
    assert basis.mean[[0, -1]].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("inverse", "count", "explained"),
    [(False, 1, 0.899), (False, 3, 0.9976), (False, 5, 0.99987), (True, 1, 0.881), (True, 5, 0.99991)],
)
def test_the_variance_explained_is_what_the_docstring_says(inverse, count, explained):
    curves = inverse_curve(population()) if inverse else population()
    basis = own_basis(inverse=inverse).first(count)
    left = (curves - basis.curves(basis.project(curves))).square().sum()
    total = (curves - basis.mean).square().sum()
    assert 1 - left / total == pytest.approx(explained, abs=6e-4 if explained < 0.99 else 6e-5)


def test_eleven_vectors_leave_little_of_any_member():
    basis = own_basis().first(11)
    assert rms(basis.curves(basis.project(population())) - population()).max() < 5e-4


def test_signs_do_not_depend_on_the_library():
    vectors = own_basis().vectors
    assert (vectors.gather(1, vectors.abs().argmax(1, keepdim=True)) > 0).all()
    turned = principal_basis(population().flip(0), 8).vectors
    torch.testing.assert_close(turned, vectors[:8], rtol=0, atol=1e-8)


def test_curves_follow_the_precision_of_the_coefficients():
    assert own_basis().curves(torch.zeros(2, 25)).dtype == torch.float32
    assert torch.equal(own_basis().curves(torch.zeros(1, 25, dtype=torch.float64))[0], own_basis().mean)


@pytest.mark.parametrize(("name", "inverse"), [("emor.txt", False), ("invemor.txt", True)])
def test_our_basis_expresses_the_measured_mean_and_its_directions(shared, name, inverse):
    measured = load_emor(shared / "data" / "response" / name)
    ours = own_basis(inverse=inverse).first(11)
    mean = measured.mean[None]
    assert rms(ours.curves(ours.project(mean)) - mean).item() < 2e-4
    # How much of each measured direction lies in ours: the first four, 99.8 %, and all but 2 % of the fifth.
    within = (measured.vectors[:5] @ ours.vectors.T).norm(dim=1)
    assert (within > torch.tensor([0.998] * 4 + [0.98])).all()


def test_the_measured_basis_expresses_our_population(shared):
    measured = load_emor(shared / "data" / "response" / "emor.txt")
    for count, mean in ((3, 8e-3), (5, 2.5e-3), (11, 6e-4), (25, 1e-4)):
        basis = measured.first(count)
        assert rms(basis.curves(basis.project(population())) - population()).mean() < mean


def test_the_measured_table_is_as_published(shared):
    forward, inverse = (
        load_emor(shared / "data" / "response" / name) for name in ("emor.txt", "invemor.txt")
    )
    for basis in (forward, inverse):
        assert basis.vectors.shape == (25, SAMPLES)
        gram = basis.vectors @ basis.vectors.T
        torch.testing.assert_close(gram, torch.eye(25, dtype=torch.float64), rtol=0, atol=1e-4)
    # At irradiance or code 256/1023.
    assert forward.mean[256] == pytest.approx(0.5207, abs=1e-3)
    assert inverse.mean[256] == pytest.approx(0.1124, abs=1e-3)


def test_random_curves_within_a_measured_basis(shared, generator):
    basis = load_emor(shared / "data" / "response" / "emor.txt")
    light = torch.ones(40, 3, 1, 1, dtype=torch.float64)
    state = generator.get_state()
    whole = PopulationResponse().draw(light, generator)
    generator.set_state(state)
    within = PopulationResponse(basis=basis, components=11).draw(light, generator)
    assert rms(within - whole).max() < 5e-3
    assert (within.diff(dim=1) >= 0).all()


def write_emor(path, vectors=2, samples=SAMPLES):
    block = "\r\n".join(" ".join("2.5e-001" for _ in range(4)) for _ in range(samples // 4))
    names = ["E = ", "f0 = ", *(f"h({index + 1})=" for index in range(vectors))]
    path.write_text("".join(f"{name}\r\n{block}\r\n" for name in names))
    return path


def test_a_table_with_any_number_of_vectors_is_read(tmp_path):
    basis = load_emor(write_emor(tmp_path / "table.txt", vectors=3))
    assert basis.vectors.shape == (3, SAMPLES)
    assert (basis.mean == 0.25).all()


@pytest.mark.parametrize("load", [load_emor, load_dorf])
def test_files_of_another_kind_are_refused_with_a_sentence(tmp_path, load):
    with pytest.raises(UnreadableFile, match="cannot be read"):
        load(tmp_path / "missing.txt")
    other = tmp_path / "other.txt"
    other.write_text("E =\nhello world\n" * 6)
    with pytest.raises(UnreadableFile, match=r"no table of responses|expected records"):
        load(other)
    with pytest.raises(UnreadableFile, match="expected"):
        load(write_emor(tmp_path / "short.txt", samples=8))


def test_dorf_records_are_read_in_order_with_exact_ends(tmp_path):
    rows = population()[:3] * 0.99 + 0.005
    numbers = [" ".join(f"{value:.9f}" for value in row.tolist()) for row in rows]
    records = [f"film{index}\nneg\nI =\n0 1\nB =\n{line}\n" for index, line in enumerate(numbers)]
    path = tmp_path / "dorfCurves.txt"
    path.write_text("".join(records))
    torch.testing.assert_close(load_dorf(path), pinned(rows), rtol=0, atol=1e-9)
