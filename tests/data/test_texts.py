import pytest
from writing import check_dataset, write_text

from covary.data.dataset import SampleError
from covary.data.instances import AnnotationError
from covary.data.texts import TextFolder, TextLines


def test_lines_are_samples(tmp_path):
    path = write_text(tmp_path / "a.txt", "\ufefffirst\r\n\n  second \n\u2028third\x0bstill\n")
    dataset = TextLines(path)
    assert [dataset.read(index)["text"] for index in range(3)] == ["first", "  second ", "\u2028third\x0bstill"]
    assert list(dataset.keys) == ["0", "2", "3"] and dataset.splits is None
    check_dataset(dataset)


def test_files_are_parts(tmp_path):
    files = [write_text(tmp_path / f"{part}.txt", part * 2 + "\n") for part in ("train", "valid")]
    dataset = TextLines(files)
    assert list(dataset.keys) == ["train.txt:0", "valid.txt:0"] and list(dataset.splits) == ["train", "val"]
    check_dataset(dataset)


def test_folders_are_classes(tmp_path):
    for name in ("train/pos/1.txt", "train/neg/2.txt", "test/pos/3.txt"):
        write_text(tmp_path / name, name + "\n")
    dataset = TextFolder(tmp_path)
    assert dataset.classes == ("neg", "pos") and list(dataset.splits) == ["test", "train", "train"]
    assert dataset.read(1) == {"text": "train/neg/2.txt\n", "label": 0}
    check_dataset(dataset)


def test_what_is_no_text_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"good\n\xff\n")
    with pytest.raises(AnnotationError, match=r"a\.txt, line 2: not UTF-8 text"):
        TextLines(tmp_path / "a.txt")
    with pytest.raises(SampleError, match=r"a\.txt: not UTF-8 text at byte 5"):
        TextFolder(tmp_path).read(0)
    with pytest.raises(ValueError, match="no lines of text"):
        TextLines(write_text(tmp_path / "b.txt", "\n \n"))


def test_five_thousand_lines_stay_small_in_a_pickle(tmp_path):
    check_dataset(TextLines(write_text(tmp_path / "a.txt", "".join(f"line {n}\n" for n in range(5_000)))))
