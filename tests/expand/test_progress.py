"""What a long run says of itself."""

import pytest

from covary.expand.progress import Bar, Lines, Silent, clock, progress_of


def test_lines_count_spared_files_but_not_for_the_rate():
    lines = Lines("covary expand", 1000)
    lines.spared(400)
    lines.made(200)
    assert lines.line(10.0) == "covary expand: 600 of 1,000 files, 20.0/s, 0:20 left"


def test_lines_come_every_few_seconds(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress_of("covary expand", 100, None) as shown:
        assert isinstance(shown, Lines)
        for _ in range(20):
            now[0] += 1
            shown.made(1)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4 and said[0] == "covary expand: 5 of 100 files, 1.0/s, 1:35 left"


def test_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress_of("covary expand", 10, None) as shown:
        assert isinstance(shown, Bar)
        shown.spared(4)
        shown.made(6)


def test_nothing_when_it_is_not_wanted(capsys):
    with progress_of("covary expand", 10, False) as shown:
        assert type(shown) is Silent
        shown.made(10)
        shown.spared(1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "said"), ((0, "0:00"), (7.4, "0:07"), (750, "12:30"), (3723, "1:02:03")))
def test_clock(seconds, said):
    assert clock(seconds) == said
