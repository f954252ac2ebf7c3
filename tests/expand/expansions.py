"""Small folders to expand, and what an expansion left behind."""

import os
import sqlite3

import numpy as np

from covary import Pipeline, image
from covary.data.encode import encode


def pipeline(seed=7):
    return Pipeline(
        [
            image.HorizontalFlip(p=0.5),
            image.Rotate((-20, 20), border="reflect"),
            image.Brightness(0.2),
            image.GaussianNoise((0.01, 0.05), p=0.5),
        ],
        seed=seed,
    )


def picture(seed, height=20, width=26, channels=3, dtype=np.uint8):
    random = np.random.default_rng(seed)
    return random.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype)


def write(path, format="png", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(picture(len(str(path.name)), **options), format))


def small_set(root):
    write(root / "cats" / "a.png")
    write(root / "cats" / "b c.jpg", "jpeg")
    write(root / "dogs" / "deep" / "d.webp", "webp", height=31)
    write(root / "top.bmp", "bmp")
    return root


def tree(root):
    """Every file below a folder, by relative path: its content, or where it links to."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = os.fsencode(path.relative_to(root))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and path.name != "manifest.sqlite":
            found[name] = path.read_bytes()
    return found


def record(out):
    """All that a manifest says, but for what depends on the moment."""
    db = sqlite3.connect(out / "manifest.sqlite")
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM pending").fetchone() == (0,)
        tables = ("settings", "recipes", "sources", "outputs")
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}
    finally:
        db.close()


def state(out):
    return tree(out), record(out)


def dataset_names(out):
    return sorted(os.fsdecode(name) for name in tree(out) if name != b"annotations.json")


def everything(out):
    """As `state`, for an expansion that may have shards."""
    db = sqlite3.connect(out / "manifest.sqlite")
    try:
        shards = db.execute("SELECT * FROM shards ORDER BY 1").fetchall()
    finally:
        db.close()
    return state(out), shards
