"""The report in a real browser: what it shows, how it is used, and that nothing gets out or in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.model import Effect, GuardReport, Metric, Pair, Sample
from pytest_autoloop.reporting.html.packing import BLOCK, SHARING
from tests.reporting.html.made import DIFF, campaign, experiment, write_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reporting.html.browser import Browser

READY = "document.documentElement.dataset.ready"
HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'><!--"
NUMBERS = (
    "[...document.querySelectorAll('#table tbody tr')].map((row) => Number(row.dataset.number))"
)


def show(browser: Browser, page: Path, anchor: str = "") -> None:
    """Open a page and wait until it has drawn itself."""
    browser.open(page.as_uri() + anchor)
    browser.until(READY)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return the page of a campaign of nine experiments."""
    failed = GuardReport(False, test="tests/test_parser.py::test_nested", message="assert 1 == 2")
    made = [
        experiment(0, "baseline"),
        experiment(1, "keep", description="split once", tokens_used=3000, cost_usd=0.0125),
        experiment(2),
        experiment(3, reason="guard", guard=failed, metrics={"time": None}, effect=None, pairs=()),
        experiment(4, "crash", reason="import", metrics={"time": None}),
        experiment(5, "keep", description="no copy", proposer="openai:gpt-5"),
        *map(experiment, (6, 7, 8)),
    ]
    return write_page(campaign(tmp_path, made), tmp_path / "report.html", "audited gain 1.2×")


def test_it_tells_of_the_campaign_and_asks_nobody_for_anything(
    browser: Browser, page: Path
) -> None:
    """Figures, audit, environment and every row are there; one file is loaded, none complained."""
    show(browser, page)
    text = browser.run("document.body.innerText")
    for told in ("Campaign made", "audited gain 1.2×", "3.13.1", "autoexp/made", "split once"):
        assert told in text
    assert browser.run(NUMBERS) == list(range(9))
    assert browser.requests == [page.as_uri()]
    assert browser.faults == []


def test_the_chart_says_in_words_what_it_shows(browser: Browser, page: Path) -> None:
    """Who cannot see it hears how many experiments there were, and each step of the best."""
    show(browser, page)
    label = browser.run("byId('chart').getAttribute('aria-label')")
    assert "1 baseline, 2 keep, 5 discard, 1 crash" in label
    steps = browser.run(
        "[...document.querySelectorAll('#chart-words li')].map((li) => li.textContent)"
    )
    assert [step.partition(":")[0] for step in steps] == [
        "experiment 0 (baseline)",
        "experiment 1 (keep)",
        "experiment 5 (keep)",
    ]


def test_where_nothing_was_kept_what_was_tried_is_in_sight(
    browser: Browser, tmp_path: Path
) -> None:
    """The range is not that of the one experiment whose score is next to the baseline's."""
    times = (0.2, 0.2000001, 0.17, 1e-6)
    made = [
        experiment(number, "discard" if number else "baseline", metrics={"time": time})
        for number, time in enumerate(times)
    ]
    show(browser, write_page(campaign(tmp_path, made), tmp_path / "report.html"))
    low, high = browser.run("[chart.plot.scales.y.min, chart.plot.scales.y.max]")
    seen = [low <= y <= high for y in browser.run("chart.points.map((point) => point.y)")]
    assert seen == [True, True, True, False]


def test_a_click_on_a_mark_opens_the_experiment(browser: Browser, page: Path) -> None:
    """Where a keep is drawn, a click shows its diff, its samples and what it cost."""
    show(browser, page)
    place = browser.run(
        "(() => { const over = chart.plot.over.getBoundingClientRect();"
        " const point = chart.points[1];"
        " return [over.left + chart.plot.valToPos(point.row.number, 'x'),"
        " over.top + chart.plot.valToPos(point.y, 'y')]; })()"
    )
    browser.click(*place)
    browser.until("!byId('details').hidden")
    text = browser.run("byId('details').innerText")
    for told in ("001 split once", "3,000", "$0.0125", "Paired samples"):
        assert told in text
    diff = browser.run(
        "[...document.querySelectorAll('.diff span')].map((line) => line.textContent)"
    )
    assert diff == DIFF.rstrip("\n").split("\n")
    looks = browser.run(
        "[...document.querySelectorAll('.diff span')].map((line) => line.className)"
    )
    assert looks == ["file", "file", "file", "place", "", "removed", "added"]
    strip = browser.run("document.querySelector('svg.strip').getAttribute('aria-label')")
    assert "4 pairs of time" in strip
    assert "effect 1.11× [1.09×, 1.12×] as good" in strip


