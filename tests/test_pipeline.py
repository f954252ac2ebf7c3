"""The pipeline: identity of samples, batches, traces, files."""

from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import covary
from covary import Normal, OneOf, Pipeline, Sequential, SomeOf, Sometimes, image

OPERATIONS = [
    image.RandomResizedCrop(40, scale=(0.3, 1.0)),
    image.HorizontalFlip(p=0.5),
    image.Rotate((-20, 20), border="reflect", p=0.7),
    image.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
    OneOf([image.GaussianBlur((0.1, 2.0)), image.GaussianNoise((0.01, 0.05))], p=0.6),
    image.ElasticTransform(p=0.3),
    image.CoarseDropout(p=0.5),
    image.Normalize("imagenet"),
]


def photo(seed=0, height=50, width=60, channels=3, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(height, width, channels)), 0), 1)
    unit = (smooth - smooth.min()) / (np.ptp(smooth) + 1e-9)
    return (unit * {"uint8": 255, "uint16": 65535, "float32": 1}[np.dtype(dtype).name]).astype(dtype)


PHOTOS = [photo(seed, 44 + seed, 61 - seed) for seed in range(9)]
KEYS = [f"cats/{index}.jpg" for index in range(9)]


# The same key gives the same bytes


def alone(pipeline, index, epoch=3):
    return pipeline(image=PHOTOS[index], key=KEYS[index], epoch=epoch)["image"]


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("draws", ["independent", "stratified"])
def test_same_bytes_alone_in_any_batch_and_at_any_thread_count(fuse, draws):
    pipeline = Pipeline(OPERATIONS, seed=7, fuse=fuse, draws=draws)
    expected = [alone(pipeline, index) for index in range(9)]
    for threads in (1, 2, 5):
        batch = pipeline.batch(PHOTOS, keys=KEYS, epoch=3, threads=threads)
        assert isinstance(batch, np.ndarray)
        np.testing.assert_array_equal(batch, expected)
    order = [5, 1, 8, 1]
    shuffled = pipeline.batch([PHOTOS[i] for i in order], keys=[KEYS[i] for i in order], epoch=[3, 3, 3, 4])
    np.testing.assert_array_equal(shuffled[:3], [expected[i] for i in order[:3]])
    np.testing.assert_array_equal(shuffled[3], alone(pipeline, 1, epoch=4))
    assert not np.array_equal(shuffled[3], shuffled[1])


POOL = [
    image.HorizontalFlip(p=0.5),
    image.RandomRotate90(p=0.7),
    image.Rotate(border="constant", fill=30, p=0.5),
    image.Affine(p=0.6),
    image.ElasticTransform(p=0.4),
    image.GridDistortion(p=0.3),
    image.ColorJitter(0.3, 0.3, 0.3, 0.1, p=0.6),
    image.Gamma(p=0.5),
    image.Posterize(p=0.4),
    image.GaussianBlur(p=0.4),
    image.GaussianNoise(p=0.5),
    image.SaltAndPepper(p=0.5),
    image.CoarseDropout(p=0.5),
    image.RandomErasing(p=0.5),
    image.Contrast(pivot="mean", p=0.5),
    image.Perspective(p=0.5),
    image.Grayscale(p=0.3),
    Sometimes([image.VerticalFlip(p=0.5), image.Sharpen()]),
    OneOf([image.Solarize(), image.Invert(), image.ChannelShuffle()], weights=(1, 2, 3), p=0.5),
    SomeOf([image.Scale(), image.Translate(), image.Shear(), image.Stretch()], n=2, p=0.5),
]


@settings(max_examples=40, deadline=None)
@given(
    chosen=st.lists(st.sampled_from(range(len(POOL))), min_size=1, max_size=7),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    fuse=st.booleans(),
)
def test_same_bytes_alone_and_in_a_batch_for_any_pipeline(chosen, dtype, fuse):
    pipeline = Pipeline([POOL[index] for index in chosen], seed=1, fuse=fuse)
    photos = [photo(seed, 20 + seed, 24 + 3 * (seed % 2), dtype=dtype) for seed in range(4)]
    batch = pipeline.batch(photos, keys=range(4), epoch=2, threads=2)
    for index, picture in enumerate(photos):
        single = pipeline(image=picture, key=index, epoch=2)["image"]
        assert single.dtype == picture.dtype
        np.testing.assert_array_equal(batch[index], single)


