"""Expand the photographs that scikit-image ships, labels and all, draw what came out; then prove a pipeline on digits.

    make demo        or        python demo/run.py [FOLDER]

Nothing is downloaded: six photographs lie inside the package of scikit-image. They become an image folder;
`annotations.json` beside this file says what is in them (drawn by hand), and `photos.yaml` is the pipeline. Handwritten
digits lie inside scikit-learn: with twenty of each to learn from, does the pipeline in `digits.yaml` help?
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from covary.expand import expand, verify
from covary.show import contact_sheet

DIGITS = 20  # of each class to train and validate with
LATER = 1400  # digits from here on, of other writers, are for the test
MINUTES = 3  # that the proof may take

HERE = Path(__file__).resolve().parent

# Where each photograph of skimage/data goes: the first part is its class.
PHOTOGRAPHS = {
    "chelsea.png": "animals/chelsea.png",
    "astronaut.png": "people/astronaut.png",
    "camera.png": "people/cameraman.png",
    "coffee.png": "things/coffee.png",
    "motorcycle_left.png": "vehicles/motorcycle.png",
    "rocket.jpg": "vehicles/rocket.jpg",
}


def main(out: Path) -> int:
    """Expand photographs, check and draw them; prove a pipeline on digits; returns the exit status."""
    return expand_photographs(out) or prove_on_digits(out)


def expand_photographs(out: Path) -> int:
    """Write the photographs, expand them, check the expansion, draw the sheet; returns the exit status."""
    photographs = out / "photographs"
    copy_photographs(photographs)
    began = time.monotonic()
    report = expand(
        photographs,
        out / "expanded",
        HERE / "photos.yaml",
        times=8,
        annotations=HERE / "annotations.json",
        originals="link",
        progress=None,
    )
    print(f"{report} ({time.monotonic() - began:.1f} s)")
    found = verify(out / "expanded")
    print(found)
    sheet = out / "sheet.png"
    contact_sheet(photographs, HERE / "photos.yaml", sheet, annotations=HERE / "annotations.json")
    print(f"Expanded data set: {out / 'expanded'}")
    print(f"Contact sheet:     {sheet}")
    return 0 if report.ok and found.ok else 1


def prove_on_digits(out: Path) -> int:
    """Measure whether the pipeline for digits helps; returns the exit status."""
    from covary.prove import prove

    folder, pipeline, report = out / "digits", HERE / "digits.yaml", out / "report"
    write_digits(folder)
    print(f"\nDoes {pipeline.name} help with {DIGITS} handwritten digits of each class? This takes some minutes.")
    print(prove(folder, pipeline, minutes=MINUTES, out=report))
    print(f"Report:            {report / 'index.html'}")
    return 0


def write_digits(folder: Path) -> None:
    """Make an image folder of the digits inside scikit-learn's package, a part to train with and a part to test."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        sys.exit("the demonstration needs the digits of scikit-learn: pip install scikit-learn")
    import cv2

    found = load_digits()
    written: Counter[int] = Counter()
    for number, (picture, label) in enumerate(zip(found.images, found.target.tolist(), strict=True)):
        part = "test" if number >= LATER else "train"
        if part == "train" and written[label] == DIGITS:
            continue
        written[label] += part == "train"
        target = folder / part / str(label) / f"{number:04}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), (picture * (255 / 16)).round().astype("uint8"))


def copy_photographs(folder: Path) -> None:
    """Make an image folder of the photographs inside scikit-image's package."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        sys.exit("the demonstration needs the photographs of scikit-image: pip install scikit-image")
    for name, place in PHOTOGRAPHS.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((Path(package.origin).parent / "data" / name).read_bytes())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")))
