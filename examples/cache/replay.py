"""Replays an access log through a cache of cachetools, and counts."""

from dataclasses import dataclass

import cachetools
import yaml

#: Objects of which is known how often they were asked for.
REMEMBERED = 5_000
POLICIES = {
    "fifo": cachetools.FIFOCache,
    "lru": cachetools.LRUCache,
    "lfu": cachetools.LFUCache,
}


@dataclass(frozen=True)
class Settings:
    """What `cache.yaml` says."""

    policy: str
    megabytes: int
    ttl_seconds: float
    admit_at_request: int
    largest_kilobytes: int


@dataclass(frozen=True)
class Counts:
    """What became of the requests of a log, and the most that was in the cache."""

    requests: int
    hits: int
    stale: int
    peak_bytes: int

    @property
    def hit_rate(self):
        """Share of the requests that were answered from the cache, rightly; in per cent."""
        return 100 * self.hits / self.requests

    @property
    def stale_rate(self):
        """Share of the requests that were answered with what is not true any more; in per cent."""
        return 100 * self.stale / self.requests

    @property
    def peak_megabytes(self):
        """Most that was in the cache."""
        return self.peak_bytes / 2**20


def read_settings(text):
    """Return the settings of a file; each is there, and nothing else."""
    return Settings(**yaml.safe_load(text))


def replay(settings, log):
    """Return what a cache with some settings does for a log."""
    room = settings.megabytes * 2**20
    # What is kept of an object: its version, its size, and when it was fetched.
    cache = POLICIES[settings.policy](maxsize=room, getsizeof=lambda entry: entry[1])
    # How often an object was not there when it was asked for; of the latest alone.
    asked = cachetools.LRUCache(maxsize=REMEMBERED)
    hits = stale = peak = 0
    for now, name, version, size in log:
        entry = cache.get(name)
        if entry is not None and now - entry[2] < settings.ttl_seconds:
            if entry[0] == version:
                hits += 1
            else:
                stale += 1
            continue
        asked[name] = asked.get(name, 0) + 1
        small = size <= min(settings.largest_kilobytes * 1024, room)
        if small and (entry is not None or asked[name] >= settings.admit_at_request):
            cache[name] = (version, size, now)
            peak = max(peak, cache.currsize)
        elif entry is not None:
            del cache[name]
    return Counts(len(log), hits, stale, peak)
