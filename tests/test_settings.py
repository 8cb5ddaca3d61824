"""Options and ini keys, and what they come to."""

from __future__ import annotations

import argparse

import pytest

from pytest_autoloop.option_table import OPTIONS
from pytest_autoloop.option_types import Goal
from pytest_autoloop.settings import Settings

#: Each ini key, a value for it, another for its option, and the settings field both are for.
BOTH = [
    ("autoloop_team", "bandit", "round-robin", "team"),
    ("autoloop_model_explore", "openai:a", "openai:b", "model_explore"),
    ("autoloop_model_validate", "openai:a", "openai:b", "model_validate"),
    ("autoloop_model_every", "3", "4", "model_every"),
    ("autoloop_agent_timeout", "30", "40.5", "agent_timeout"),
    ("autoloop_sampler", "grid", "random", "sampler"),
    ("autoloop_replay_order", "shuffled", "listed", "replay_order"),
    ("autoloop_seed", "3", "4", "seed"),
    ("autoloop_archive", "3", "4", "archive"),
    ("autoloop_max_cost", "2.5", "3.5", "max_cost"),
    ("autoloop_max_time", "1800", "28800.0", "max_time"),
    ("autoloop_patience", "5", "6", "patience"),
    ("autoloop_max_crashes", "4", "5", "max_crashes"),
    ("autoloop_search", "tree", "beam:3", "search"),
    ("autoloop_workers", "2", "3", "workers"),
    ("autoloop_executor", "local:2", "dask:tcp://host:8786", "executor"),
    ("autoloop_timeout", "7", "8.5", "timeout"),
    ("autoloop_min_gain", "0.02", "0.03", "min_gain"),
    ("autoloop_max_regression", "0.1", "0.2", "max_regression"),
    ("autoloop_sandbox", "strict", "off", "sandbox"),
    ("autoloop_objective", "pareto", "gated", "objective"),
    ("autoloop_rule", "strict", "batched:3", "rule"),
    ("autoloop_fdr", "0.05", "0.1", "fdr"),
    ("autoloop_clock", "cpu", "wall", "clock"),
    ("autoloop_statistic", "median", "min", "statistic"),
    ("autoloop_rounds", "warm", "fresh", "rounds"),
    ("autoloop_launcher", "spawn", "forkserver", "launcher"),
    ("autoloop_program", "orders.md", "other.md", "program"),
    ("autoloop_results", "a.tsv", "b.tsv", "results"),
    ("autoloop_fail_under", "1.1", "1.25", "fail_under"),
    ("autoloop_command", "make bench", "make fast", "command"),
]


def settings(pytester: pytest.Pytester, *arguments: str, ini: str = "") -> Settings:
    """Read what a command line and an ini file come to."""
    pytester.makeini(f"[pytest]\n{ini}\n")
    return Settings.from_config(pytester.parseconfig("--autoloop=1", *arguments))


def flag(key: str) -> str:
    """Return the option that an ini key belongs to."""
    return next(option.flag for option in OPTIONS if option.ini == key)


def test_defaults_need_no_key_and_no_configuration(pytester: pytest.Pytester) -> None:
    """With a number of experiments alone, rules propose and 1% is worth keeping."""
    found = settings(pytester)
    assert (found.experiments, found.proposers, found.tag) == (1, (), None)
    assert (found.timeout, found.min_gain) == (None, 0.01)
    assert (found.objective, found.rule, found.fdr) == ("primary", "sequential", None)
    assert (found.clock, found.statistic, found.rounds) == ("wall", "min", "fresh")
    assert found.launcher == "auto"
    assert (found.program, found.results, found.copy) == ("program.md", "results.tsv", ())