def test_a_failed_guard_is_named_with_what_it_said(browser: Browser, page: Path) -> None:
    """Opened by a link to its number."""
    show(browser, page, "#3")
    browser.until("!byId('details').hidden")
    text = browser.run("byId('details').innerText")
    assert "tests/test_parser.py::test_nested" in text
    assert "assert 1 == 2" in text


def test_each_experiment_has_its_own_diff(browser: Browser, tmp_path: Path) -> None:
    """In the first packed block, in those that go on with its lines, in one that does not."""
    made = [
        experiment(number, diff=f"{DIFF}+number {number}\n", pairs=(), effect=None)
        for number in range(BLOCK * SHARING + 2)
    ]
    show(browser, write_page(campaign(tmp_path, made), tmp_path / "report.html"))
    for number in (0, BLOCK - 1, BLOCK * 3, BLOCK * SHARING + 1):
        browser.run(f"openDetails({number})")
        diff = browser.run("document.querySelector('.diff').innerText")
        assert diff.rstrip("\n") == f"{DIFF}+number {number}"


def test_filters_leave_what_was_asked_for(browser: Browser, page: Path) -> None:
    """By status, by reason and by words, which all have to be met."""
    show(browser, page)
    tick = "document.querySelector('input[value={}]').click()"
    browser.run(tick.format("keep"))
    assert browser.run(NUMBERS) == [1, 5]
    browser.run(tick.format("crash"))
    assert browser.run(NUMBERS) == [1, 4, 5]
    browser.run(
        "(() => { const box = document.querySelector('[name=search]'); box.value = 'gpt no';"
        " box.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    assert browser.run(NUMBERS) == [5]
    assert browser.run("byId('shown').textContent") == "1 of 9"
    browser.run("document.querySelector('#filters [type=reset]').click()")
    browser.until(f"{NUMBERS}.length === 9")


def test_headings_sort_and_say_so(browser: Browser, page: Path) -> None:
    """Best first, then worst first; what was not measured comes last both times."""
    show(browser, page)
    heading = "document.querySelector('[data-key=effect] button').click()"
    browser.run(heading)
    assert browser.run(NUMBERS) == [1, 5, 2, 6, 7, 8, 0, 3, 4]
    sorting = "document.querySelector('[data-key=effect]').getAttribute('aria-sort')"
    assert browser.run(sorting) == "descending"
    browser.run(heading)
    assert browser.run(NUMBERS) == [2, 6, 7, 8, 1, 5, 0, 3, 4]
    assert browser.run(sorting) == "ascending"


def test_it_is_used_with_the_keyboard_alone(browser: Browser, page: Path) -> None:
    """Arrows go through chart and rows, Enter opens, Escape leads back to where one was."""
    show(browser, page)
    browser.run("byId('chart').focus()")
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert "Experiment 1, keep: split once" in browser.run("byId('chart-said').textContent")
    browser.press("Enter")
    browser.until("byId('details').contains(document.activeElement)")
    browser.press("Escape")
    assert browser.run("document.activeElement.id") == "chart"
    browser.run("document.querySelector('#table tbody [tabindex=\"0\"]').focus()")
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert browser.run("document.activeElement.textContent") == "002"
    outline = browser.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    browser.press("Enter")
    browser.until("byId('details-title')?.textContent.startsWith('002')")
    browser.press("Escape")
    assert browser.run("document.activeElement.textContent") == "002"


def test_whatever_a_candidate_says_is_text(browser: Browser, tmp_path: Path) -> None:
    """Tags in any field that a candidate, a model or a project fills run and hide nothing."""
    metric = Metric(HOSTILE, "lower", HOSTILE, description=HOSTILE)
    sample = Sample(metrics={HOSTILE: 2.0})
    failed = GuardReport(False, test=HOSTILE, message=HOSTILE, output=HOSTILE)
    made = [
        experiment(0, "baseline", metrics={HOSTILE: 2.0}, pairs=(), effect=None),
        experiment(
            1,
            reason="guard",
            description=HOSTILE,
            detail=HOSTILE,
            diff=f"+{HOSTILE}\n+hidden\u202eword\n",
            proposer=HOSTILE,
            flags=(HOSTILE,),
            news=(HOSTILE,),
            search=HOSTILE,
            stages={HOSTILE: 1.0},
            guard=failed,
            metrics={HOSTILE: 2.0},
            pairs=(Pair(sample, sample),),
            effect=Effect(0.0, -0.1, 0.1, pairs=1, basis="metric"),
        ),
    ]
    header = {"environment": {HOSTILE: HOSTILE}, "proposer": HOSTILE}
    journal = campaign(tmp_path, made, (metric,), **header)
    page = write_page(journal, tmp_path / "report.html", HOSTILE)
    show(browser, page, "#1")
    browser.until("!byId('details').hidden")
    assert browser.run("window.hacked") is None
    assert browser.run("document.images.length") == 0
    # Three hold data, one is the page's own.
    assert browser.run("document.scripts.length") == 4
    text = browser.run("document.body.textContent")
    assert "hidden\\u202eword" in text
    assert "\u202e" not in text
    assert browser.run("document.querySelector('.diff .added').textContent") == f"+{HOSTILE}"
    assert browser.requests == [page.as_uri()]
    assert browser.faults == []


def test_the_policy_stops_what_would_get_in_all_the_same(browser: Browser, page: Path) -> None:
    """Were a tag put into the page, neither its script would run nor its picture be asked for."""
    show(browser, page)
    browser.run(
        "document.body.insertAdjacentHTML('beforeend',"
        ' \'<img src="https://example.invalid/x.png" onerror="window.hacked = 1">\');'
        "const made = document.createElement('script'); made.textContent = 'window.hacked = 2';"
        "document.body.append(made)"
    )
    assert browser.wait_for("Network.loadingFailed")["blockedReason"] == "csp"
    assert browser.run("window.hacked") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(browser: Browser, page: Path, theme: str) -> None:
    """At least 4.5 to 1, as WCAG 2 asks for and measures it, in both themes."""
    media = [{"name": "prefers-color-scheme", "value": theme}]
    browser.ask("Emulation.setEmulatedMedia", features=media)
    show(browser, page)
    texts = ["text", "quiet", "link", "keep", "baseline", "explore", "discard", "crash"]
    texts += ["timeout", "warn"]
    pairs = [(text, ground) for text in texts for ground in ("page", "panel", "chosen")]
    pairs += [("added-text", "added"), ("removed-text", "removed")]
    colours = browser.run(
        f"Object.fromEntries({sorted({*sum(pairs, ())})}.map((name) => [name, colourOf(name)]))"
    )
    ratios = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5} == {}
    dark = luminance(colours["page"]) < luminance(colours["text"])
    assert dark == (theme == "dark")
    browser.ask("Emulation.setEmulatedMedia", features=[])


def test_the_theme_can_be_chosen(browser: Browser, page: Path) -> None:
    """The switch goes from the system's to light and to dark, and it is remembered."""
    show(browser, page)
    for theme in ("light", "dark"):
        browser.run("byId('theme').click()")
        assert browser.run("getComputedStyle(document.documentElement).colorScheme") == theme
    show(browser, page)
    assert browser.run("byId('theme').textContent") == "Theme: dark"
    browser.run("byId('theme').click()")
    assert browser.run("byId('theme').textContent") == "Theme: as the system"


def test_a_browser_that_cannot_unpack_says_so(browser: Browser, page: Path) -> None:
    """Instead of an empty page there is a sentence with the way out."""
    source = "delete window.DecompressionStream"
    made = browser.ask("Page.addScriptToEvaluateOnNewDocument", source=source)
    browser.open(page.as_uri())
    browser.until("document.querySelector('main .notice')")
    assert "pytest-autoloop history" in browser.run("document.querySelector('main').innerText")
    browser.ask("Page.removeScriptToEvaluateOnNewDocument", **made)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour like ``rgb(27, 31, 36)``, as WCAG 2 defines."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
