"""What must stay true of the settings."""

from conftest import KNOB


def test_the_settings_are_within_their_ranges(target):
    found = list(KNOB.finditer(target.read_text()))
    assert [name[1] for name in found] == ["a", "b", "c"]
    assert all(float(knob[3]) <= float(knob[2]) <= float(knob[4]) for knob in found)