def test_what_the_sandbox_lets_through_is_read(pytester: pytest.Pytester) -> None:
    """Lists are split as a shell does; without a key nothing is let through."""
    found = settings(pytester)
    assert (found.sandbox, found.network, found.readable, found.writable) == ("auto", False, (), ())
    assert (found.environment, found.allow_imports, found.without) == ((), (), frozenset())
    ini = """
autoloop_network = true
autoloop_readable = /data 'a b'
autoloop_writable = out
autoloop_env = TOKEN CI_*
autoloop_allow_imports = numba scipy.linalg
"""
    found = settings(pytester, ini=ini)
    assert (found.network, found.readable) == (True, ("/data", "a b"))
    assert (found.writable, found.environment) == (("out",), ("TOKEN", "CI_*"))
    assert found.allow_imports == ("numba", "scipy.linalg")


#: Keys of lists, of switches, and the one whose field is a yes or no: each has a test of its own.
OTHERS = {
    "autoloop_proposers",
    "autoloop_edit_format",
    "autoloop_stack",
    "autoloop_update_directives",
    "autoloop_simplify",
    "autoloop_ablate",
    "autoloop_profile",
    "autoloop_until",
    "autoloop_export",
    "autoloop_score",
    "autoloop_direction",
    "autoloop_unit",
    "autoloop_guard_command",
    "autoloop_target",
}


def test_every_ini_key_is_covered() -> None:
    """A new key needs a row in the table of this module, or a test of its own."""
    assert {option.ini for option in OPTIONS if option.ini} == {key for key, *_ in BOTH} | OTHERS


@pytest.mark.parametrize(
    ("key", "field", "values", "chosen"),
    [
        ("autoloop_proposers", "proposers", ("rules", "command:my agent --fast"), "sweep"),
        ("autoloop_edit_format", "edit_formats", ("blocks", "ollama:*=whole"), "auto"),
        ("autoloop_export", "export", ("mlflow", "wandb"), "wandb"),
        ("autoloop_direction", "directions", ("higher", "lower"), "lower"),
        ("autoloop_unit", "units", ("ms", "MB"), "s"),
        ("autoloop_guard_command", "guard_commands", ("go vet ./...", "make test"), "true"),
        ("autoloop_target", "targets", ("a.c", "my file.c"), "b.c"),
    ],
)
def test_lists_have_a_line_for_each_value(
    pytester: pytest.Pytester, key: str, field: str, values: tuple[str, str], chosen: str
) -> None:
    """A line of the ini file is a value, blanks and all; options on the command line replace it."""
    line = f"{key} =\n    {values[0]}\n    {values[1]}"
    assert getattr(settings(pytester), field) == ()
    assert getattr(settings(pytester, ini=line), field) == values
    twice = settings(pytester, f"{flag(key)}={chosen}", f"{flag(key)}={values[0]}", ini=line)
    assert getattr(twice, field) == (chosen, values[0])


def test_proposers_may_share_a_line(pytester: pytest.Pytester) -> None:
    """Words that look like proposers are several; a command and its arguments are one."""
    ini = "autoloop_proposers = rules replay:a/b\n    command:agent --fast x:y\n    replay:my ideas"
    expected = ("rules", "replay:a/b", "command:agent --fast x:y", "replay:my ideas")
    assert settings(pytester, ini=ini).proposers == expected


