"""The look of reference pictures against scikit-image, the paper's formula and moments."""

from __future__ import annotations

import pickle
from itertools import pairwise

import cv2
import numpy as np
import pytest
from skimage import exposure

from covary import Pipeline, image
from covary.ops.image.references import Reference, _fractions, adapted, frequencies_exchanged, matched

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(40, 160, (60, 80, 3)).astype(np.uint8)
OTHER = np.clip(RNG.normal((200, 120, 90), (20, 30, 10), (50, 70, 3)), 0, 255).astype(np.uint8)
ALL = [
    image.HistogramMatching((OTHER,)),
    image.FDA((OTHER,)),
    *(image.PixelDistributionAdaptation((OTHER,), transform=t) for t in ("standard", "pca", "minmax", "lab")),
]


def test_matched_histograms_equal_scikit_images() -> None:
    ours = matched(PICTURE.copy(), Reference(_fractions(OTHER)), 1.0).astype(float)
    theirs = exposure.match_histograms(PICTURE, OTHER, channel_axis=2).astype(float)
    # Theirs are cut off, not rounded.
    assert ((ours - theirs >= -1) & (ours - theirs <= 2)).all() and abs((ours - theirs).mean() - 0.5) < 0.2
    floats = matched((PICTURE / 255).astype(np.float32), Reference(_fractions(OTHER)), 1.0)
    assert np.abs(floats * 255 - theirs).mean() < 2


def test_exchanged_frequencies_are_those_of_the_paper() -> None:
    beta = 0.2
    reference = _fractions(cv2.resize(OTHER, (80, 60), interpolation=cv2.INTER_AREA))
    picture = (PICTURE / 255).astype(np.float32)
    ours = frequencies_exchanged(picture, Reference(reference), beta)
    own, wanted = (np.fft.fftshift(np.fft.fft2(p, axes=(0, 1)), axes=(0, 1)) for p in (picture, reference))
    rows, columns = int(beta * 30), int(beta * 40)
    window = np.s_[30 - rows : 30 + rows + 1, 40 - columns : 40 + columns + 1]
    amplitude, phase = np.abs(own), np.angle(own)
    amplitude[window] = np.abs(wanted)[window]
    back = np.fft.ifft2(np.fft.ifftshift(amplitude * np.exp(1j * phase), axes=(0, 1)), axes=(0, 1)).real
    np.testing.assert_allclose(ours, back, atol=2e-4)


@pytest.mark.parametrize("transform", ["standard", "pca"])
def test_adapted_colours_have_the_moments_of_the_reference(transform: str) -> None:
    picture, reference = (PICTURE / 255).astype(np.float32), _fractions(OTHER)
    made = adapted(picture, Reference(reference), 1.0, transform).reshape(-1, 3)
    wanted = reference.reshape(-1, 3)
    np.testing.assert_allclose(made.mean(axis=0), wanted.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(made.std(axis=0), wanted.std(axis=0), atol=1e-3)
    if transform == "pca":
        np.testing.assert_allclose(np.cov(made.T), np.cov(wanted.T), atol=1e-4)


def test_adapted_extremes_and_lab_moments() -> None:
    picture, reference = (PICTURE / 255).astype(np.float32), _fractions(OTHER)
    made = adapted(picture, Reference(reference), 1.0, "minmax")
    np.testing.assert_allclose(made.min(axis=(0, 1)), reference.min(axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(made.max(axis=(0, 1)), reference.max(axis=(0, 1)), atol=1e-5)
    lab = cv2.cvtColor(adapted(picture, Reference(reference), 1.0, "lab"), cv2.COLOR_RGB2Lab).reshape(-1, 3)
    wanted = cv2.cvtColor(reference, cv2.COLOR_RGB2Lab).reshape(-1, 3)
    # Reinhard's moments, but for colours that no screen can show.
    np.testing.assert_allclose(lab.mean(axis=0), wanted.mean(axis=0), atol=1.5)


@pytest.mark.parametrize("operation", ALL, ids=lambda o: f"{type(o).__name__} {getattr(o, 'transform', '')}")
def test_more_changes_as_strength_rises_and_nothing_at_0(operation) -> None:
    changes = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=PICTURE, key=key)["image"].astype(float) for key in range(8)]
        changes.append(np.mean([np.abs(out - PICTURE).mean() for out in outs]))
    # A frequency more, of noise, may by chance bring the picture nearer by a little.
    assert changes[0] == 0 and all(more >= less - 0.2 for less, more in pairwise(changes)) and changes[-1] > 1


@pytest.mark.parametrize("operation", ALL, ids=lambda o: f"{type(o).__name__} {getattr(o, 'transform', '')}")
def test_sizes_types_and_grey_pictures(operation) -> None:
    for size in ((1, 1), (1, 9), (2, 3), (31, 17)):
        for dtype in ("uint8", "uint16", "float32"):
            for channels in (1, 3):
                picture = np.ones((*size, channels), dtype)
                out = Pipeline([operation])(image=picture, key=1)["image"]
                assert out.shape == picture.shape and out.dtype == picture.dtype and (picture == 1).all()
                assert np.isfinite(out).all()
    with pytest.raises(ValueError, match=type(operation).__name__):
        Pipeline([operation])(image=np.zeros((5, 6, 4), np.uint8))


def test_a_folder_of_references_is_read_and_its_yaml_names_it(tmp_path) -> None:
    (tmp_path / "deeper").mkdir()
    for name, picture in (("a.png", OTHER), ("deeper/b.jpg", PICTURE)):
        cv2.imwrite(str(tmp_path / name), picture[:, :, ::-1])
    (tmp_path / "notes.txt").write_text("no picture")
    pipeline = Pipeline([image.PixelDistributionAdaptation(str(tmp_path), 1.0)])
    means = {tuple(np.rint(pipeline(image=PICTURE, key=key)["image"].mean(axis=(0, 1)) / 20)) for key in range(20)}
    assert len(means) == 2
    again = Pipeline.from_yaml(pipeline.to_yaml())
    assert np.array_equal(again(image=PICTURE, key=3)["image"], pipeline(image=PICTURE, key=3)["image"])
    same = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(same(image=PICTURE, key=3)["image"], pipeline(image=PICTURE, key=3)["image"])


def test_operations_with_equal_references_are_equal() -> None:
    first, second = image.FDA((OTHER,)), image.FDA((OTHER.copy(),))
    assert first == second and hash(Pipeline([first])) == hash(Pipeline([second])) and first != image.FDA((PICTURE,))
    assert "50 x 70 picture" in repr(first)


def test_wrong_references_are_named(tmp_path) -> None:
    with pytest.raises(ValueError, match="HistogramMatching: references"):
        image.HistogramMatching((np.zeros((3, 3)),))
    with pytest.raises(ValueError, match="FDA: references"):
        image.FDA(3)
    with pytest.raises(ValueError, match="no pictures"):
        Pipeline([image.FDA(str(tmp_path))])(image=PICTURE)
