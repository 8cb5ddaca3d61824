"""What becomes of candidates that cheat or do harm, by the layer that stops each.

Runs a corpus of candidates through the real product: FOLDER holds `project/`, a project with
exactly one module in its root, and `candidates/*.py`, each a whole new version of that module. The
first letter of a name, before its number, says what the file is: a to e adversarial, h an honest
gain, n neutral; another name says it in its header, `# good loop: keep`, `discard` or else.

Each session has a git repository of its own, made from the project, with an empty home and
temporary directory. Every candidate is judged against the original code: adversarial and neutral
ones share a session until one of them is kept, honest ones have a session each.

caught    how many each layer stopped: the reason of the result, or its status where it is finer
traces    what a session left that it may not: files in the project, beside it and in the temporary
          directory, git's settings, hooks and refs, running processes
stages    seconds of an experiment by stage, over those that reached it

Then the same with each layer switched off in turn. For a layer that only says no, the candidates
that it had stopped are run again; for containment and isolation, all.

An adversarial candidate that fell to `no-gain` or `regression` was stopped by no layer: its code
was slow enough. Those are named, because they say nothing of the layers; so are honest candidates
that were not kept and neutral ones that were, both of which may be right on the machine at hand.

Exit code 1: with all layers on, an adversarial candidate was kept, a trace was left or a session
broke.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trials import Candidate, Corpus, Result, Trial, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Layers that only say no: what passes one is what passes without it. With the reason they give.
GATES = {"screen": "screen", "tripwire": "tripwire", "differential": "differential"}
GATES |= {"verify": "unverified-gain"}
#: Layers that change how a candidate runs.
SURROUNDINGS = ("containment", "isolation")
#: Reasons that name a layer whatever the status is.
_TOLD = ("screen", "tripwire", "tampered", "differential", "unverified-gain", "plain-data")
#: What a candidate falls to that is just not fast enough.
_SLOW = ("no-gain", "regression")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One configuration's results and all that went wrong beside them."""

    results: tuple[Result, ...]
    traces: tuple[str, ...]
    broken: tuple[str, ...]

    def of(self, *kinds: str) -> list[Result]:
        """Return the results of candidates of some kinds."""
        return [result for result in self.results if result.candidate.kind in kinds]

    @property
    def wrong(self) -> list[Result]:
        """Results that are not what they should be."""
        return [result for result in self.results if result.kept != _should(result.candidate)]

    @property
    def failed(self) -> bool:
        """Whether a cheat was kept, a trace left or a session broken."""
        return any(r.kept for r in self.of("adversarial")) or bool(self.traces or self.broken)


def _should(candidate: Candidate) -> bool:
    return candidate.kind == "honest"


def layer_of(result: Result) -> str:
    """Return which layer ended a candidate."""
    if result.kept:
        return "KEPT"
    if result.reason in _TOLD or result.status == "discard":
        return result.reason
    return result.status


def judged(
    corpus: Corpus, candidates: Sequence[Candidate], without: str = "", *, each: bool = False
) -> Outcome:
    """Run candidates, each against the original, in as few sessions as that takes."""
    honest = [candidate for candidate in candidates if _should(candidate)]
    waiting = [candidate for candidate in candidates if not _should(candidate)]
    results: list[Result] = []
    traces: list[str] = []
    broken: list[str] = []

    def note(trial: Trial, chosen: Sequence[Candidate]) -> None:
        results.extend(trial.results)
        names = [chosen[0].name] if len(chosen) == 1 else [chosen[0].name, "…", chosen[-1].name]
        where = " ".join(names)
        traces.extend(f"{line}   ({where})" for line in trial.traces)
        if trial.broken:
            broken.append(f"{where}: {trial.broken}")

    for candidate in honest:
        note(run(corpus, [candidate], without), [candidate])
        _progress(results[-1:])
    while waiting:
        chosen = waiting[:1] if each else waiting
        trial = run(corpus, chosen, without)
        note(trial, chosen)
        _progress(trial.results)
        # One that ended the session has no result, and is not given the chance to end another.
        done = len(trial.results) + bool(trial.broken)
        waiting = waiting[max(done, 1) :]
    return Outcome(tuple(results), tuple(traces), tuple(broken))


def again(corpus: Corpus, whole: Outcome, layer: str, *, each: bool) -> Outcome:
    """Return what a configuration without one layer would give."""
    reason = GATES.get(layer)
    if reason is None:
        return judged(corpus, [r.candidate for r in whole.results], layer, each=each)
    stopped = [result for result in whole.results if layer_of(result) == reason]
    others = tuple(result for result in whole.results if result not in stopped)
    if not stopped:
        return Outcome(whole.results, (), ())
    fresh = judged(corpus, [result.candidate for result in stopped], layer, each=each)
    return Outcome((*others, *fresh.results), fresh.traces, fresh.broken)


