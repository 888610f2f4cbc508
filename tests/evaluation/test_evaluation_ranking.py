import pytest

from relume.evaluation.ranking import Question, ranked, standing, table
from relume.evaluation.run import Record
from relume.evaluation.simulate import UNPROCESSED

QUALITY = Question(title="quality", metric="pu_psnr", protocol="tone-curve")
ERROR = Question(title="error", metric="stops_rmse_clipped", protocol="tone-curve")


def records(question: Question, gains: dict[str, list[float]]) -> list[Record]:
    """Each method with its gains over the unprocessed picture, one for each scene."""
    scenes = len(next(iter(gains.values())))
    return [
        Record(
            scene=f"s{scene}",
            picture=f"s{scene}",
            method=method,
            metric=question.metric,
            protocol=question.protocol,
            value=20.0 + scene + gain[scene],
            described="",
        )
        for scene in range(scenes)
        for method, gain in {UNPROCESSED: [0.0] * scenes, **gains}.items()
    ]


def constant(gain: float) -> list[float]:
    return [gain + 0.01 * index for index in range(6)]


MIXED = [-1.0, 1.0, -1.0, 1.0, -1.0, 1.02]
"""Better on average, but not beyond doubt."""


@pytest.mark.parametrize(
    ("question", "order"),
    [(QUALITY, ["high", UNPROCESSED, "low"]), (ERROR, ["low", UNPROCESSED, "high"])],
)
def test_the_best_stands_first_whichever_way_is_good(question: Question, order: list[str]) -> None:
    found = records(question, {"low": constant(-1.0), "high": constant(2.0)})
    other = records(ERROR if question is QUALITY else QUALITY, {"another": constant(9.0)})
    assert [row.method for row in ranked(found + other, question).rows] == order


def test_scenes_count_once_however_many_cameras_saw_them() -> None:
    found = records(QUALITY, {"method": constant(1.0)})
    again = [record for record in found if record.scene == "s0"]
    row = ranked(found + again, QUALITY).rows[0]
    assert row.scenes == 6
    assert row.mean.mean == pytest.approx(20.0 + 2.5 + 1.025)


def test_a_table_has_a_line_for_each_method_in_the_order_of_the_first_column() -> None:
    found = records(QUALITY, {"weak": constant(-1.0), "strong": constant(2.0)})
    without = [record for record in found if record.method != "weak"]
    columns = {"all": ranked(found, QUALITY), "one camera": ranked(without, QUALITY)}
    lines = table(columns, labels={"strong": "Strong"})
    assert lines[0] == "| method | all | one camera |"
    assert lines[1] == "| --- | --: | --: |"
    assert lines[2].startswith("| Strong | 24.53 (+2.02 [+2.01, +2.04")
    assert lines[3] == f"| {UNPROCESSED} | 22.50 | 22.50 |"
    assert lines[4].startswith("| weak | 21.53 (-0.97 [-0.99, -0.96])")
    assert lines[4].endswith(" | – |")
    assert len(lines) == 5


BEATEN = "**system** meets the bar: better than each of 2, by"
SHORT = "**system** does not meet the bar; not better than"


@pytest.mark.parametrize(
    ("question", "gain", "expected"),
    [
        (QUALITY, constant(2.0), f"{BEATEN} rival +1.02 [+1.01"),
        (QUALITY, constant(0.5), f"{SHORT} rival -0.47 [-0.4"),
        (QUALITY, [gain - 0.5 for gain in MIXED], f"{SHORT} rival -1.50 [-2."),
        (
            QUALITY,
            [gain + 1.0 for gain in MIXED],
            "**system** is level with the best: nothing can be claimed",
        ),
        (ERROR, constant(-1.0), f"{BEATEN} unprocessed -0.97 [-0.9"),
        (ERROR, constant(2.0), f"{SHORT} unprocessed +2.02 [+2.0"),
    ],
)
def test_the_bar_is_to_pass_every_rival_beyond_doubt(
    question: Question, gain: list[float], expected: str
) -> None:
    found = records(question, {"system": gain, "rival": [1.0] * 6})
    told = standing(found, question, method="system", rivals=[UNPROCESSED, "rival", "not measured"])
    assert told.startswith(expected)


def test_of_many_rivals_that_are_not_passed_three_are_named() -> None:
    rivals = {f"rival{index}": [1.0 + index] * 6 for index in range(5)}
    found = records(QUALITY, {"system": [0.0] * 6, **rivals})
    told = standing(found, QUALITY, method="system", rivals=list(rivals), labels={"rival4": "Fourth"})
    assert told.startswith(f"{SHORT} Fourth -5.00 [-5.00, -5.00], rival3 -4.00 [-4.00, -4.00], rival2 ")
    assert told.endswith(" and 2 more, of 5.")


def test_what_was_not_measured_is_told() -> None:
    found = records(QUALITY, {"other": constant(1.0)})
    assert standing(found, QUALITY, method="system", rivals=["other"]) == "system was not measured."
    told = standing(found, QUALITY, method="other", rivals=["system"])
    assert told == "other has nothing to be measured against."