def test_same_bytes_in_another_process():
    code = (
        "import sys, hashlib; sys.path.insert(0, 'tests')\n"
        "from test_pipeline import *\n"
        "print(hashlib.sha256(alone(Pipeline(OPERATIONS, seed=7), 2).tobytes()).hexdigest())\n"
    )
    import hashlib

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = hashlib.sha256(alone(Pipeline(OPERATIONS, seed=7), 2).tobytes()).hexdigest()
    assert done.stdout.strip() == expected


def values_of(pipeline, key="a", epoch=0):
    trace = pipeline.trace(key=key, epoch=epoch, size=(50, 60))
    return {op["name"]: (op["active"], op["values"]) for op in trace["operations"]}


def test_inserting_an_operation_changes_no_other_draw():
    before = values_of(Pipeline(OPERATIONS, seed=7))
    longer = [image.VerticalFlip(p=0.5), *OPERATIONS[:3], image.Gamma(), *OPERATIONS[3:]]
    after = values_of(Pipeline(longer, seed=7))
    assert set(after) - set(before) == {"VerticalFlip", "Gamma"}
    assert {name: after[name] for name in before} == before


def test_inserting_an_idle_operation_changes_no_byte():
    plain = alone(Pipeline(OPERATIONS, seed=7), 4)
    idle = [image.VerticalFlip(p=0.0), *OPERATIONS[:4], image.Sharpen(p=0.0), *OPERATIONS[4:]]
    np.testing.assert_array_equal(alone(Pipeline(idle, seed=7), 4), plain)


def test_flips_are_independent_where_peers_reseed_alike():
    pipeline = Pipeline([image.HorizontalFlip(p=0.5), image.VerticalFlip(p=0.5)], seed=42)
    acts = np.array([[active for active, _ in values_of(pipeline, key).values()] for key in range(600)])
    assert abs(np.corrcoef(acts.T)[0, 1]) < 0.12
    assert np.abs(acts.mean(0) - 0.5).max() < 0.07


def test_epochs_and_keys_vary():
    pipeline = Pipeline([image.Rotate()], seed=7)
    angles = {values_of(pipeline, key, epoch)["Rotate"][1]["degrees"] for key in "abc" for epoch in range(4)}
    assert len(angles) == 12


