"""What must stay true of the settings, however many requests they answer."""

import pytest
from replay import read_settings, replay

from pytest_autoloop.guards import original


def test_kinds_of_settings_stay(target, settings):
    before = read_settings(original(target).decode())
    kinds = {name: type(value) for name, value in vars(before).items()}
    assert {name: type(value) for name, value in vars(settings).items()} == kinds


def test_no_more_is_cached_than_the_settings_say(settings, counts):
    assert counts.peak_megabytes <= settings.megabytes


def test_every_request_is_counted_once(counts, access_log):
    assert counts.requests == len(access_log(1))
    assert 0 <= counts.hits + counts.stale <= counts.requests


def test_an_answer_is_never_older_than_it_may_be(settings):
    # The same object, unchanged: the second request is the first that could be a hit.
    late = settings.ttl_seconds + 1
    log = [(number * late, "page", 0, 1) for number in range(20)]
    assert replay(settings, log).hits == 0


@pytest.mark.autoloop_hidden
def test_what_is_gained_is_not_lost_on_another_log(target, settings, counts, access_log):
    # What fits one log alone is learned by heart.
    before = read_settings(original(target).decode())
    if counts.hit_rate > replay(before, access_log(1)).hit_rate:
        other = access_log(2)
        assert replay(settings, other).hit_rate >= replay(before, other).hit_rate
