"""Options of a campaign as a whole: how long it runs, where it goes on from, how it searches."""

from __future__ import annotations

from pytest_autoloop.option_types import (
    Option,
    at_least_one,
    choice,
    count_or_infinite,
    dollars,
    duration,
    executor,
    factor,
    goal,
    tag,
)

CAMPAIGN_OPTIONS = (
    Option(
        "--autoloop",
        "Improve the target in N experiments; inf goes on until interrupted, 0 checks the harness "
        "and measures the baseline",
        "N",
        count_or_infinite,
    ),
    Option(
        "--autoloop-tag",
        "Name of the campaign and of its branch autoexp/TAG (default: today, for example nov20); "
        "one that exists goes on where it stopped",
        "TAG",
        tag,
    ),
    Option(
        "--autoloop-rebaseline",
        "Go on with a campaign although its harness has changed since",
        "",
        switch=True,
    ),
    Option(
        "--autoloop-from",
        "Begin with the best version of another campaign, or with the target of a commit",
        "COMMIT|TAG",
    ),
    Option(
        "--autoloop-max-cost",
        "End before proposals have cost more than so many dollars",
        "USD",
        dollars,
        ini="autoloop_max_cost",
    ),
    Option(
        "--autoloop-max-time",
        "End after so long, for example 8h, 30m or 1h30m, counted over all sessions",
        "TIME",
        duration,
        ini="autoloop_max_time",
    ),
    Option(
        "--autoloop-timeout",
        "How long one child session may take (default: 60 s or 5 x the baseline, the longer)",
        "TIME",
        duration,
        ini="autoloop_timeout",
    ),
    Option(
        "--autoloop-patience",
        "End after so many experiments without a keep",
        "N",
        at_least_one,
        ini="autoloop_patience",
    ),
    Option(
        "--autoloop-max-crashes",
        "End after so many crashes or timeouts in a row (default: 3)",
        "N",
        at_least_one,
        ini="autoloop_max_crashes",
        default="3",
    ),
    Option(
        "--autoloop-until",
        "End when a metric has reached a value, for example 'latency<=5ms'",
        "GOAL",
        goal,
        ini="autoloop_until",
    ),
    Option(
        "--autoloop-search",
        "Where the next proposal starts from: greedy (default), explore:K, tree, restart:K, beam:K",
        "NAME",
        ini="autoloop_search",
        default="greedy",
    ),
    Option(
        "--autoloop-workers",
        "Proposals and guards that run at the same time (default: 1); measuring is always alone",
        "K",
        at_least_one,
        ini="autoloop_workers",
        default="1",
    ),
    Option(
        "--autoloop-executor",
        "Judge candidates elsewhere, several at a time: local:4 (processes), dask:tcp://HOST:8786, "
        "dask:local:4, package.module:factory (default: here, one after another)",
        "SPEC",
        executor,
        ini="autoloop_executor",
    ),
    Option(
        "--autoloop-simplify",
        "Keep a candidate also when it is as good as the best and shorter",
        "",
        ini="autoloop_simplify",
        switch=True,
    ),
    Option(
        "--autoloop-ablate",
        "At the end, drop each kept change in turn and propose the smallest set that is as good",
        "",
        ini="autoloop_ablate",
        switch=True,
    ),
    Option(
        "--autoloop-apply",
        "At the end, bring what was kept into the branch that is checked out",
        "",
        switch=True,
    ),
    Option(
        "--autoloop-report",
        "Write a page of the campaign there, again and again while it runs",
        "PATH",
    ),
    Option(
        "--autoloop-summary",
        "Write the outcome as Markdown there; on GitHub Actions it is added to the job's summary "
        "anyway",
        "PATH",
    ),
    Option(
        "--autoloop-fail-under",
        "Fail if the audited gain is below a factor: 1.1 asks for 10%% more",
        "FACTOR",
        factor,
        ini="autoloop_fail_under",
    ),
    Option(
        "--autoloop-export",
        "Hand each experiment on to a tracker, too: mlflow, wandb (an extra each)",
        "NAME",
        choice("mlflow", "wandb"),
        ini="autoloop_export",
        many=True,
    ),
)