def test_stratified_draws_cover_the_range_evenly():
    pipeline = Pipeline([image.Rotate((-32, 32))], seed=7, draws="stratified")
    angles = [values_of(pipeline, "a", epoch)["Rotate"][1]["degrees"] for epoch in range(16)]
    assert sorted(int((angle + 32) // 4) for angle in angles) == list(range(16))


def test_without_key_a_pipeline_counts_its_calls():
    pipeline = Pipeline([image.Rotate()], seed=7)
    first, second = pipeline(PHOTOS[0]), pipeline(PHOTOS[0])
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, Pipeline([image.Rotate()], seed=7)(image=PHOTOS[0], key=0)["image"])
    third = Pipeline([image.Rotate()], seed=7).batch([PHOTOS[0]] * 2)
    np.testing.assert_array_equal(third, [first, second])


@pytest.mark.parametrize("operations", [OPERATIONS, POOL])
def test_calls_planned_together_equal_calls_with_their_keys(operations):
    pipeline, keyed = Pipeline(operations, seed=7), Pipeline(operations, seed=7)
    # Runs of one size long enough to be planned together, broken off in the middle, and sizes in turn.
    sizes = [(40, 50)] * 25 + [(41, 50), (40, 50)] * 3 + [(33, 35)] * 20
    for call, (height, width) in enumerate(sizes):
        picture = photo(call % 3, height, width)
        box = [[3.0, 4, 20, 30]]
        out = pipeline(image=picture, boxes=box, mask=picture[:, :, 0], epoch=call // 40)
        expected = keyed(image=picture, boxes=box, mask=picture[:, :, 0], epoch=call // 40, key=call)
        for name, value in expected.items():
            np.testing.assert_array_equal(out[name], value)


def test_copies_in_other_processes_do_not_repeat_each_other():
    code = (
        "import os, numpy as np\n"
        "from covary import Pipeline, image\n"
        "p = Pipeline([image.Rotate()], seed=7)\n"
        "x = np.arange(3000, dtype=np.uint8).reshape(25, 40, 3)\n"
        "p(x); p(x)  # from here on calls are planned ahead\n"
        "r, w = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.write(w, p(x).tobytes()); os._exit(0)\n"
        "os.wait()\n"
        "print(os.read(r, 4000) != p(x).tobytes())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_threads_may_share_a_pipeline():
    pipeline = Pipeline(OPERATIONS, seed=7)
    expected = [alone(pipeline, index) for index in range(9)]
    results = {}

    def work(index):
        results[index] = alone(pipeline, index)

    workers = [threading.Thread(target=work, args=(index,)) for index in range(9)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for index in range(9):
        np.testing.assert_array_equal(results[index], expected[index])


def test_global_random_states_are_untouched():
    random.seed(1)
    np.random.seed(1)
    states = random.getstate(), np.random.get_state()
    pipeline = Pipeline(OPERATIONS, seed=7)
    pipeline(PHOTOS[0])
    pipeline.batch(PHOTOS)
    pipeline.trace(key=1, size=(5, 6))
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1][1].tolist()
    np.random.seed(2)
    again = Pipeline(OPERATIONS, seed=7)(image=PHOTOS[0], key=0)["image"]
    np.testing.assert_array_equal(again, pipeline(image=PHOTOS[0], key=0)["image"])


# Forms of input and output


def test_inputs_are_never_changed():
    originals = [picture.copy() for picture in PHOTOS]
    fields = {
        "mask": PHOTOS[0][:, :, 0].copy(),
        "boxes": np.array([[1.0, 2, 20, 30]]),
        "keypoints": np.array([[3.0, 4]]),
    }
    copies = {name: value.copy() for name, value in fields.items()}
    Pipeline(OPERATIONS, seed=1)(image=PHOTOS[0], **fields)
    Pipeline(OPERATIONS, seed=1).batch(PHOTOS)
    Pipeline([image.HorizontalFlip(p=0)])(image=PHOTOS[0])["image"][:] = 0
    for picture, original in zip(PHOTOS, originals, strict=True):
        np.testing.assert_array_equal(picture, original)
    for name, value in fields.items():
        np.testing.assert_array_equal(value, copies[name])


def test_read_only_and_strided_inputs_are_welcome():
    pipeline = Pipeline([image.Rotate(20, p=1), image.Brightness(0.1)], seed=1)
    picture = photo(3, 40, 40)
    expected = pipeline(image=picture[::2, ::-1].copy(), key=1)["image"]
    strided = picture[::2, ::-1]
    strided.flags.writeable = False
    np.testing.assert_array_equal(pipeline(image=strided, key=1)["image"], expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4, 7])
def test_what_comes_in_comes_out(dtype, channels):
    picture = photo(1, 30, 40, channels or 1, dtype)
    picture = picture[:, :, 0] if channels is None else picture
    pipeline = Pipeline([image.Rotate(), image.Brightness(0.2), image.GaussianBlur(), image.CoarseDropout()], seed=1)
    out = pipeline(picture)
    assert (out.shape, out.dtype) == (picture.shape, picture.dtype)
    batch = pipeline.batch([picture, picture])
    assert (batch.shape, batch.dtype) == ((2, *picture.shape), picture.dtype)


def test_normalize_ends_in_float32_channels_first():
    out = Pipeline([image.Normalize("imagenet")])(PHOTOS[0])
    assert (out.shape, out.dtype) == ((3, 44, 61), np.float32)
    expected = (PHOTOS[0] / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(out, expected.transpose(2, 0, 1), atol=1e-5)
    np.testing.assert_array_equal(Pipeline([image.Normalize("imagenet"), image.ToTensor()])(PHOTOS[0]), out)
    np.testing.assert_allclose(Pipeline([image.ToTensor()])(PHOTOS[0]), PHOTOS[0].transpose(2, 0, 1) / 255, atol=1e-6)


def test_batches_stack_when_sizes_agree_and_keep_lists_otherwise():
    crop = Pipeline([image.CenterCrop(16)])
    assert crop.batch(PHOTOS).shape == (9, 16, 16, 3)
    keep = Pipeline([image.HorizontalFlip(p=1.0)]).batch(PHOTOS)
    assert isinstance(keep, list)
    np.testing.assert_array_equal(keep[4], PHOTOS[4][:, ::-1])


def test_batches_of_several_dtypes_and_channels():
    pictures = [photo(0), photo(1, channels=1), photo(2, dtype="float32"), photo(3)[:, :, 0], photo(4)]
    pipeline = Pipeline([image.Rotate(), image.Brightness(0.3)], seed=3)
    for index, out in enumerate(pipeline.batch(pictures, keys=range(5))):
        np.testing.assert_array_equal(out, pipeline(image=pictures[index], key=index)["image"])
        assert out.dtype == pictures[index].dtype


def test_batch_with_labels_equals_single_calls():
    pipeline = Pipeline(OPERATIONS[:-1], seed=7)
    masks = [picture[:, :, 0] // 64 for picture in PHOTOS]
    boxes = [np.array([[5.0, 6, 25, 30], [1, 1, 40, 40]]) for _ in PHOTOS]
    labels = [[f"a{i}", f"b{i}"] for i in range(9)]
    points = [np.array([[10.0, 12], [30, 20]]) for _ in PHOTOS]
    batch = pipeline.batch(
        PHOTOS, keys=KEYS, epoch=1, mask=masks, boxes=boxes, box_labels=labels, keypoints=points, label=list(range(9))
    )
    assert list(batch) == ["image", "mask", "boxes", "box_labels", "keypoints", "label"]
    for i in range(9):
        single = pipeline(
            image=PHOTOS[i],
            key=KEYS[i],
            epoch=1,
            mask=masks[i],
            boxes=boxes[i],
            box_labels=labels[i],
            keypoints=points[i],
            label=i,
        )
        for name, value in single.items():
            np.testing.assert_array_equal(batch[name][i], value)


def test_an_empty_pipeline_and_an_empty_batch():
    np.testing.assert_array_equal(Pipeline([])(PHOTOS[0]), PHOTOS[0])
    assert len(Pipeline(OPERATIONS).batch([])) == 0


# Traces


def test_replay_repeats_a_trace_that_went_through_json():
    pipeline = Pipeline(OPERATIONS, seed=7)
    for epoch in range(12):
        trace = json.loads(json.dumps(pipeline.trace(key="cats/2.jpg", epoch=epoch, size=PHOTOS[2].shape[:2])))
        replayed = pipeline.replay(trace, image=PHOTOS[2])["image"]
        np.testing.assert_array_equal(replayed, alone(pipeline, 2, epoch))
        other = pipeline.with_options(seed=99).replay(trace, image=PHOTOS[3])["image"]
        assert other.shape == (3, 40, 40)


@settings(max_examples=25, deadline=None)
@given(chosen=st.lists(st.sampled_from(range(len(POOL))), min_size=1, max_size=5), epoch=st.integers(0, 50))
def test_replay_of_any_pipeline(chosen, epoch):
    pipeline = Pipeline([POOL[index] for index in chosen], seed=5)
    trace = json.loads(json.dumps(pipeline.trace(key=3, epoch=epoch, size=(20, 24))))
    picture = photo(3, 20, 24)
    expected = pipeline(image=picture, key=3, epoch=epoch)["image"]
    np.testing.assert_array_equal(pipeline.replay(trace, image=picture)["image"], expected)


def test_replay_refuses_a_foreign_trace():
    trace = Pipeline([image.Rotate()]).trace(key=1, size=(5, 6))
    with pytest.raises(ValueError, match=r"'Rotate'.*HorizontalFlip"):
        Pipeline([image.HorizontalFlip()]).replay(trace, image=PHOTOS[0])


# Strength


def test_strength_zero_keeps_sizes_and_formats_only():
    pipeline = Pipeline([*POOL[:1], *POOL[2:], image.CenterCrop(20)], seed=3).with_strength(0)
    np.testing.assert_array_equal(pipeline(photo(1, 30, 40)), photo(1, 30, 40)[5:25, 10:30])


def test_strength_one_changes_nothing_and_less_strength_less():
    pipeline = Pipeline([image.Rotate(), image.Brightness(0.5)], seed=3)
    assert pipeline.with_strength(1) == pipeline
    full, half = (values_of(pipeline.with_strength(s), "k") for s in (1.0, 0.5))
    assert half["Rotate"][1]["degrees"] == pytest.approx(full["Rotate"][1]["degrees"] / 2)
    assert half["Brightness"][1]["factor"] - 1 == pytest.approx((full["Brightness"][1]["factor"] - 1) / 2)
    with pytest.raises(ValueError, match="strength"):
        pipeline.with_strength(1.5)


# Files

EVERYTHING = Pipeline(
    [
        *POOL,
        *OPERATIONS[:-1],
        Sequential([image.Rotate(Normal(0, 5), name="gentle")], p=0.5),
        image.Normalize(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.3)),
    ],
    seed=11,
    draws="stratified",
    boxes=covary.Boxes("coco", min_area=4),
    keypoints=covary.Keypoints("xyv", pairs=((0, 1),)),
)


def test_yaml_round_trip(tmp_path):
    again = Pipeline.from_yaml(EVERYTHING.to_yaml(tmp_path / "p.yaml"))
    assert again == EVERYTHING
    assert Pipeline.from_yaml(tmp_path / "p.yaml") == EVERYTHING
    assert again.to_yaml() == EVERYTHING.to_yaml()
    assert "!!python" not in EVERYTHING.to_yaml()


def test_pickle_round_trip():
    again = pickle.loads(pickle.dumps(EVERYTHING))
    assert again == EVERYTHING
    np.testing.assert_array_equal(again(image=PHOTOS[0], key=1)["image"], EVERYTHING(image=PHOTOS[0], key=1)["image"])


def test_yaml_as_people_write_it():
    pipeline = Pipeline.from_yaml(
        """
        operations:
          - RandomResizedCrop: {size: 224, scale: [0.3, 1.0]}
          - image.HorizontalFlip: {p: 0.5}
          - Grayscale
          - Rotate: {degrees: {Normal: {mean: 0, std: 10}}}
          - OneOf:
              p: 0.3
              operations:
                - GaussianBlur
                - GaussianNoise: {std: [0.01, 0.05]}
        """
    )
    assert pipeline.operations[0] == image.RandomResizedCrop(224, scale=(0.3, 1.0))
    assert pipeline.operations[3] == image.Rotate(Normal(0, 10))
    assert pipeline.operations[4] == OneOf([image.GaussianBlur(), image.GaussianNoise((0.01, 0.05))], p=0.3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("operations:\n- Rotat: {}\n", "did you mean 'Rotate'"),
        ("operations:\n- Rotate: {degree: 5}\n", "did you mean 'degrees'"),
        ("operations:\n- Rotate: {p: 2}\n", "Rotate: p is 2"),
        ("operations:\n- Rotate: {degrees: [1, 2, 3]}\n", "Rotate: degrees"),
        ("operations:\n- !!python/object/apply:os.system ['echo']\n", "not readable as YAML"),
        ("operations:\n- os.system: {}\n", "no operation 'os.system'"),
        ("operation:\n- Rotate\n", "operations"),
        ("sead: 3\noperations:\n- Rotate\n", "no entry 'sead'"),
        ("covary: 99\noperations:\n- Rotate\n", "format 99"),
        ("- Rotate\n- x\n", "mapping"),
        ("operations: [\n", "not readable as YAML"),
        ("operations:\n- OneOf: {operations: [Rotat]}\n", "Rotat"),
    ],
)
def test_wrong_yaml_says_what_is_wrong(text, message):
    with pytest.raises(ValueError, match=message):
        Pipeline.from_yaml(text)


def test_repr_is_readable():
    shown = repr(Pipeline([image.Rotate((-20, 20), border="edge"), OneOf([image.Invert()], p=0.3)], seed=7))
    assert shown == (
        "Pipeline([\n"
        "    Rotate(degrees=(-20, 20), border='edge'),\n"
        "    OneOf(operations=(Invert(),), p=0.3),\n"
        "], seed=7)"
    )


# Errors


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Pipeline([3]), r"operations\[0\] is a int"),
        (lambda: Pipeline([], seed=-1), "seed"),
        (lambda: Pipeline([], draws="sobol"), "draws"),
        (lambda: Pipeline([], threads=0), "threads"),
        (lambda: Pipeline([image.Normalize(), image.Rotate()]), "Normalize stands before"),
        (lambda: Pipeline([OneOf([image.ToTensor()])]), "inside a combinator"),
        (lambda: Pipeline([image.Rotate(name="a"), image.Rotate(name="a")]), "names must differ"),
        (lambda: image.Rotate(border="mirror"), "border is 'mirror'; allowed: constant, edge"),
        (lambda: image.Rotate(p=-0.1), "p is -0.1"),
        (lambda: Pipeline([])(np.zeros((3, 3, 3))), "image has dtype float64"),
        (lambda: Pipeline([])([1, 2]), "image is a list"),
        (lambda: Pipeline([])(np.zeros((3,), np.uint8)), r"shape \(3,\)"),
        (lambda: Pipeline([])(np.zeros((0, 3, 3), np.uint8)), "no axis may be empty"),
        (lambda: Pipeline([])(boxes=[]), "no image"),
        (lambda: Pipeline([]).batch([PHOTOS[0]], keys=[1, 2]), "keys has 2 entries for 1"),
        (lambda: Pipeline([]).batch([PHOTOS[0]], mask=[]), "mask has 0 entries for 1"),
        (lambda: Pipeline([])(image=PHOTOS[0], epoch=-1), "epoch"),
        (lambda: Pipeline([])(image=PHOTOS[0], key=1.5), "key"),
        (
            lambda: Pipeline([image.Rotate(fill=(1, 2), border="constant", name="tilt")])(PHOTOS[0]),
            "tilt: .*fill has 2 values",
        ),
        (lambda: Pipeline([image.Hue()])(photo(channels=2)), "Hue"),
    ],
)
def test_errors_name_the_culprit(wrong, message):
    with pytest.raises((ValueError, TypeError), match=message):
        wrong()