def test_a_queue_of_the_ini_file_stands_beside_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever pytest is called; on the command line a path begins where the user is."""
    pytester.mkdir("ideas")
    elsewhere = pytester.mkdir("elsewhere")
    pytester.makeini("[pytest]\nautoloop_proposers = replay:ideas\n")
    monkeypatch.chdir(elsewhere)
    found = Settings.from_config(pytester.parseconfig("--autoloop=1", str(pytester.path)))
    assert found.proposers == ("replay:../ideas",)
    chosen = pytester.parseconfig("--autoloop=1", "--autoloop-proposer=replay:ideas", "..")
    assert Settings.from_config(chosen).proposers == ("replay:ideas",)


@pytest.mark.parametrize(
    "key",
    ["autoloop_stack", "autoloop_update_directives", "autoloop_simplify", "autoloop_ablate"],
)
def test_switches_are_off_until_they_are_named(pytester: pytest.Pytester, key: str) -> None:
    """An option without a value, or a yes in the ini file."""
    field = key.removeprefix("autoloop_")
    assert not getattr(settings(pytester), field)
    assert getattr(settings(pytester, flag(key)), field)
    assert getattr(settings(pytester, ini=f"{key} = true"), field)
    assert not getattr(settings(pytester, ini=f"{key} = false"), field)


def test_a_profile_can_be_left_out(pytester: pytest.Pytester) -> None:
    """It is taken where it is of use, unless somebody says off."""
    assert settings(pytester).profile
    assert not settings(pytester, ini="autoloop_profile = off").profile
    assert settings(pytester, "--autoloop-profile=auto", ini="autoloop_profile = off").profile


def test_a_goal_names_a_metric_and_a_value(pytester: pytest.Pytester) -> None:
    """As an option or an ini key, with or without a unit."""
    assert settings(pytester).until is None
    ini = "autoloop_until = score >= 0.9"
    assert settings(pytester, ini=ini).until == Goal("score", at_least=True, value=0.9)
    chosen = settings(pytester, "--autoloop-until=latency<=5ms", ini=ini)
    assert chosen.until == Goal("latency", at_least=False, value=5, unit="ms")


@pytest.mark.parametrize("option", ["--autoloop-command=make", "--autoloop-guard-command=make"])
def test_commands_run_the_target_themselves(pytester: pytest.Pytester, option: str) -> None:
    """Nothing stands between, so candidates cannot be called isolated."""
    assert settings(pytester).without == frozenset()
    assert settings(pytester, option).without == {"isolation"}


def test_a_try_is_one_experiment(pytester: pytest.Pytester) -> None:
    """An edit made by hand needs no number, and excludes one."""
    pytester.makeini("[pytest]")
    found = Settings.from_config(pytester.parseconfig("--autoloop-try", "use a set"))
    assert (found.experiments, found.attempt) == (1, "use a set")
    result = pytester.runpytest("--autoloop-try=x", "--autoloop=3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*leave out one of them*"])


@pytest.mark.parametrize(("key", "ini", "chosen", "field"), BOTH, ids=[row[0] for row in BOTH])
def test_the_command_line_wins(
    pytester: pytest.Pytester, key: str, ini: str, chosen: str, field: str
) -> None:
    """An ini key is read, and an option beats it."""
    line = f"{key} = {ini}"
    assert str(getattr(settings(pytester, ini=line), field)).removesuffix(".0") == ini
    both = settings(pytester, f"{flag(key)}={chosen}", ini=line)
    assert str(getattr(both, field)) == chosen


@pytest.mark.parametrize("key", [row[0] for row in BOTH])
def test_an_empty_ini_key_is_as_if_absent(pytester: pytest.Pytester, key: str) -> None:
    """A key without a value does not turn a default into an empty text."""
    assert settings(pytester, ini=f"{key} =") == settings(pytester)


def test_a_list_of_toml_is_no_list_of_names(pytester: pytest.Pytester) -> None:
    """In an ini file its brackets would be part of names that no variable has."""
    said = r"autoloop_env \(.*tox\.ini\): '\[A,' is no name"
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        settings(pytester, ini='autoloop_env = ["A", "B"]')
    assert settings(pytester, ini="autoloop_env = A B_*").environment == ("A", "B_*")


def test_copied_globs_are_a_list(pytester: pytest.Pytester) -> None:
    """Several globs, quoted like arguments."""
    found = settings(pytester, ini="autoloop_copy = data/*.bin 'with space/*' .env")
    assert found.copy == ("data/*.bin", "with space/*", ".env")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("autoloop_timeout = soon", "'soon' is not a time"),
        ("autoloop_timeout = 0", "'0'"),
        ("autoloop_timeout = nan", "'nan'"),
        ("autoloop_timeout = inf", "'inf'"),
        ("autoloop_min_gain = 1%", "'1%' is not a positive relative gain"),
        ("autoloop_min_gain = 5", "'5' is not below 1"),
        ("autoloop_fdr = often", "'often' is not a positive share of false keeps"),
        ("autoloop_fdr = 1", "'1' is not below 1"),
        ("autoloop_objective = best", "'best' is none of primary, pareto"),
        ("autoloop_clock = sun", "'sun' is none of wall, cpu, instructions"),
        ("autoloop_rule = batched:1", "'batched:1' is no rule"),
        ("autoloop_rule = strict:3", "'strict:3' is no rule"),
        ("autoloop_min_gain = -0.1", "'-0.1'"),
        ("autoloop_edit_format = diff", "'diff' is no edit format"),
        ("autoloop_edit_format = =whole", "'=whole' is no edit format"),
        ("autoloop_model_every = 1", "'1' is not a whole number from 2 on"),
        ("autoloop_stack = maybe", "'maybe' is neither true nor false"),
        ("autoloop_sampler = cma", "'cma' is none of tpe, random, grid"),
    ],
)
def test_a_wrong_ini_value_names_its_key(
    pytester: pytest.Pytester, line: str, message: str
) -> None:
    """The message gives key, file, value and what to write; nothing has started."""
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        settings(pytester, ini=line)
    told = str(caught.value)
    assert message in told
    assert line.partition(" ")[0] in told
    assert str(pytester.path) in told


def test_a_bound_that_a_rule_does_not_keep_is_refused(pytester: pytest.Pytester) -> None:
    """The other rules bound no error, so they bound no share of errors."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"--autoloop-fdr=0.05 bounds no error"):
        settings(pytester, "--autoloop-fdr=0.05", "--autoloop-rule=strict")
    assert settings(pytester, "--autoloop-fdr=0.05").fdr == 0.05


