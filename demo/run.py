"""Expand the photographs that scikit-image ships, labels and all, and draw what came out.

    make demo        or        python demo/run.py [FOLDER]

Nothing is downloaded: six photographs lie inside the package of scikit-image. They become an image folder;
`annotations.json` beside this file says what is in them (drawn by hand), and `photos.yaml` is the pipeline.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path

from covary.expand import expand, verify
from covary.show import contact_sheet

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
