"""Held-out data is not expanded, unless it is asked for."""

import pytest
from expansions import dataset_names, pipeline, state, write

from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


def parted(root, parts=("train", "val", "test"), classes=("cats", "dogs")):
    for part in parts:
        for name in classes:
            for number in range(2):
                write(root / part / name / f"{number}.png")
    return root


def test_training_folder_alone_is_expanded_and_the_rest_is_noted(tmp_path):
    source, out = parted(tmp_path / "in"), tmp_path / "out"
    report = expand(source, out, pipeline(), times=2)
    assert report.sources == 4 and report.made == 8 and report.ok
    assert report.notes == (
        "left out: 4 of test, 4 of val; only the training part is expanded (originals can go with it: --originals)",
    )
    assert {name.split("/")[0] for name in dataset_names(out)} == {"train"}


def test_other_parts_go_along_unchanged_with_originals(tmp_path):
    source, out = parted(tmp_path / "in"), tmp_path / "out"
    report = expand(source, out, pipeline(), times=2, originals="copy")
    assert report.made == 4 * 3 + 8 and "taken over unchanged: 4 of test, 4 of val" in report.notes[0]
    for name in dataset_names(out):
        assert "__" not in name or name.startswith("train/")
    assert (out / "val/cats/0.png").read_bytes() == (source / "val/cats/0.png").read_bytes()
    assert verify(out).ok
    # Without originals they go again.
    expand(source, out, pipeline(), times=2)
    expand(source, tmp_path / "fresh", pipeline(), times=2)
    assert state(out) == state(tmp_path / "fresh")


def test_the_class_is_the_folder_below_the_part(tmp_path):
    write(tmp_path / "in/train/dogs/9.png")
    source = parted(tmp_path / "in", parts=("train", "val"))
    report = expand(source, tmp_path / "out", pipeline(), times={"dogs": 3, "*": 1})
    assert report.made == 2 * 1 + 3 * 3
    report = expand(source, tmp_path / "out", pipeline(), times=2, balance=True)
    names = dataset_names(tmp_path / "out")
    assert sum("/cats/" in name for name in names) == sum("/dogs/" in name for name in names) == 6


def test_a_part_may_be_chosen(tmp_path):
    source = parted(tmp_path / "in", parts=("train", "val", "extra"))
    assert expand(source, tmp_path / "extra", pipeline(), times=1, split="extra").made == 4
    assert expand(source, tmp_path / "all", pipeline(), times=1, any_split=True).made == 12
    with pytest.raises(ExpandError, match="split 'val' is held-out data"):
        expand(source, tmp_path / "out", pipeline(), times=1, split="validation")
    with pytest.raises(ExpandError, match="no pictures of split 'unseen'; its parts: extra, train, val"):
        expand(source, tmp_path / "out", pipeline(), times=1, split="unseen")
    assert not dataset_names(tmp_path / "out") if (tmp_path / "out").exists() else True


@pytest.mark.parametrize("name", ("val", "Test", "validation", "val2017"))
def test_a_folder_that_is_held_out_by_its_name_is_refused(tmp_path, name):
    write(tmp_path / name / "cats" / "a.png")
    with pytest.raises(ExpandError, match="held-out data by its name"):
        expand(tmp_path / name, tmp_path / "out", pipeline(), times=1)
    assert expand(tmp_path / name, tmp_path / "out", pipeline(), times=1, any_split=True).made == 1


def test_a_folder_within_a_held_out_one_beside_the_training_folder_is_refused(tmp_path):
    source = parted(tmp_path / "in")
    with pytest.raises(ExpandError, match="held-out data by its name \\('test'\\)"):
        expand(source / "test" / "cats", tmp_path / "out", pipeline(), times=1)
    assert expand(source / "train" / "cats", tmp_path / "out", pipeline(), times=1).made == 2


def test_held_out_folders_alone_are_refused(tmp_path):
    source = parted(tmp_path / "in", parts=("val", "test"))
    with pytest.raises(ExpandError, match=r"has held-out data only \(test, val\)"):
        expand(source, tmp_path / "out", pipeline(), times=1)


def test_an_annotation_file_of_held_out_data_is_refused(tmp_path):
    write(tmp_path / "in" / "a.png")
    text = '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": []}'
    (tmp_path / "instances_val2017.json").write_text(text)
    with pytest.raises(ExpandError, match="held-out data by its name"):
        expand(tmp_path / "in", tmp_path / "out", pipeline(), annotations=tmp_path / "instances_val2017.json")


@pytest.mark.parametrize("names", (("test", "control"), ("developer", "tests"), ("latest", "valid ones")))
def test_classes_with_such_names_are_classes(tmp_path, names):
    source = parted(tmp_path / "in", parts=names)
    report = expand(source, tmp_path / "out", pipeline(), times=1)
    assert report.made == 8 and not report.notes


def test_parts_below_the_classes_are_seen(tmp_path):
    for name in ("cats/train/1.png", "cats/val/2.png", "dogs/train/3.png"):
        write(tmp_path / "in" / name)
    report = expand(tmp_path / "in", tmp_path / "out", pipeline(), times=1)
    assert dataset_names(tmp_path / "out") == ["cats/train/1__0.png", "dogs/train/3__0.png"]
    assert "1 of val" in report.notes[0]