def test_a_wrong_ini_value_is_a_usage_error(pytester: pytest.Pytester) -> None:
    """The exit status is pytest's own exit status for usage errors, and no traceback."""
    pytester.makeini("[pytest]\nautoloop_timeout = soon\n")
    result = pytester.runpytest("--autoloop=1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*autoloop_timeout*: 'soon' is not a time*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_wrong_ini_value_does_not_break_a_plain_run(pytester: pytest.Pytester) -> None:
    """Without --autoloop nobody reads the keys."""
    pytester.makeini("[pytest]\nautoloop_timeout = soon\n")
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--autoloop=many", "'many' is not a number of experiments"),
        ("--autoloop=-1", "'-1' is not a number of experiments"),
        ("--autoloop=1.5", "'1.5' is not a number of experiments"),
        ("--autoloop-timeout=0", "'0' is not a time"),
        ("--autoloop-min-gain=2", "'2' is not below 1"),
        ("--autoloop-tag=a b", "'a b' cannot name a campaign"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    pytester: pytest.Pytester, argument: str, message: str
) -> None:
    """The message gives option and value."""
    result = pytester.runpytest("--autoloop=1", argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{argument.partition('=')[0]}*{message}*"])


@pytest.mark.parametrize(
    "tag", ["", ".", "..", "a..b", ".a", "a.", "a.lock", "-a", "a/b", "a b", "a~1", "ü", "a\n"]
)
def test_a_tag_that_git_or_a_file_system_refuses_is_refused(
    pytester: pytest.Pytester, tag: str
) -> None:
    """It becomes a branch, a ref and a directory: better refused before anything runs."""
    with pytest.raises(pytest.UsageError):
        settings(pytester, f"--autoloop-tag={tag}")


@pytest.mark.parametrize("tag", ["nov20", "a.b", "v1.2-rc_3", "2", "A"])
def test_usual_tags_are_taken(pytester: pytest.Pytester, tag: str) -> None:
    """What people name things."""
    assert settings(pytester, f"--autoloop-tag={tag}").tag == tag


def test_zero_experiments_is_a_choice(pytester: pytest.Pytester) -> None:
    """0 checks the harness; it is not the same as no loop."""
    assert settings(pytester, "--autoloop=0").experiments == 0
