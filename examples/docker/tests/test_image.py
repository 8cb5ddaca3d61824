"""What must stay true of the image, however small it gets."""

from engine import bases, is_pinned


def test_it_prints_what_it_printed(image, expected, running):
    assert image.run(seconds=running) == expected


def test_it_does_not_run_as_root(image):
    assert image.user.partition(":")[0] not in {"", "0", "root"}


def test_files_are_there(image, kept_files, tmp_path):
    for number, (path, source) in enumerate(kept_files.items()):
        place = tmp_path / f"{number}"
        image.copy(path, place)
        assert place.read_bytes() == source.read_bytes(), path


def test_base_images_are_pinned_as_they_were(target, before):
    """A tag without a number means another image tomorrow."""
    found = bases(target.read_text(encoding="utf-8"))
    assert found
    if all(is_pinned(one) for one in bases(before)):
        assert [one for one in found if not is_pinned(one)] == []


def test_nothing_is_fetched_past_the_base_images(target):
    """A frontend or a file from elsewhere is code that nobody has pinned."""
    lines = [line.strip().lower() for line in target.read_text(encoding="utf-8").splitlines()]
    assert not any(line.startswith("# syntax") for line in lines)
    assert not any(line.startswith("add ") and "://" in line for line in lines)


def test_building_leaves_its_context_alone(image, context, handed):
    files = {path: path.read_bytes() for path in context.rglob("*") if path.is_file()}
    assert image.bytes
    assert files == handed