def test_a_forked_child_may_use_several_threads_too():
    code = (
        "import os, numpy as np\n"
        "from covary import Pipeline, image\n"
        "p = Pipeline([image.Rotate()], seed=7)\n"
        "x = list(np.random.default_rng(0).integers(0, 256, (8, 30, 40, 3), np.uint8))\n"
        "first = p.batch(x, keys=range(8), threads=3)\n"
        "child = os.fork()\n"
        "same = all((p.batch(x, keys=range(8), threads=3) == first).all() for _ in range(3))\n"
        "if child == 0:\n"
        "    os._exit(0 if same else 1)\n"
        "print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True 0", done.stderr


def test_several_callers_share_the_threads():
    pipeline = Pipeline(OPERATIONS, seed=7)
    expected = pipeline.batch(PHOTOS, keys=KEYS, threads=1)
    results = []

    def work():
        for _ in range(10):
            results.append(np.array_equal(pipeline.batch(PHOTOS, keys=KEYS, threads=4), expected))

    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert results == [True] * 50


def test_threads_may_draw_the_very_first_picture_together():
    # What the extension looks up once must not be guarded by a lock that is held while Python code runs.
    code = (
        "import sys, threading, numpy as np\n"
        "from covary import Pipeline, image\n"
        "sys.setswitchinterval(1e-6)\n"
        "p = Pipeline([image.Rotate(), image.GaussianNoise()], seed=7)\n"
        "x = np.zeros((300, 400, 3), np.uint8)\n"
        "start = threading.Barrier(4)\n"
        "def work():\n"
        "    start.wait()\n"
        "    p(x)\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print('all done')\n"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "all done", done.stderr
