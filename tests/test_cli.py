"""The command line: what it says, and its exit status."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from covary import OneOf, Pipeline, __version__, image
from covary.cli import app
from covary.data.decode import decode
from covary.data.encode import encode
from covary.expand.files import locked

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with pictures and a pipeline file."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    for name in ("photos/cats/a.png", "photos/dogs/b.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(encode(random.integers(0, 255, (24, 32, 3), dtype=np.uint8), "png"))
    operations = [image.HorizontalFlip(p=0.5), OneOf([image.GaussianBlur(), image.Brightness(0.2)])]
    Pipeline(operations, seed=2).to_yaml("p.yaml")
    return tmp_path


def test_version():
    done = run("--version")
    assert done.exit_code == 0 and done.output == f"covary {__version__}\n"


def test_expand_verify_and_rerun(here):
    done = run("expand", "photos", "out", "--times", 3, "--pipeline", "p.yaml", "--originals", "link")
    assert done.exit_code == 0, done.output
    assert "2 pictures: 8 files made, 0 already there" in done.stdout
    expected = Pipeline.from_yaml(here / "p.yaml")(image=decode("photos/cats/a.png"), key="cats/a.png", epoch=2)
    assert np.array_equal(decode("out/cats/a__2.png"), expected["image"])
    done = run("expand", "photos", "out", "-n", 3, "-p", "p.yaml", "--originals", "link")
    assert done.exit_code == 0 and "0 files made, 8 already there" in done.stdout
    done = run("verify", "out")
    assert done.exit_code == 0 and "8 files checked: all as recorded" in done.stdout


def test_skipped_pictures_are_listed_and_make_the_status_1(here):
    (here / "photos/cats/new\nline.png").write_bytes(b"")
    done = run("expand", "photos", "out", "-p", "p.yaml", "-n", 1)
    assert done.exit_code == 1
    assert done.stderr == "covary: skipped: cats/new\\nline.png: the file is empty\n"
    assert "2 files made" in done.stdout and "1 skipped" in done.stdout


def test_long_lists_are_cut(here):
    for index in range(30):
        (here / f"photos/cats/bad {index:02}.png").write_bytes(b"")
    done = run("expand", "photos", "out", "-p", "p.yaml", "-n", 1)
    assert done.stderr.count("bad ") == 20 and "and 10 more" in done.stderr


def test_on_error_raise(here):
    (here / "photos/cats/bad.png").write_bytes(b"")
    done = run("expand", "photos", "out", "-p", "p.yaml", "--on-error", "raise")
    assert done.exit_code == 1 and done.stderr == "covary: cats/bad.png: the file is empty\n"


def test_verify_names_what_is_wrong(here):
    run("expand", "photos", "out", "-p", "p.yaml", "-n", 1)
    (here / "out/cats/a__0.png").write_bytes(b"other")
    (here / "out/dogs/b__0.jpg").unlink()
    (here / "out/more.txt").write_text("mine")
    done = run("verify", "out")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "covary: missing: dogs/b__0.jpg: is missing",
        "covary: altered: cats/a__0.png: has been altered",
        "covary: extra: more.txt: is not in the manifest",
    ]


def test_verify_with_sources_elsewhere(here):
    run("expand", "photos", "out", "-p", "p.yaml", "-n", 1)
    (here / "photos").rename(here / "moved")
    assert run("verify", "out").exit_code == 1
    assert run("verify", "out", "--source", "moved").exit_code == 0


def bad_pipeline(here):
    (here / "p.yaml").write_text("covary: 1\noperations:\n- image.HorizontalFlop: {}\n")
    return ("expand", "photos", "out", "-p", "p.yaml"), "HorizontalFlip"


def missing_pipeline(here):
    return ("expand", "photos", "out", "-p", "none.yaml"), "none.yaml: No such file"


def missing_source(here):
    return ("expand", "nothing", "out", "-p", "p.yaml"), "nothing: not a folder"


def output_is_the_source(here):
    return ("expand", "photos", "photos", "-p", "p.yaml"), "same folder"


def no_expansion(here):
    return ("verify", "photos"), "is it the output"


def bad_annotations(here):
    (here / "a.json").write_text("[")
    return ("expand", "photos", "out", "-p", "p.yaml", "--annotations", "a.json"), "a.json: not a JSON file"


def no_pictures_to_show(here):
    (here / "empty").mkdir()
    return ("show", "empty", "-p", "p.yaml"), "no picture there"


def sheet_of_no_format(here):
    return ("show", "photos", "-p", "p.yaml", "--out", "sheet.pdf"), r"allowed: .png"


@pytest.mark.parametrize(
    "case",
    (
        bad_pipeline,
        missing_pipeline,
        missing_source,
        output_is_the_source,
        no_expansion,
        bad_annotations,
        no_pictures_to_show,
        sheet_of_no_format,
    ),
)
def test_an_error_is_one_clear_line(here, case):
    arguments, said = case(here)
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("covary: ") and said in done.stderr


@pytest.mark.parametrize(
    "arguments",
    (
        ("expand", "photos"),
        ("expand", "photos", "out"),
        ("expand", "photos", "out", "-p", "p.yaml", "--times", "0"),
        ("expand", "photos", "out", "-p", "p.yaml", "--format", "gif"),
        ("nonsense",),
    ),
)
def test_wrong_usage_is_status_2(here, arguments):
    assert run(*arguments).exit_code == 2


def test_a_second_run_is_refused(here):
    (here / "out").mkdir()
    with locked(here / "out"):
        done = run("expand", "photos", "out", "-p", "p.yaml")
    assert done.exit_code == 1 and "another run is writing there" in done.stderr


def test_show(here):
    done = run("show", "photos", "-p", "p.yaml", "--out", "sheets/one.png", "--count", 1, "--times", 2, "--seed", 5)
    assert done.exit_code == 0 and done.stdout == "sheets/one.png\n"
    assert decode("sheets/one.png").ndim == 3


def test_the_command_itself_is_quiet_about_broken_files(here):
    """In a process of its own, as decoders write to the file descriptor rather than to sys.stderr."""
    data = (here / "photos/cats/a.png").read_bytes()
    (here / "photos/cats/cut.png").write_bytes(data[: len(data) // 2])
    (here / "photos/cats/cut.tif").write_bytes(encode(np.zeros((40, 40, 3), np.uint8), "tiff")[:-60])
    arguments = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "covary.cli",
        "expand",
        "photos",
        "out",
        "-p",
        "p.yaml",
        "-n",
        "1",
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 1
    assert [line.split(": ")[:3] for line in done.stderr.splitlines()] == [
        ["covary", "skipped", "cats/cut.png"],
        ["covary", "skipped", "cats/cut.tif"],
    ]


def test_annotations(here):
    annotations = {
        "images": [{"id": 1, "file_name": "cats/a.png", "height": 24, "width": 32}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 8]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (here / "a.json").write_text(json.dumps(annotations))
    assert run("expand", "photos", "out", "-p", "p.yaml", "-n", 2, "--annotations", "a.json").exit_code == 0
    made = json.loads((here / "out/annotations.json").read_text())
    assert [entry["file_name"] for entry in made["images"]] == [
        "cats/a__0.png",
        "cats/a__1.png",
        "dogs/b__0.jpg",
        "dogs/b__1.jpg",
    ]
    assert len(made["annotations"]) == 2
    done = run("show", "photos", "-p", "p.yaml", "-o", "s.png", "--annotations", "a.json", "-n", 1)
    assert done.exit_code == 0


def test_expand_says_what_goes_per_class_and_what_is_left_out(here):
    (here / "sets").mkdir()
    (here / "photos").rename(here / "sets/train")
    (here / "sets/val/cats").mkdir(parents=True)
    (here / "sets/val/cats/c.png").write_bytes((here / "sets/train/cats/a.png").read_bytes())
    done = run("expand", "sets", "out", "-p", "p.yaml", "--times", 2, "--times", "cats=5")
    assert done.exit_code == 0 and "2 pictures: 7 files made" in done.stdout
    assert "covary: left out: 1 of val; only the training part is expanded" in done.stderr
    done = run("expand", "sets", "out", "-p", "p.yaml", "--split", "val")
    assert done.exit_code == 1 and "--any-split" in done.stderr
    done = run("expand", "sets", "val", "-p", "p.yaml", "--split", "val", "--any-split", "-n", 1)
    assert done.exit_code == 0 and "1 pictures: 1 files made" in done.stdout


def test_expand_into_shards(here):
    done = run("expand", "photos", "out", "-p", "p.yaml", "-n", 2, "--balance", "--format", "webdataset")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (here / "out").glob("*.tar")) == ["data-v0-00000.tar", "data-v1-00000.tar"]
    assert run("verify", "out").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    (
        (("--times", "cats=x"), 2, "CLASS=NUMBER"),
        (("--times", "2", "--times", "3"), 2, "said before"),
        (("--times", "bats=3"), 1, "times for 'bats'; the classes are cats, dogs"),
        (("--kind", "zip"), 1, "kind='zip'; allowed"),
        (("--kind", "yolo", "--format", "parquet", "--originals", "link"), 1, "no links"),
    ),
)
def test_expand_refuses_what_makes_no_sense(here, arguments, status, said):
    done = run("expand", "photos", "out", "-p", "p.yaml", *arguments)
    assert done.exit_code == status and said in done.stderr


def test_convert_writes_a_pipeline_and_names_what_has_no_equal(tmp_path):
    flip = {"__class_fullname__": "HorizontalFlip", "p": 0.25}
    words = {"__class_fullname__": "TextImage", "p": 0.5}
    saved = tmp_path / "saved.json"
    saved.write_text(
        json.dumps({"transform": {"__class_fullname__": "Compose", "p": 1.0, "transforms": [flip, words]}})
    )
    assert run("convert", saved).exit_code == 1
    done = run("convert", saved, "--skip", "--out", tmp_path / "ours.yaml")
    assert done.exit_code == 0
    assert Pipeline.from_yaml(tmp_path / "ours.yaml").operations == (image.HorizontalFlip(p=0.25),)
    assert "left out: transforms[1]: TextImage" in done.output
