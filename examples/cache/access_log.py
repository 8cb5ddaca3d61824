"""Makes up an access log, the same for the same seed: who is popular changes, scans come by."""

import random
from itertools import accumulate

#: Requests of a log, different objects that are asked for again, and seconds between requests.
REQUESTS, OBJECTS, PAUSE = 12_000, 3_000, 0.5
#: How steep popularity falls, how often it moves on, and how often and long somebody scans.
STEEPNESS, SHIFTS, SCANS, SCAN = 1.1, 4, 12, 500
#: Sizes in kilobytes: the usual one, and the share of objects that are much larger.
USUAL, LARGE_SHARE = 300, 0.04
#: Seconds for which an object stays what it is, on average.
LASTS = 12_000


def access_log(seed):
    """Return requests in order of time: (seconds, object, its version, its size in bytes).

    Popularity follows Zipf's law. A version is a number that changes when the object does: what
    is cached under an older one is stale.
    """
    chance = random.Random(seed)
    weights = list(accumulate(1 / rank**STEEPNESS for rank in range(1, OBJECTS + 1)))
    order = list(range(OBJECTS))
    chance.shuffle(order)
    popular = chance.choices(range(OBJECTS), cum_weights=weights, k=REQUESTS)
    scans = {chance.randrange(REQUESTS): number for number in range(SCANS)}
    log = []
    for number, rank in enumerate(popular):
        if number and number % (REQUESTS // SHIFTS) == 0:
            # A tenth of the popular ones are forgotten, others take their places.
            for place in range(0, OBJECTS // 10, 10):
                other = chance.randrange(OBJECTS)
                order[place], order[other] = order[other], order[place]
        now = number * PAUSE
        log.append(request(order[rank], now))
        if number in scans:
            first = OBJECTS + SCAN * scans[number]
            log += [request(one, now) for one in range(first, first + SCAN)]
    return log


def request(name, now):
    """Return a request; size and changes of an object follow from its name alone."""
    own = random.Random(name)
    size = int(1024 * USUAL * own.lognormvariate(0, 0.6))
    if own.random() < LARGE_SHARE:
        size *= 30
    lasts = LASTS * own.uniform(0.5, 1.5)
    return now, name, int((now + own.uniform(0, lasts)) // lasts), size
