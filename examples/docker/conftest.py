"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: `CONTEXT` and `PARTS`, what the image must print (`expected.txt`), the files that it must
hold (`FILES`), and the bound on building. Sessions need the engine's socket: set
`autoloop_network = true`, `autoloop_writable` and `autoloop_objective = "gated"` in the settings of
pytest. Who reaches that socket can become root on its machine: use an engine without root, or a
virtual machine.
"""

import shutil
from pathlib import Path

import engine
import pytest

import pytest_autoloop as autoloop
from pytest_autoloop.harness.baseline_fixture import original

HERE = Path(__file__).parent
#: The directory that is handed to the engine, and what of the project is in it.
CONTEXT, PARTS = HERE, ("app", "data")
#: Files of the image, and which of the project's they must equal.
FILES = {"/srv/data/rates.csv": HERE / "data" / "rates.csv"}
#: How long building and running may take, in seconds.
BUILDING, RUNNING = 600, 30


@autoloop.target
def target():
    """Make the image smaller. It must print the same, not as root, from pinned base images."""
    return "Dockerfile"


def lacking():
    """Return why no image can be built, "" if one can."""
    name, why = engine.find()
    return "" if name else f"no container engine: {why}"


def pytest_collection_modifyitems(config):
    """End a campaign at once that could measure nothing; plain tests are skipped."""
    if config.getoption("--autoloop", default=None) is not None and lacking():
        raise pytest.UsageError(lacking())


@pytest.fixture(scope="session")
def context(tmp_path_factory):
    """Return a copy of what the engine is handed."""
    place = tmp_path_factory.mktemp("context")
    for part in PARTS:
        source = CONTEXT / part
        if not source.exists():
            message = f"{source} is missing: it is named in PARTS of conftest.py"
            pytest.fail(message, pytrace=False)
        if source.is_dir():
            shutil.copytree(source, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / part)
    return place


@pytest.fixture(scope="session")
def handed(context):
    """Return the content of each file that the engine is handed, read before it is."""
    return {path: path.read_bytes() for path in context.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def image(target, context, handed):  # noqa: ARG001 - what is handed is read first
    """Return the image, built from nothing."""
    if lacking():
        pytest.skip(lacking())
    name, _ = engine.find()
    built = engine.build(name, target, context, seconds=BUILDING)
    yield built
    built.remove()


@pytest.fixture(scope="session")
def before(target):
    """Return the Dockerfile as it was committed."""
    return original(target).decode("utf-8")


@pytest.fixture(scope="session")
def expected():
    """Return what the image must print."""
    path = HERE / "expected.txt"
    if not path.is_file():
        pytest.fail(f"{path} is missing: write into it what the image prints", pytrace=False)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def kept_files():
    """Return the files that the image must hold."""
    return FILES


@pytest.fixture(scope="session")
def running():
    """Return how long the image's command may take, in seconds."""
    return RUNNING


@autoloop.metric(direction="lower", unit="MB")
def size(image):
    """Megabytes of the image; less than a tenth differs from build to build."""
    return round(image.bytes / 1e6, 1)


@autoloop.metric(direction="lower", unit="s", at_most=BUILDING)
def building(image):
    """Seconds that it took to build the image from nothing."""
    return image.seconds
