"""Events, frames and tracks through maps of time, held to arithmetic done by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from covary.plan.audio import AudioPlan, AudioStep, TimeMap, plan_audio
from covary.targets.events import Events, Frames, carry_events

RATE = 1000


def planned(*maps: TimeMap, length: int = 1000) -> AudioPlan:
    return plan_audio([AudioStep(change, None) for change in maps], np.array([length]), np.array([RATE]), fuse=False)


def moved(*pieces: tuple[float, float, float, float], length: int, rate: int = RATE, how: Any = "cut") -> TimeMap:
    pitch = None
    if how == "resample":
        pitch = np.array([(pieces[0][3] - pieces[0][2]) / (pieces[0][1] - pieces[0][0]) * rate / RATE])
    return TimeMap(np.array([pieces]), np.array([length]), np.array([rate]), how, pitch)


def carried(plan: AudioPlan, events: Any, target: Events | None = None, **fields: Any) -> dict[str, Any]:
    return carry_events(plan, [{"events": events, **fields}], {"events": target or Events()})[0]


CROP = moved((0, 400, 300, 700), length=400)
REVERSE = moved((0, 1000, 1000, 0), length=1000)
ROLL = moved((0, 200, 800, 1000), (200, 1000, 0, 800), length=1000)
FAST = moved((0, 800, 0, 1000), length=800, how="resample")


def test_crop_cuts_and_reports_what_is_left() -> None:
    events = [(0.1, 0.2, "gone"), (0.2, 0.4, "half"), (0.4, 0.5, "whole"), (0.6, 1.0, "quarter")]
    made = carried(planned(CROP), events, Events(report=True))
    assert [event[2] for event in made["events"]] == ["half", "whole", "quarter"]
    np.testing.assert_allclose([event[:2] for event in made["events"]], [(0, 0.1), (0.1, 0.2), (0.3, 0.4)])
    np.testing.assert_allclose(made["events_kept"], [0.5, 1, 0.25])
    assert made["events_source"].tolist() == [1, 2, 3]


def test_least_shares_and_durations_drop_events_with_their_labels() -> None:
    events = np.array([(0.2, 0.4), (0.4, 0.5), (0.6, 1.0)])
    made = carried(planned(CROP), events, Events(min_visibility=0.3), event_labels=["half", "whole", "quarter"])
    assert made["event_labels"] == ["half", "whole"] and made["events"].shape == (2, 2)
    assert len(carried(planned(CROP), events, Events(min_seconds=0.11))["events"]) == 0


def test_reversal_turns_order_and_edges() -> None:
    made = carried(planned(REVERSE), [(0.1, 0.3, "a"), (0.5, 0.6, "b")])["events"]
    assert [event[2] for event in made] == ["b", "a"]
    made = carried(planned(REVERSE), np.array([(0.1, 0.3), (0.5, 0.6)]))["events"]
    np.testing.assert_allclose(made, [(0.4, 0.5), (0.7, 0.9)])


def test_roll_splits_what_lies_across_the_end() -> None:
    made = carried(planned(ROLL), np.array([(0.7, 0.9)]))["events"]
    np.testing.assert_allclose(made, [(0, 0.1), (0.9, 1.0)])


def test_splice_joins_the_parts_of_an_event_again() -> None:
    splice = moved((0, 300, 0, 300), (300, 700, 600, 1000), length=700)
    made = carried(planned(splice), np.array([(0.2, 0.7)]), Events(report=True))
    np.testing.assert_allclose(made["events"], [(0.2, 0.4)])
    np.testing.assert_allclose(made["events_kept"], [0.4])


def test_repeat_plays_short_events_twice_and_lengthens_long_ones() -> None:
    repeat = moved((0, 500, 0, 500), (500, 800, 200, 500), (800, 1300, 500, 1000), length=1300)
    made = carried(planned(repeat), np.array([(0.0, 1.0), (0.3, 0.4)]))["events"]
    np.testing.assert_allclose(made, [(0.0, 1.3), (0.3, 0.4), (0.6, 0.7)])


def test_a_word_that_is_the_repeated_part_is_said_twice() -> None:
    repeat = moved((0, 500, 0, 500), (500, 800, 200, 500), (800, 1300, 500, 1000), length=1300)
    np.testing.assert_allclose(carried(planned(repeat), np.array([(0.2, 0.5)]))["events"], [(0.2, 0.5), (0.5, 0.8)])


def test_speed_divides_times_as_lhotse_does() -> None:
    made = carried(planned(FAST), np.array([(0.1, 0.35), (0.5, 1.0)]))["events"]
    np.testing.assert_allclose(made, np.array([(0.1, 0.35), (0.5, 1.0)]) / 1.25)


def test_chains_equal_the_composed_map() -> None:
    events = np.sort(np.random.default_rng(3).random((50, 2)), axis=1)
    for chain in ((CROP, moved((50, 450, 400, 0), length=500)), (ROLL, CROP), (REVERSE, ROLL)):
        steps = [AudioStep(change, None) for change in chain]
        one = plan_audio(steps, np.array([1000]), np.array([RATE]))
        assert len(one.passes(0)) == 1
        unfused = planned(*chain)
        first, second = (np.array(sorted(carried(plan, events)["events"].tolist())) for plan in (one, unfused))
        np.testing.assert_allclose(first, second, atol=1e-9)


def test_samples_mappings_and_moments() -> None:
    made = carried(planned(CROP), [{"start": 400, "duration": 100, "word": "yes"}], Events(unit="samples"))
    assert made["events"] == [{"start": 100.0, "duration": 100.0, "word": "yes"}]
    assert carried(planned(CROP), [(0.35, 0.35)])["events"][0] == pytest.approx((0.05, 0.05))
    assert carried(planned(CROP), [(0.7, 0.7)])["events"] == []


def test_frame_labels_follow_their_frames() -> None:
    labels = np.arange(100)
    target = {"frames": Frames(0.01)}
    for change, expected in (
        (CROP, np.arange(30, 70)),
        (REVERSE, np.arange(100)[::-1]),
        (ROLL, np.roll(np.arange(100), 20)),
    ):
        made = carry_events(planned(change), [{"frames": labels}], target)[0]["frames"]
        assert made.tolist() == expected.tolist()
    fast = carry_events(planned(FAST), [{"frames": labels}], target)[0]["frames"]
    assert len(fast) == 80 and np.abs(fast - (np.arange(80) + 0.5) * 1.25 + 0.5).max() <= 0.5


def test_padding_gives_frames_the_fill_and_surplus_frames_stay() -> None:
    pad = moved((500, 1500, 0, 1000), length=1500)
    made = carry_events(planned(pad), [{"frames": np.ones((2, 101))}], {"frames": Frames(0.01, axis=1, fill=-1)})
    frames = made[0]["frames"]
    assert frames.shape == (2, 151) and (frames[:, :50] == -1).all() and (frames[:, 50:] == 1).all()


def test_tracks_are_interpolated_and_pitch_follows_speed() -> None:
    times = np.arange(100) * 0.01
    track = np.where(times < 0.5, 100 + 100 * times, 0.0)
    target = {"f0": Frames(0.01, kind="track", frequency=True)}
    made = carry_events(planned(FAST), [{"f0": track}], target)[0]["f0"]
    at = np.arange(80) * 0.01
    np.testing.assert_allclose(made[:39], 1.25 * (100 + 100 * at[:39] * 1.25), rtol=1e-6)
    assert not made[41:].any()


def test_one_value_for_every_sample() -> None:
    values = np.arange(1000)
    made = carry_events(planned(ROLL), [{"gate": values}], {"gate": Frames(None)})[0]["gate"]
    assert np.array_equal(made, np.roll(values, 200))


def test_wrong_events_are_named() -> None:
    with pytest.raises(ValueError, match=r"events\[1\] starts at 2.0 and ends at 1.0"):
        carried(planned(CROP), [(0, 1), (2, 1)])
    with pytest.raises(ValueError, match=r"events\[0\] is 'yes'"):
        carried(planned(CROP), ["yes"])
    with pytest.raises(ValueError, match="events is float64 of shape"):
        carried(planned(CROP), np.zeros(3))
    with pytest.raises(ValueError, match="Events: unit is 'frames'"):
        Events(unit="frames")  # type: ignore[arg-type]


def test_no_events_and_other_fields_come_back() -> None:
    made = carried(planned(CROP), [], label=3)
    assert made == {"events": [], "label": 3}
