import math

import pytest

from relume.color import encoding
from relume.color.encoding import (
    HLG_BT2020,
    LINEAR_DISPLAY,
    LINEAR_NITS,
    LINEAR_SCENE,
    PQ_BT2020,
    SRGB,
    Encoding,
    Reference,
)
from relume.color.primaries import BT709, BT2020
from relume.errors import EncodingError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transfer": "cineon"}, "unknown transfer function 'cineon'; expected one of linear, srgb"),
        ({"white": 0.0}, "positive luminance"),
        ({"white": -203.0}, "positive luminance"),
        ({"white": math.inf}, "positive luminance"),
        ({"white": math.nan}, "positive luminance"),
        ({"reference": Reference.DISPLAY_ABSOLUTE}, "needs the luminance of 1.0"),
        ({"transfer": "pq", "white": 203.0}, "pq fixes 1.0 at 10000 cd/m²"),
        ({"transfer": "pq"}, "pq fixes 1.0 at 10000 cd/m²"),
    ],
)
def test_refuses_what_has_no_meaning(arguments, message):
    with pytest.raises(EncodingError, match=message):
        Encoding(**arguments)


def test_hdr_is_what_can_say_more_than_white():
    assert {LINEAR_SCENE.is_hdr, LINEAR_NITS.is_hdr, PQ_BT2020.is_hdr, HLG_BT2020.is_hdr} == {True}
    assert not SRGB.is_hdr
    assert not LINEAR_DISPLAY.is_hdr


def test_linear_is_the_same_light_without_its_curve():
    assert PQ_BT2020.linear == Encoding(BT2020, "linear", Reference.DISPLAY_ABSOLUTE, 10_000.0)
    assert SRGB.linear == LINEAR_DISPLAY


def test_text_for_people():
    assert str(SRGB) == "bt709, srgb, display-relative, relative"
    assert str(PQ_BT2020) == "bt2020, pq, display-absolute, 1.0 = 10000 cd/m²"


def test_equal_encodings_are_equal_and_can_be_keys():
    assert Encoding(BT709, "srgb", Reference.DISPLAY_RELATIVE) == SRGB
    assert len({SRGB, Encoding(BT709, "srgb", Reference.DISPLAY_RELATIVE), LINEAR_SCENE}) == 2


def test_reference_white_is_that_of_bt2408():
    assert encoding.REFERENCE_WHITE == 203.0
