"""`pytest-autoloop init`: looks at a project and writes what it lacks to be improved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.cli import init_template
from pytest_autoloop.cli import written as written_files
from pytest_autoloop.cli.arguments import add_command
from pytest_autoloop.cli.written import ask, can_ask, say
from pytest_autoloop.errors import UsageError
from pytest_autoloop.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.onboarding.files import Planned
    from pytest_autoloop.onboarding.start import Goal, Project, Start

_GOLDEN = "golden.jsonl"
_LISTED = 5
_COMMIT = "read and commit it, then "


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "init",
        _run,
        summary="look at a project and write what it lacks to be improved",
        example="pytest-autoloop init\n"
        "pytest-autoloop init --target src/pkg/parser.py --goal speed\n"
        "pytest-autoloop init --template memory --target src/pkg/index.py\n"
        "pytest-autoloop init --golden --golden-inputs messages.txt --golden-run reader:answer",
        more="Runs the tests once, proposes files by their share of the time, and writes "
        "conftest.py, program.md, a first benchmark and guards for the goal. No file that exists "
        "is overwritten. What follows -- is for pytest.",
    )
    command.add_argument("--target", metavar="PATH", help="the file (PATH::NAME) to improve")
    command.add_argument(
        "--goal",
        choices=("speed", "accuracy", "size", "memory"),
        help="what is to become better (default: speed of Python, accuracy of all else)",
    )
    command.add_argument("--function", metavar="NAME", help="time this one (default: the hottest)")
    command.add_argument(
        "--yes", action="store_true", help="ask nothing, and add to a conftest.py that exists"
    )
    command.add_argument("--dry-run", action="store_true", help="show the changes as a diff")
    command.add_argument(
        "--record-again", action="store_true", help="record present behaviour of --target anew"
    )
    command.add_argument(
        "--golden",
        nargs="?",
        const=_GOLDEN,
        metavar="FILE",
        help=f"run sample inputs, ask you for the right answers, and add them (default: {_GOLDEN})",
    )
    command.add_argument("--golden-inputs", metavar="FILE", help="sample inputs, one a line")
    command.add_argument(
        "--golden-run",
        metavar="SPEC",
        help="what answers an input: module:function, or a command that reads it",
    )
    init_template.add_argument(command)
    command.set_defaults(calls_pytest=True)


def _run(options: argparse.Namespace) -> int:
    """Write what is missing; return 0, or 1 where a test that was written does not pass.

    Raises:
        UsageError: the project has to change first; nothing was written.
    """
    from pytest_autoloop.history.repository import Repository  # noqa: PLC0415 - only here
    from pytest_autoloop.onboarding import start as starting  # noqa: PLC0415 - as above

    root = Path.cwd().resolve()
    if options.template is not None:
        return init_template.run(options, root)
    repository = Repository.open(root)
    if options.golden is not None:
        return _label(options, root)
    chosen = options.target
    if chosen:
        _checked(repository, root, chosen, options.goal)
    say(options, "running pytest to see what there is …")
    project = starting.survey(root, options.rest)
    _refuse_red(project)
    chosen = chosen or _ask_target(options, project)
    if chosen is None:
        return 0
    target, symbol, goal = _checked(repository, root, chosen, options.goal)
    if goal == "accuracy":
        return _finish(options, project, _for_accuracy(options, project, target))
    if not project.guards and not project.benchmarks:
        raise UsageError(
            f"there are no tests in {root}: write one that calls {chosen}, for nothing else says "
            "what must stay true"
        )
    say(options, f"recording what the tests call of {chosen} …")
    module, functions = starting.record(root, target, options.rest)
    if options.record_again:
        return _record_again(options, project, starting.recorded_again, target, module, functions)
    start = starting.plan(
        project,
        target,
        goal,
        module=module,
        functions=functions,
        chosen=options.function or "",
        symbol=symbol,
    )
    return _finish(options, project, start)


def _checked(
    repository: Repository, root: Path, chosen: str, goal: Goal | None
) -> tuple[Path, str, Goal]:
    """Return file, symbol and goal of a target.

    Raises:
        UsageError: it cannot be improved, or not for this goal.
    """
    from pytest_autoloop.harness.symbols import locate, split  # noqa: PLC0415 - only here
    from pytest_autoloop.targets import check_target  # noqa: PLC0415 - as above

    path, symbol = split(chosen)
    target = (root / path).resolve()
    if not target.exists():
        raise UsageError(f"--target {path}: there is no such file in {root}; correct the path")
    below = check_target(repository, target)
    if repository.mode_of("HEAD", below) is None:
        raise UsageError(f"{path} is not in the last commit: git add and commit it first")
    if symbol:
        locate(repository.read("HEAD", below), symbol, path)
    python = target.suffix == ".py"
    goal = goal or ("speed" if python else "accuracy")
    if goal != "accuracy" and not python:
        raise UsageError(
            f"--goal {goal}: {path} is no Python, whose calls could be recorded; write a metric by "
            "hand, or choose --goal accuracy"
        )
    return target, symbol, goal


def _refuse_red(project: Project) -> None:
    wrong = [*project.uncollected, *project.failed]
    if wrong:
        more = f" and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        raise UsageError(
            f"{', '.join(wrong[:_LISTED])}{more} fail ({project.said}): make them pass first, for "
            "what holds today is what is guarded"
        )


def _ask_target(options: argparse.Namespace, project: Project) -> str | None:
    """Show files with their share of the time; ask for one where somebody can answer."""
    proposals = project.proposals()
    if options.json:
        told = [{"path": name, "share": share} for name, share in proposals]
        print(json.dumps({"proposals": told, "basis": project.basis, "written": []}, indent=2))
        return None
    if not project.guards and not project.benchmarks:
        raise UsageError(
            f"there are no tests in {project.root}, which would say what is slow and what must "
            "stay true: write one, or start from a template: pytest-autoloop init --template list"
        )
    if not proposals:
        raise UsageError(
            f"the {project.basis} run no file of this project that could be proposed: name one "
            "with --target PATH"
        )
    print(f"\nwhere the {project.basis} spend their time:")
    for number, (name, share) in enumerate(proposals[:_LISTED], 1):
        hottest = ", ".join(f"{f} {s:.0%}" for f, s in list(project.files[name].items())[:3])
        print(f"  {number}  {share:4.0%}  {visible(name)}  ({visible(hottest)})")
    if options.yes:
        return proposals[0][0]
    if not can_ask(options):
        print(f"\nchoose one: pytest-autoloop init --target {visible(proposals[0][0])}")
        return None
    said = ask("\nwhich one is to be improved? [1] ") or "1"
    if said.isdecimal() and 1 <= int(said) <= len(proposals):
        return proposals[int(said) - 1][0]
    return said


def _for_accuracy(options: argparse.Namespace, project: Project, target: Path) -> Start:
    """Plan the files for a target that is scored on a golden set.

    Raises:
        UsageError: there is no golden set yet, or nothing that answers.
    """
    from pytest_autoloop.onboarding import golden  # noqa: PLC0415 - only here
    from pytest_autoloop.onboarding import start as starting  # noqa: PLC0415 - as above

    file = project.root / _GOLDEN
    examples = golden.read_examples(file)
    spec = options.golden_run
    if not examples:
        raise UsageError(
            f"--goal accuracy needs labelled examples, and there are none in {_GOLDEN}: make some "
            f"with pytest-autoloop init --golden --golden-inputs FILE --golden-run "
            f"{spec or 'MODULE:FUNCTION'}"
        )
    if not spec:
        raise UsageError(
            "--goal accuracy needs what answers an input: --golden-run MODULE:FUNCTION, or a "
            "command that reads it from standard input"
        )
    who, run = golden.answerer(spec, project.root, target)
    score = golden.held_out_score(examples, run)
    return starting.plan_accuracy(
        project, target=target, examples=examples, golden_file=file, who=who, held_out=score
    )


def _label(options: argparse.Namespace, root: Path) -> int:
    """Ask for labels of sample inputs.

    Raises:
        UsageError: inputs or what answers them are missing.
    """
    from pytest_autoloop.onboarding import golden  # noqa: PLC0415 - only here

    if not options.golden_inputs or not options.golden_run:
        raise UsageError(
            "--golden needs sample inputs and what answers them: --golden-inputs FILE (one input "
            "a line) and --golden-run MODULE:FUNCTION, or a command"
        )
    target = root / options.target if options.target else None
    if target is not None and not target.is_file():
        raise UsageError(f"--target {options.target} is no file: name the prompt that is read")
    inputs = golden.read_inputs(root / options.golden_inputs)
    _, run = golden.answerer(options.golden_run, root, target)
    path = root / options.golden
    added = golden.label(path, inputs, run, ask, lambda line: say(options, line))
    total = len(golden.read_examples(path))
    if options.json:
        print(json.dumps({"path": str(path), "added": added, "examples": total}, indent=2))
    else:
        print(f"\n{added} added, {total} examples in {options.golden}")
    return 0


def _record_again(
    options: argparse.Namespace, project: Project, make: object, *known: object
) -> int:
    assert callable(make)
    file: Planned = make(project, *known)
    if options.dry_run:
        print(file.diff(project.root), end="")
        return 0
    file.write()
    _report(options, project, [file], [], [])
    return 0


def _finish(options: argparse.Namespace, project: Project, start: Start) -> int:
    """Show or write the files, and run the tests among them."""
    if options.dry_run:
        written_files.show_changes(options, project.root, start.files, start.notes)
        return 0
    left_out = written_files.not_agreed(options, project.root, start.files)
    from pytest_autoloop.onboarding.trial import write_and_try  # noqa: PLC0415 - only here

    start.files = [one for one in start.files if one not in left_out]
    written, notes = write_and_try(project.root, start, [one.path for one in left_out])
    return _report(options, project, written, left_out, notes)


def _report(
    options: argparse.Namespace,
    project: Project,
    written: Sequence[Planned],
    left_out: Sequence[Planned],
    notes: Sequence[str],
) -> int:
    root = project.root
    if options.json:
        told = {**written_files.documents(root, written, left_out), "notes": list(notes)}
        print(json.dumps(told, indent=2))
        return 0
    written_files.show_written(options, root, written, left_out)
    if notes:
        print()
    for note in notes:
        print(f"note: {visible(note)}")
    kept = all(one.action == "keep" for one in [*written, *left_out])
    # The rules, which propose where nobody is named, know Python alone.
    python = (options.target or ".py").partition("::")[0].endswith(".py")
    named = "" if python else " --autoloop-proposer NAME"
    following = f"pytest-autoloop doctor, then pytest --autoloop 50{named}"
    print(f"\nnext: {'' if kept else _COMMIT}{following}")
    return 0