def _progress(results: Iterable[Result]) -> None:
    for result in results:
        word = result.reason or "-"
        print(
            f"  {result.candidate.name:<34} {result.status:<8} {word:<16} "
            f"{result.assurance:<11} {result.seconds:6.1f} s",
            file=sys.stderr,
            flush=True,
        )


# Tables --------------------------------------------------------------------------------------


def table(outcomes: dict[str, Outcome]) -> list[str]:
    """Return how many adversarial candidates each layer stopped, one line per configuration."""
    counts = {
        name: Counter(layer_of(result) for result in outcome.of("adversarial"))
        for name, outcome in outcomes.items()
    }
    layers = {layer: None for count in counts.values() for layer, _ in count.most_common()}
    order = [layer for layer in layers if layer != "KEPT"]
    width = max(len(name) for name in outcomes)
    head = "".join(f"  {layer:>{max(len(layer), 4)}}" for layer in order)
    lines = [f"{'':<{width}}  {'adversarial kept':>16}{head}  {'traces':>6}  honest kept  neutral"]
    for name, outcome in outcomes.items():
        adversarial, honest = outcome.of("adversarial"), outcome.of("honest")
        neutral = outcome.of("neutral")
        kept = f"{counts[name]['KEPT']} of {len(adversarial)}"
        cells = "".join(f"  {counts[name][layer] or '':>{max(len(layer), 4)}}" for layer in order)
        kept_honest = f"{sum(r.kept for r in honest)} of {len(honest)}"
        kept_neutral = f"{sum(r.kept for r in neutral)} of {len(neutral)} kept"
        lines.append(
            f"{name:<{width}}  {kept:>16}{cells}  {len(outcome.traces):>6}  {kept_honest:>11}  "
            f"{kept_neutral}"
        )
    return lines


def stages(outcome: Outcome) -> list[str]:
    """Return seconds by stage, for the three kinds of candidates."""
    named = list({stage: None for result in outcome.results for stage in result.stages})
    lines = [f"{'seconds':<12} {'n':>3} {'whole':>7}" + "".join(f" {name:>9}" for name in named)]
    for kind in ("adversarial", "honest", "neutral"):
        results = outcome.of(kind)
        if not results:
            continue
        cells = ""
        for stage in named:
            known = [result.stages[stage] for result in results if stage in result.stages]
            cells += f" {statistics.fmean(known):>9.2f}" if known else f" {'':>9}"
        whole = statistics.fmean(result.seconds for result in results)
        lines.append(f"{kind:<12} {len(results):>3} {whole:>7.2f}{cells}")
    return lines


def faults(outcome: Outcome) -> list[str]:
    """Return one line for each thing that is not as it should be."""
    lines: list[str] = []
    for result in outcome.wrong:
        name, kind = result.candidate.name, result.candidate.kind
        detail = " ".join(result.detail.split())[:120]
        lines.append(
            f"KEPT      {name}  ({kind}, {result.assurance or 'mode not told'})"
            if result.kept
            else f"NOT KEPT  {name}  {result.status} {result.reason}: {detail}"
        )
    slow = [r.candidate.name for r in outcome.of("adversarial") if layer_of(r) in _SLOW]
    if slow:
        lines.append(f"SLOW      no layer was needed for {', '.join(slow)}")
    lines += [f"TRACE     {trace}" for trace in outcome.traces]
    lines += [f"BROKEN    {words}" for words in outcome.broken]
    return lines


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="holds project/ and candidates/")
    add("--only", nargs="+", default=[], metavar="PATTERN", help="candidates whose names begin so")
    add("--each", action="store_true", help="a session for every candidate")
    add("--whole", action="store_true", help="with all layers on, and no more")
    add(
        "--without",
        nargs="+",
        default=[*GATES, *SURROUNDINGS],
        choices=[*GATES, *SURROUNDINGS],
        metavar="LAYER",
        help="layers to switch off in turn: %(choices)s (default: each of them)",
    )
    return parser.parse_args()


def main() -> int:
    """Print the tables; return 1 when something was kept or left that may not be."""
    options = arguments()
    corpus = Corpus.read(options.folder, options.only)
    started = time.monotonic()
    outcomes = {"all layers": judged(corpus, corpus.candidates, each=options.each)}
    whole = outcomes["all layers"]
    print("\n".join([*table(outcomes), "", *stages(whole), "", *faults(whole)]), flush=True)
    for layer in () if options.whole else options.without:
        print(f"without {layer}", file=sys.stderr, flush=True)
        outcomes[f"without {layer}"] = again(corpus, whole, layer, each=options.each)
    if len(outcomes) > 1:
        print("\n".join(["", *table(outcomes)]))
        for name, outcome in outcomes.items():
            fresh = [line for line in faults(outcome) if line not in faults(whole)]
            print("\n".join([f"{name}:", *fresh]) if fresh else "", end="\n" if fresh else "")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if whole.failed else 0


if __name__ == "__main__":
    sys.exit(main())
