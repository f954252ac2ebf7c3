"""What is found in a folder of pictures."""

import os

import pytest

from covary.data.folder import read_folder


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(folder):
    return [item.name for item in folder.items]


def test_pictures_at_any_depth_in_sorted_order(tmp_path):
    touch(tmp_path, "dogs/b.JPG", "cats/z.png", "cats/deep/er/a.WebP", "top.tif", "cats/notes.txt", "cats/jpg", "x.bmp")
    folder = read_folder(tmp_path)
    assert names(folder) == ["cats/deep/er/a.WebP", "cats/z.png", "dogs/b.JPG", "top.tif", "x.bmp"]
    assert [item.label for item in folder.items] == ["cats", "cats", "dogs", "", ""]
    assert folder.classes == ("cats", "dogs")
    assert folder.path(folder.items[0]) == tmp_path / "cats/deep/er/a.WebP"
    assert not folder.problems and not folder.left_out


def test_excluded_folder_is_left_out_and_named(tmp_path):
    touch(tmp_path, "cats/a.png", "out/cats/a__0.png")
    folder = read_folder(tmp_path, exclude=[tmp_path / "out", tmp_path / "not there"])
    assert names(folder) == ["cats/a.png"]
    assert folder.left_out == ("out",)


def test_pictures_of_other_kinds_are_named(tmp_path):
    touch(tmp_path, "a.png", "b/anim.GIF", "raw.nef", "notes.txt", ".gif/c.png")
    folder = read_folder(tmp_path)
    assert names(folder) == [".gif/c.png", "a.png"] and folder.others == ("b/anim.GIF", "raw.nef")


def test_links_are_followed_but_not_round_in_circles(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    touch(elsewhere, "far.png", "one.png")
    root = tmp_path / "root"
    touch(root, "a/x.png")
    (root / "link.png").symlink_to(elsewhere / "one.png")
    (root / "b").symlink_to(elsewhere)
    (root / "a" / "circle").symlink_to(root)
    (elsewhere / "self").symlink_to(elsewhere)
    assert names(read_folder(root)) == ["a/x.png", "b/far.png", "b/one.png", "link.png"]


def test_broken_link_and_pipe_are_problems(tmp_path):
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "other").symlink_to("nowhere")
    folder = read_folder(tmp_path)
    assert not folder.items
    assert [(problem.name, problem.reason) for problem in folder.problems] == [
        ("gone.jpg", "the file cannot be read: No such file or directory"),
        ("pipe.png", "not a regular file"),
    ]


def test_unreadable_folder_is_a_problem_not_the_end(tmp_path, monkeypatch):
    touch(tmp_path, "a/x.png", "secret/y.png", "z/z.png")
    scan = os.scandir

    def refuse(path="."):
        if str(path).endswith("secret"):  # the modes of files do not bind the superuser
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    folder = read_folder(tmp_path)
    assert names(folder) == ["a/x.png", "z/z.png"]
    assert [(problem.name, problem.reason) for problem in folder.problems] == [
        ("secret", "the folder cannot be read: Permission denied")
    ]


def test_odd_names(tmp_path):
    odd = ["with space.png", 'quote".png', "it's.png", "new\nline.png", "日本語.jpg", "emoji 🐈.png", "back\\slash.png"]
    touch(tmp_path, *odd)
    touch(tmp_path, os.fsdecode(b"\xff\xfe.png"))
    found = names(read_folder(tmp_path))
    assert sorted([*odd, "\udcff\udcfe.png"]) == found
    assert (tmp_path / found[-1]).exists()


def test_what_is_no_folder(tmp_path):
    touch(tmp_path, "file.png")
    with pytest.raises(NotADirectoryError):
        read_folder(tmp_path / "file.png")
    with pytest.raises(NotADirectoryError):
        read_folder(tmp_path / "nothing")


def test_unfinished_files_of_an_expansion_are_not_walked(tmp_path):
    touch(tmp_path, "a.png", ".covary/tmp/0.png")
    assert names(read_folder(tmp_path)) == ["a.png"]
