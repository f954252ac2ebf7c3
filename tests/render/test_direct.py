"""Sounds drawn by one call of the compiled kernels, against the same plan step by step in NumPy: equal to the bit."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import OneOf, Pipeline, audio, kernels
from covary.draws.keys import key_numbers
from covary.draws.rows import draw_rows
from covary.ops.audio.view import AudioView
from covary.ops.base import Course, Operation
from covary.ops.layout import lay_out
from covary.plan.audio import AudioPlan, AudioStep, Clamp, Envelope, Gain, Level, Quantise, TimeMap, plan_audio
from covary.render.audio import render_audio
from covary.render.direct import draw_directly

native = kernels.native
pytestmark = pytest.mark.skipif(native is None, reason="the compiled kernels were not built")

RATE = 1000
OPERATIONS: list[Operation] = [
    audio.Gain(),
    audio.PolarityInversion(),
    audio.Normalize(),
    audio.Normalize("peak", (-20, 0), only_above=True),
    audio.Clip(-0.1, 0.2),
    audio.Clip(-0.0, 0.3),
    audio.BitCrush((1, 24)),
    audio.TimeMask((0.0, 0.5), count=(0, 3)),
    audio.TimeMask(0.3, fade_seconds=0),
    audio.RandomCrop(0.2),
    audio.RandomCrop(0.3, pad=False),
    audio.Pad(0.3, place="random"),
    audio.Pad(0.5, mode="wrap", place="both"),
    audio.Reverse(),
    audio.Shift(),
    audio.Shift(fade_seconds=0),
    audio.Shift(roll=False),
    audio.Splice(seconds=(0, 0.05)),
    audio.Splice(seconds=0.02, fade_seconds=0),
    audio.Repeat(seconds=(0, 0.3)),
    audio.Repeat(seconds=0.05, insert=False),
    audio.Repeat(seconds=0.1, fade_seconds=0.5),
    audio.Trim(30),
]


def planned(chain: list[Operation], waves: list[np.ndarray], seed: int, fuse: bool) -> AudioPlan:
    layout = lay_out(tuple(chain))
    rows = draw_rows(seed, np.zeros(len(waves), np.uint32), key_numbers(range(len(waves))), layout.slots)
    course = Course(len(waves), rows, lines=layout.lines)
    shaped = [np.atleast_2d(wave) for wave in waves]
    view = AudioView.of(shaped, [RATE] * len(waves), render_audio)
    layout.walk(course, view)
    return plan_audio(course.steps, view.length, view.rate, fuse=fuse)


def same(made: np.ndarray, expected: np.ndarray) -> bool:
    """Equal to the bit, the signs of zeros too."""
    return made.shape == expected.shape and made.dtype == expected.dtype and made.tobytes() == expected.tobytes()


def sound(length: int, channels: int | None, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    shape = (length,) if channels is None else (channels, length)
    wave = (draw.standard_normal(shape) * 10.0 ** draw.uniform(-3, 1)).astype(np.float32)
    wave[..., draw.random(length) < 0.2] *= np.float32(0)  # zeros of either sign
    return wave


waves_of = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 3, 17, 199, 200, 1000, 9001]), st.sampled_from([None, 1, 2, 3])),
    min_size=1,
    max_size=4,
)


@given(
    chain=st.lists(st.sampled_from(OPERATIONS), min_size=0, max_size=4),
    forms=waves_of,
    seed=st.integers(0, 10_000),
    fuse=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_chains_equal_numpy_step_by_step(chain, forms, seed, fuse) -> None:
    waves = [sound(length, channels, seed + index) for index, (length, channels) in enumerate(forms)]
    before = [wave.copy() for wave in waves]
    plan = planned(chain, waves, seed, fuse)
    expected = render_audio(plan, waves)
    for simd in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kernels, "simd", simd)
            made = draw_directly(plan, waves, None, 1)
        assert all(wave is not None for wave in made)
        assert all(same(one, other) for one, other in zip(made, expected, strict=True))
        assert all(one.flags.c_contiguous for one in made)
        assert not any(np.shares_memory(one, wave) for one, wave in zip(made, waves, strict=True))
    assert all(same(wave, kept) for wave, kept in zip(waves, before, strict=True))


@given(
    pieces=st.lists(
        st.tuples(st.integers(-20, 120), st.integers(0, 60), st.integers(-30, 130), st.booleans()), max_size=5
    ),
    length=st.integers(0, 130),
    source=st.integers(0, 110),
    fade=st.integers(0, 40),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_any_pieces_equal_numpy(pieces, length, source, fade, seed) -> None:
    rows = [
        (out, out + count, place, place + count) if forwards else (out, out + count, place + count, place)
        for out, count, place, forwards in pieces
    ]
    made = np.array(rows, dtype=np.float64).reshape(1, -1, 4)
    one = TimeMap(made, np.array([length]), np.array([RATE]), "cut", None, np.array([fade]))
    wave = sound(source, 2, seed)
    plan = plan_audio([AudioStep(one, None)], np.array([source]), np.array([RATE]))
    assert same(draw_directly(plan, [wave], None, 1)[0], render_audio(plan, [wave])[0])


@given(
    knots=st.lists(st.floats(-50, 9000), min_size=1, max_size=6),
    values=st.lists(st.sampled_from([0.0, 1.0, 0.3, -2.0]), min_size=6, max_size=6),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_any_envelope_equals_numpy(knots, values, seed) -> None:
    one = Envelope(np.sort(knots)[None], np.array([values[: len(knots)]]))
    wave = sound(8500, 1, seed)
    plan = plan_audio([AudioStep(one, None)], np.array([8500]), np.array([RATE]))
    assert same(draw_directly(plan, [wave], None, 1)[0], render_audio(plan, [wave])[0])


def test_steps_of_every_kind_in_closed_form() -> None:
    wave = np.array([-0.75, -0.3, 0.0, 0.26, 0.5], dtype=np.float32)
    one = np.ones(1)

    def drawn(*changes: object) -> list[float]:
        plan = plan_audio([AudioStep(change, None) for change in changes], np.array([5]), np.array([RATE]))
        return draw_directly(plan, [wave], None, 1)[0].tolist()

    assert drawn(Gain(2 * one)) == (2 * wave).tolist()
    assert drawn(Clamp(-0.5 * one, 0.25 * one)) == [-0.5, np.float32(-0.3), 0.0, 0.25, 0.25]
    assert drawn(Quantise(np.array([3]))) == [-0.75, -0.25, 0.0, 0.25, 0.5]
    assert drawn(Quantise(np.array([1]))) == [-1.0, 0.0, 0.0, 0.0, 0.0]
    louder = drawn(Level(np.zeros(1), "peak"))
    assert louder[0] == pytest.approx(-1, abs=1e-7) and louder[4] == pytest.approx(2 / 3, abs=1e-7)
    assert drawn(Level(np.zeros(1), "peak", only_above=True)) == wave.tolist()
    quarter = drawn(Level(np.full(1, -6.0), "peak"))
    assert quarter[0] == pytest.approx(-(10 ** (-6 / 20)), abs=1e-7)


def test_gains_that_stand_together_are_multiplied_before_they_are_rounded() -> None:
    steps = [AudioStep(Gain(np.full(1, factor)), None) for factor in (1 / 3, 3.0, 0.1, 10.0)]
    wave = sound(1000, None, 3)
    for fuse in (True, False):
        plan = plan_audio(steps, np.array([1000]), np.array([RATE]), fuse=fuse)
        assert same(draw_directly(plan, [wave], None, 1)[0], render_audio(plan, [wave])[0])
    fused = plan_audio(steps, np.array([1000]), np.array([RATE]))
    factor = np.float32(math.prod((1 / 3, 3.0, 0.1, 10.0)))
    assert same(draw_directly(fused, [wave], None, 1)[0], wave * factor)


@given(
    chain=st.lists(st.sampled_from(OPERATIONS), min_size=0, max_size=3),
    dtype=st.sampled_from(["int16", "int32", "float64"]),
    channels=st.sampled_from([None, 2]),
    length=st.sampled_from([0, 1, 300, 5000]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=50, deadline=None)
def test_other_dtypes_equal_numpy(chain, dtype, channels, length, seed) -> None:
    full = {"int16": 2.0**15, "int32": 2.0**31, "float64": 1.0}[dtype]
    wave = np.clip(np.float64(sound(length, channels, seed)) * full, -full, full - 1).astype(dtype)
    plan = planned(chain, [wave], seed, True)
    (made,) = draw_directly(plan, [wave], None, 1)
    only_moves = all(isinstance(step.change, TimeMap) for step in plan.steps)
    assert made is not None or (only_moves and dtype != "int16")
    if made is not None:
        assert same(made, render_audio(plan, [wave])[0])


@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_moves_keep_every_digit(dtype: str) -> None:
    wave = np.array([2**30 + 1, -(2**30) - 3, 7, -1], dtype=dtype)
    pipeline = Pipeline([audio.Reverse(p=1), audio.Pad(0.01)], rate=RATE)
    (made,) = pipeline.batch(audio=[wave])["audio"]
    assert made.dtype == wave.dtype and made.tolist() == [*wave[::-1].tolist(), *[0] * 6]


def test_another_order_of_bytes_is_left_to_numpy() -> None:
    wave = sound(500, 2, 1)
    pipeline = Pipeline([audio.Gain(6), audio.Reverse(p=1)], seed=2, rate=RATE)
    (made,) = pipeline.batch(audio=[wave.astype(">f4")], keys=[0])["audio"]
    assert same(made, pipeline.batch(audio=[wave], keys=[0])["audio"][0])


@pytest.mark.parametrize("view", ["every other", "channels apart", "backwards", "transposed", "read only", "unaligned"])
def test_any_memory_gives_the_same(view: str) -> None:
    whole = sound(4000, 4, 5)
    wave = {
        "every other": whole[:2, ::2],
        "channels apart": whole[::2, 100:],
        "backwards": whole[::-1],
        "transposed": np.asfortranarray(whole),
        "read only": whole.copy(),
        "unaligned": np.frombuffer(b"\0" + whole[0].tobytes(), np.uint8)[1:].view(np.float32),
    }[view]
    if view == "read only":
        wave.flags.writeable = False
    pipeline = Pipeline([audio.RandomCrop(0.7), audio.Gain(6)], seed=4, rate=RATE)
    expected = pipeline.batch(audio=[wave.copy()], keys=["one"])["audio"][0]
    assert same(pipeline.batch(audio=[wave], keys=["one"])["audio"][0], expected)
    assert same(pipeline(audio=wave, key="one")["audio"], expected)


@given(seed=st.integers(0, 999), threads=st.sampled_from([1, 2, 5]))
@settings(max_examples=25, deadline=None)
def test_batches_of_all_kinds_equal_sounds_one_by_one_without_the_kernels(seed, threads) -> None:
    draw = np.random.default_rng(seed)
    chain = [
        OneOf([audio.Gain(6), audio.LowPass((100, 400)), audio.Repeat(seconds=0.1)], p=0.8),
        audio.GainTransition(seconds=0.1, p=0.2),
        audio.Shift(p=0.5),
    ]
    pipeline = Pipeline(chain, seed=seed, rate=RATE, threads=threads)
    waves = [sound(int(draw.integers(1, 900)), [None, 2][index % 2], seed + index) for index in range(6)]
    dtypes = ["float32", "int16", "float32", "float32", "float64", "float32"]
    waves = [
        (np.clip(wave, -1, 1) * (1000 if dtype == "int16" else 1)).astype(dtype)
        for wave, dtype in zip(waves, dtypes, strict=True)
    ]
    fields = {
        "events": [[(0.0, 0.1)], None, [], [(0.1, 0.2)], None, None],
        "clean": [None, None, waves[2], waves[3], None, None],
    }
    keys = list(range(6))
    made = [pipeline.batch(audio=waves, keys=keys), pipeline.batch(audio=waves, keys=keys, **fields)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "native", None)
        for key, wave in zip(keys, waves, strict=True):
            labels = {name: column[key] for name, column in fields.items() if column[key] is not None}
            expected = pipeline(audio=wave, key=key, **labels)
            # SciPy's transforms round otherwise than the compiled ones, which may cost a level of integers; all else is
            # equal to the bit.
            near = 1 if wave.dtype == np.int16 else 1e-4
            for batch in made:
                np.testing.assert_allclose(np.float64(batch["audio"][key]), expected["audio"], rtol=0, atol=near)
            if "clean" in labels:
                np.testing.assert_allclose(made[1]["clean"][key], expected["clean"], rtol=0, atol=1e-4)


def test_what_is_no_number_is_refused_where_it_is_looked_at() -> None:
    waves = [sound(1000, 2, seed) for seed in range(3)]
    for pipeline in (
        Pipeline([audio.Gain(6)], rate=RATE),
        Pipeline([audio.Normalize()], rate=RATE),
        Pipeline([audio.Shift()], rate=RATE),
        Pipeline([audio.Splice(seconds=0.1)], rate=RATE),
        Pipeline([audio.TimeMask(1.0)], rate=RATE),
        Pipeline([audio.Reverse(p=1), audio.Clip()], rate=RATE),
        Pipeline([audio.LowPass((100, 200))], rate=RATE),
        Pipeline([audio.Trim(), audio.RandomCrop(0.1)], rate=RATE),
        Pipeline([audio.Gain(6, p=0)], rate=RATE),
    ):
        for value in (np.nan, np.inf, -np.inf):
            for place in (0, 517, 999):
                bad = [wave.copy() for wave in waves]
                bad[1][1, place] = value
                with pytest.raises(
                    ValueError, match=rf"^audio\[1\] has the value {value} at channel 1, sample {place}$"
                ):
                    pipeline.batch(audio=bad)
                with pytest.raises(ValueError, match=rf"^audio has the value {value} at channel 1, sample {place}$"):
                    pipeline(audio=bad[1])


@pytest.mark.parametrize("compiled", [True, False])
def test_what_a_crop_leaves_out_is_not_looked_at(compiled: bool, monkeypatch) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "native", None)
    pipeline = Pipeline([audio.RandomCrop(0.2)], rate=RATE, seed=3)
    wave = sound(1000, None, 1)
    (start,) = np.flatnonzero(wave == pipeline(audio=wave, key=7)["audio"][100]) - 100
    for place, refused in ((start - 1, False), (start, True), (start + 199, True), (start + 200, False)):
        bad = wave.copy()
        bad[place] = np.nan
        if refused:
            with pytest.raises(ValueError, match=f"nan at channel 0, sample {place}$"):
                pipeline(audio=bad, key=7)
        else:
            assert same(pipeline(audio=bad, key=7)["audio"], wave[start : start + 200])


def test_counted_calls_and_batches_equal_those_by_key() -> None:
    chain = [audio.Repeat(seconds=0.1), audio.TimeMask(), audio.BitCrush()]
    waves = [sound(700, None, seed) for seed in range(40)]
    counted = Pipeline(chain, seed=5, rate=RATE)
    made = [counted(audio=wave)["audio"] for wave in waves[:20]] + counted.batch(audio=waves[20:])["audio"]
    expected = Pipeline(chain, seed=5, rate=RATE).batch(audio=waves, keys=range(40))["audio"]
    assert all(same(one, other) for one, other in zip(made, expected, strict=True))


def test_batches_planned_ahead_equal_those_by_key_whatever_comes_between() -> None:
    chain = [audio.Repeat(seconds=0.1), audio.TimeMask(), audio.LowPass((100, 400), p=0.3)]
    counted, keyed = (Pipeline(chain, seed=5, rate=RATE) for _ in range(2))
    waves = [sound(500 + 100 * (seed % 2), None, seed) for seed in range(4)]
    key = 0
    for kind in "bbbbbbsbbbsssbbcbbbbcccbb":
        group = {"b": waves, "s": waves[:1], "c": waves[:2]}[kind]
        made = [counted(audio=group[0])["audio"]] if kind == "s" else counted.batch(audio=group)["audio"]
        expected = keyed.batch(audio=group, keys=range(key, key + len(group)))["audio"]
        assert all(same(one, other) for one, other in zip(made, expected, strict=True))
        key += len(group)
    assert counted.next_key() == key
    again = Pipeline([audio.Trim(30), audio.Shift()], seed=1, rate=RATE)
    made = [again.batch(audio=waves)["audio"] for _ in range(3)]
    expected = [again.batch(audio=waves, keys=range(4 * i, 4 * i + 4))["audio"] for i in range(3)]
    assert all(same(a, b) for x, y in zip(made, expected, strict=True) for a, b in zip(x, y, strict=True))


def test_rates_are_told_where_they_came_or_changed() -> None:
    waves = [sound(100, None, seed) for seed in range(2)]
    pipeline = Pipeline([audio.Gain(6)], rate=RATE)
    assert pipeline.batch(audio=waves).keys() == {"audio"}
    assert pipeline.batch(audio=waves, rate=[None, None]).keys() == {"audio"}
    assert pipeline.batch(audio=waves, rate=[500, None])["rate"] == [500, RATE]
    assert Pipeline([audio.ResampleTo(500)], rate=RATE).batch(audio=waves)["rate"] == [500, 500]
    with pytest.raises(TypeError, match="without a rate"):
        Pipeline([audio.Gain(6)]).batch(audio=waves)
    with pytest.raises(TypeError, match=r"no audio among the fields|audio\[1\]"):
        pipeline.batch(audio=[waves[0], None])
    with pytest.raises(TypeError, match=r"audio\[1\] is a list"):
        pipeline.batch(audio=[waves[0], [0.0]])


def test_threads_draw_what_one_draws() -> None:
    waves = [sound(5000, 2, seed) for seed in range(8)]
    plan = planned([audio.Shift(), audio.Normalize()], waves, 1, True)
    expected = draw_directly(plan, waves, None, 1)
    made: list[list[np.ndarray]] = []
    workers = [threading.Thread(target=lambda: made.append(draw_directly(plan, waves, None, 3))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == 4
    assert all(same(one, other) for batch in made for one, other in zip(batch, expected, strict=True))


def test_wrong_steps_are_refused() -> None:
    wave, ones = [sound(100, None, 1)], np.ones(1)
    for step, message in (
        (("gain", None, np.ones(2), True), "factor: expected shape"),
        (("gain", None, np.ones(1, np.float32), True), "factor: expected float64"),
        (("gain", np.ones(1), ones, True), "active: expected"),
        (("gain", None), "too few parts"),
        (("twist", None, ones), "unknown step 'twist'"),
        ((1, None, ones), "begins with its name"),
        (("cut", None, np.zeros((1, 2, 3)), np.ones(1, np.int64), None), "pieces: expected shape"),
        (("cut", None, np.zeros((1, 2, 4)), np.full(1, -1), None), "length: must not be negative"),
        (("envelope", None, np.array([[2.0, 1.0]]), np.ones((1, 2))), "knots must ascend"),
        (("envelope", None, np.zeros((1, 0)), np.ones((1, 0))), "one knot at least"),
    ):
        with pytest.raises(ValueError, match=message):
            native.draw_sounds(wave, [step], None, 1, True)
    with pytest.raises(ValueError, match="chosen: expected"):
        native.draw_sounds(wave, [], np.ones(1), 1, True)
