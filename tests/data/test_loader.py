"""The loader: the stream, its exactness, resuming, bad samples, what it refuses."""

import copy
import gc
import json
import pickle
import threading
import tracemalloc
import warnings
import weakref

import numpy as np
import pytest
from jpegs import jpeg, photograph
from loading import PIPELINE, Pictures, Wrong, contents, loader, stream
from writing import write_picture

from covary import Loader, Pipeline, image
from covary.data import open_dataset
from covary.data.batch import Batch
from covary.data.dataset import Encoded, SampleError
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.instances import Category, Instance, Objects
from covary.expand.variations import variations
from covary.ops.mix import AugMixViews, BCLearning, CopyPaste, CutMix, Mixer, MixUp, Mosaic, mix_batch

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


@pytest.fixture
def collecting():
    """Collections look at what the test makes alone, not at all that the session has loaded."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Picky(image.HorizontalFlip):
    """Refuses small pictures."""

    least = 20

    def describe(self, draw, view):
        if view.size.min() < self.least:
            raise ValueError("the picture is too small")
        return image.HorizontalFlip.describe(self, draw, view)


class Pickier(Picky):
    least = 100


class Samples:
    """A data set of given samples."""

    splits = None

    def __init__(self, samples, classes=(), labels=None, categories=None):
        self.samples, self.classes, self.categories = samples, classes, categories or {}
        self.keys = range(len(samples))
        self.labels = labels

    def __len__(self):
        return len(self.samples)

    def read(self, index):
        return dict(self.samples[index])


def test_full_decoding_equals_single_calls_on_the_decoded_picture_byte_for_byte():
    data = Pictures()
    with loader(data, decode="full", workers=2) as batches:
        for epoch in (0, 3):
            seen = []
            for batch in batches.epoch(epoch):
                for key, picture, label, variation in zip(
                    batch.keys, batch.image, batch.label, batch.variations, strict=True
                ):
                    index = data.keys.index(key)
                    expected = PIPELINE(image=data.decoded(index), key=key, epoch=epoch)["image"]
                    assert variation == epoch and label == data.labels[index]
                    assert np.array_equal(picture, expected)
                    seen.append(index)
            assert sorted(seen) == list(range(len(data)))


def test_an_epoch_is_the_variation_of_the_same_number_that_expand_makes():
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 5:25] = True
    instances = (Instance(3, (5.0, 10.0, 20.0, 20.0), mask), Instance(3, (0.0, 0.0, 9.0, 9.0), np.roll(mask, 9)))
    data = Samples([{"image": photograph(seed=n), "objects": instances[: n % 3]} for n in range(6)])
    data.categories = {3: Category(3, "person")}
    pipeline = Pipeline([image.RandomResizedCrop(32), image.HorizontalFlip(), image.GaussianNoise()], seed=3)
    with loader(data, pipeline, workers=2, decode="full") as batches:
        for batch in batches.epoch(4):
            for place, key in enumerate(batch.keys):
                objects = Objects.of(instances[: key % 3], data.categories)
                (expected,) = variations(pipeline, photograph(seed=key), key, [4], objects)
                assert np.array_equal(batch.image[place], expected.image)
                assert [each.box for each in batch.objects[place]] == [each.box for each in expected.instances]
                for one, other in zip(batch.objects[place], expected.instances, strict=True):
                    assert np.array_equal(one.mask, other.mask)


def test_scaled_decoding_equals_a_plan_drawn_from_reduced_pictures():
    data = Pictures(4, size=(400, 520))
    reduced = 0
    for batch in loader(data, decode="scaled").epoch(2):
        for key, picture in zip(batch.keys, batch.image, strict=True):
            index = data.keys.index(key)
            plan = PIPELINE.planned([(400, 520)], keys=[key], epoch=2)
            reductions = plan.reductions()
            reduced += int(reductions[0] > 0)
            source = decode(data.encoded(index), reduce=int(reductions[0]))
            assert np.array_equal(picture, plan.render([source], reductions)[0][0])
    assert reduced


def test_the_stream_is_the_same_for_any_number_of_threads():
    expected = stream(loader(), 3)
    assert len(expected) == 3 * 4
    for workers in (1, 2, 4):
        assert stream(loader(workers=workers, prefetch=workers), 3) == expected


def test_one_loop_over_several_epochs_is_the_same_as_several_loops():
    several = loader(epochs=3, workers=2)
    assert len(several) == 3 * 4
    assert stream(several, 1) == stream(loader(), 3)


def test_a_resumed_stream_gives_the_very_same_batches_from_any_batch_on():
    expected = stream(loader(), 3)
    for delivered in range(9):
        first = loader(workers=2)
        batches = (batch for _ in range(3) for batch in first)
        for _ in range(delivered):
            next(batches)
        state = json.loads(json.dumps(first.state_dict()))
        first.close()
        again = loader(workers=1)
        again.load_state_dict(state)
        assert (state["epoch"], state["batch"]) == divmod(delivered, 4)
        rest = [contents(batch) for _ in range(delivered // 4, 3) for batch in again]
        assert rest == expected[delivered:]


def test_a_resumed_epoch_asked_for_by_number_goes_on_where_it_was_left():
    first = loader()
    next(iter(first.epoch(5)))
    again = loader()
    again.load_state_dict(first.state_dict())
    again.set_epoch(5)
    assert [contents(batch) for batch in again.epoch(5)] == [contents(batch) for batch in loader().epoch(5)][1:]
    assert again.state_dict()["epoch"] == 6
    assert len(list(again.epoch(5))) == 4


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch_size": 4}, "batch_size was 8, is 4"),
        ({"shuffle": False}, "shuffle was True, is False"),
        ({"seed": 1}, "seed was 5, is 1"),
        ({"decode": "full"}, "decode was 'scaled', is 'full'"),
        ({"pipeline": Pipeline([image.Resize(8)], seed=5)}, "pipeline was"),
        ({"mix": MixUp()}, "mix was None"),
        ({"data": Pictures(25)}, "samples was 26, is 25"),
        ({"shard": (0, 2)}, "world was 1, is 2"),
        ({"cache": "1MB"}, "cache_side was None, is 512"),
    ],
)
def test_a_state_of_other_options_is_refused_and_they_are_named(change, named):
    state = loader().state_dict()
    with pytest.raises(ValueError, match=r"load_state_dict.*other options") as refused:
        loader(**change).load_state_dict(state)
    assert named in str(refused.value)


def test_workers_prefetch_and_framework_may_differ_and_others_when_not_strict():
    state = loader(workers=2).state_dict()
    loader(workers=0, prefetch=9, to="torch", cache="encoded:1MB").load_state_dict(state)
    loader(decode="full").load_state_dict(state, strict=False)
    with pytest.raises(ValueError, match="batch_size"):
        loader(batch_size=4).load_state_dict(state, strict=False)
    with pytest.raises(ValueError, match="no state"):
        loader().load_state_dict({"epoch": 1})


def test_epochs_follow_each_other_and_can_be_set():
    batches = loader(Pictures(3))
    assert [batch.epoch for _ in range(3) for batch in batches] == [0, 1, 2]
    batches.set_epoch(7)
    assert [batch.epoch for batch in batches] == [7]
    assert [batch.epoch for batch in batches.epoch(1)] == [1]
    assert [batch.epoch for batch in batches] == [2]


def test_a_loop_that_was_broken_off_is_followed_by_the_next_epoch():
    batches = loader()
    first = next(iter(batches))
    assert batches.state_dict()["batch"] == 1
    whole = list(batches)
    assert (first.epoch, whole[0].epoch, len(whole)) == (0, 1, 4)
    next(batches.epoch(3))
    assert len(list(batches.epoch(3))) == 4


def test_a_resumed_loop_over_several_epochs_ends_where_it_would_have_ended():
    first = iter(several := loader(epochs=3))
    for _ in range(6):
        next(first)
    again = loader(epochs=3)
    again.load_state_dict(several.state_dict())
    assert [batch.epoch for batch in again] == [1, 1, 2, 2, 2, 2]
    assert [batch.epoch for batch in again] == [3] * 4 + [4] * 4 + [5] * 4


def test_an_epoch_may_begin_at_any_batch_and_at_its_end():
    batches = loader()
    expected = [contents(batch) for batch in batches.epoch(2)]
    assert [contents(batch) for batch in batches.epoch(2, start=3)] == expected[3:]
    assert list(batches.epoch(2, start=4)) == []
    assert (batches.state_dict()["epoch"], batches.state_dict()["batch"]) == (3, 0)
    with pytest.raises(ValueError, match="start is 5"):
        batches.epoch(2, start=5)


def test_repeats_give_the_variations_of_single_calls():
    data = Pictures(5)
    batch = next(iter(loader(data, repeats=4, decode="full").epoch(3)))
    assert len(set(batch.keys)) == 2
    for key, variation, picture in zip(batch.keys, batch.variations, batch.image, strict=True):
        expected = PIPELINE(image=data.decoded(data.keys.index(key)), key=key, epoch=int(variation))["image"]
        assert np.array_equal(picture, expected)
    assert sorted(batch.variations[:4]) == [12, 13, 14, 15]


def test_balance_draws_each_class_equally_often():
    labels = np.concatenate([batch.label for batch in loader(balance=True)])
    assert np.bincount(labels).tolist() == [9, 9, 9]


def test_drop_last_leaves_full_batches_only():
    assert [len(batch.image) for batch in loader(drop_last=True)] == [8, 8, 8]


# Bad samples


def test_bad_samples_are_left_out_listed_and_told_of_once():
    data = Pictures(26, broken=[4], missing=[9, 20])
    expected = stream(loader(Pictures(26)), 2)
    batches = loader(data, workers=2)
    with pytest.warns(UserWarning, match="3 samples cannot be used") as told:
        got = [contents(batch) for _ in range(2) for batch in batches]
    assert len(told) == 1
    assert {problem.key for problem in batches.problems} == {"photo/4.jpg", "photo/9.jpg", "photo/20.jpg"}
    assert "truncated" in next(p.reason for p in batches.problems if p.key == "photo/4.jpg")
    bad = {"photo/4.jpg", "photo/9.jpg", "photo/20.jpg"}
    for one, other in zip(got, expected, strict=True):
        assert one["keys"] == [key for key in other["keys"] if key not in bad]
    assert sum(len(batch["keys"]) for batch in got) == 2 * 23


@pytest.mark.filterwarnings("ignore:Loader")
def test_full_batches_stay_full_by_the_samples_that_follow():
    data = Pictures(16, missing=[2, 3, 5])
    batches = [batch.keys for batch in loader(data, shuffle=False, drop_last=True)]
    names = [f"photo/{number}.jpg" for number in range(16)]
    assert list(batches[0]) == [names[i] for i in (0, 1, 4, 6, 7, 8, 9, 10)]
    assert list(batches[1]) == names[8:]


@pytest.mark.filterwarnings("ignore:Loader")
def test_a_batch_without_any_good_sample_is_left_out_and_the_stream_stays_the_same_for_any_workers():
    data = Pictures(8, missing=[2, 3])
    whole = stream(loader(data, shuffle=False, batch_size=2), 2)
    assert [batch["keys"][0] for batch in whole[:3]] == ["photo/0.jpg", "photo/4.jpg", "photo/6.jpg"]
    assert stream(loader(data, shuffle=False, batch_size=2, workers=3), 2) == whole
    first = loader(data, shuffle=False, batch_size=2)
    next(iter(first))
    again = loader(data, shuffle=False, batch_size=2)
    again.load_state_dict(first.state_dict())
    assert [contents(batch) for batch in again] == whole[1:3]


def test_bad_samples_are_raised_when_asked():
    with pytest.raises(SampleError, match=r"photo/4.jpg: .*truncated"):
        list(loader(Pictures(broken=[4]), on_error="raise", workers=2))


def test_if_no_sample_is_any_good_that_is_an_error():
    with pytest.raises(SampleError, match="no other sample"), pytest.warns(UserWarning, match="cannot be used"):
        list(loader(Pictures(5, missing=range(5))))


def test_a_picture_on_which_the_pipeline_fails_is_a_bad_sample_and_a_pipeline_that_always_fails_an_error():
    sizes = [(40, 40), (10, 40), (50, 40), (40, 60)]
    data = Samples([{"image": photograph(*size)} for size in sizes])
    batches = loader(data, Pipeline([Picky(p=1.0), image.Resize(8)]), shuffle=False)
    with pytest.warns(UserWarning, match="the pipeline failed"):
        (batch,) = list(batches)
    assert list(batch.keys) == [0, 2, 3]
    few = loader(data, Pipeline([Picky(p=1.0), image.Resize(8)]), shuffle=False, workers=4)
    with pytest.warns(UserWarning, match="the pipeline failed"):
        assert [contents(each) for each in few] == [contents(batch)]  # one piece of the batch has failures alone
    with pytest.raises(ValueError, match="too small"):
        list(loader(data, Pipeline([Pickier(p=1.0)])))


def test_a_defect_of_the_data_set_is_no_bad_sample():
    with pytest.raises(AttributeError, match="no_such_thing"):
        list(loader(Wrong(), workers=2))


# Fields


def test_a_batch_is_a_mapping_with_attributes():
    batch = next(iter(loader()))
    assert batch.image is batch["image"] and batch.image.shape == (8, 3, 32, 32) and batch.image.dtype == np.float32
    assert batch.label.dtype == np.int64
    assert dict(batch).keys() == set(batch) == {"image", "label", "keys", "variations", "epoch"}
    assert len(batch.keys) == 8 and batch.keys[0].startswith("photo/")
    with pytest.raises(AttributeError, match="no field 'target'; it has image, label"):
        batch.target  # noqa: B018
    with pytest.raises(KeyError):
        batch["target"]
    again = pickle.loads(pickle.dumps(batch))
    assert contents(again) == contents(batch) == contents(copy.copy(batch)) == contents(Batch(batch))
    assert "image=float32 (8, 3, 32, 32)" in repr(batch)


def test_pictures_of_several_sizes_come_in_a_list_and_of_one_size_in_a_stack():
    data = Samples([{"image": photograph(20 + number, 30)} for number in range(4)])
    (batch,) = list(loader(data, None, shuffle=False))
    assert [picture.shape for picture in batch.image] == [(20 + number, 30, 3) for number in range(4)]
    (batch,) = list(loader(data, Pipeline([image.Resize(16)]), shuffle=False))
    assert batch.image.shape == (4, 16, 16, 3)


def test_odd_pictures_get_the_channels_that_the_others_have():
    grey, rgba = photograph(channels=1), np.dstack([photograph(), np.full((40, 60), 90, np.uint8)])
    data = Samples([{"image": picture} for picture in (photograph(), grey, photograph(seed=1), rgba, photograph())])
    (batch,) = list(loader(data, None, shuffle=False))
    assert batch.image.shape == (5, 40, 60, 3)
    assert np.array_equal(batch.image[1], np.repeat(grey[:, :, None], 3, axis=2))
    assert np.array_equal(batch.image[3], rgba[:, :, :3])
    (batch,) = list(loader(data, None, shuffle=False, channels=1))
    assert batch.image.shape == (5, 40, 60, 1)
    (batch,) = list(loader(Samples([{"image": grey}] * 2), None))
    assert batch.image.shape == (2, 40, 60, 1)


def test_masks_are_decoded_and_move_with_the_picture():
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 5:25] = 7
    sample = {"image": Encoded(jpeg(photograph()), "a.jpg"), "mask": Encoded(encode(mask, "png"), "a.png")}
    pipeline = Pipeline([image.HorizontalFlip(p=1.0)])
    (batch,) = list(loader(Samples([sample, sample]), pipeline))
    assert batch.mask.shape == (2, 40, 60)
    assert np.array_equal(batch.mask[0], mask[:, ::-1])


def test_objects_move_with_the_picture_as_boxes_masks_and_keypoints():
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 5:25] = True
    instances = (
        Instance(3, (5.0, 10.0, 20.0, 20.0), mask, np.array([[6.0, 12.0, 2.0], [9.0, 14.0, 1.0]])),
        Instance(8, (50.0, 0.0, 10.0, 8.0), np.roll(mask, (-10, 30), (0, 1))),
    )
    categories = {3: Category(3, "person", ("left_eye", "right_eye")), 8: Category(8, "dog")}
    data = Samples([{"image": photograph(), "objects": instances}, {"image": photograph(), "objects": ()}])
    data.categories = categories
    (batch,) = list(loader(data, Pipeline([image.HorizontalFlip(p=1.0)], boxes="coco"), shuffle=False))
    assert batch.boxes[0].tolist() == [[35.0, 10.0, 20.0, 20.0], [5.0, 0.0, 20.0, 20.0]]
    assert batch.boxes[0].dtype == np.float32 and batch.boxes[1].shape == (0, 4)
    assert batch.box_labels[0].tolist() == [3, 8]
    assert np.array_equal(batch.masks[0][0], mask[:, ::-1])
    assert batch.keypoints[0].tolist() == [[50.0, 14.0, 1.0], [53.0, 12.0, 2.0]]  # left and right trade places
    assert [instance.category for instance in batch.objects[0]] == [3, 8] and batch.objects[1] == ()
    assert batch.masks[1].shape == (0, 40, 60) and batch.keypoints[1].shape == (0, 3)
    (plain,) = list(loader(data, None, shuffle=False))
    assert plain.boxes[0].tolist() == [[5.0, 10.0, 25.0, 30.0], [50.0, 0.0, 60.0, 8.0]]


def test_objects_without_masks_bring_no_masks():
    instances = (Instance(1, (5.0, 10.0, 20.0, 20.0)),)
    data = Samples([{"image": photograph(), "objects": each} for each in (instances, ())])
    (batch,) = list(loader(data, None, shuffle=False))
    assert [len(boxes) for boxes in batch.boxes] == [1, 0]
    assert "masks" not in batch and "keypoints" not in batch


@pytest.mark.parametrize("mixer", [Mosaic(), CopyPaste(p=1.0)])
def test_objects_are_mixed_with_their_pictures(mixer):
    """What comes out has as many boxes as labels and masks, and each mask lies in its box."""
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 5:25] = True
    instance = Instance(3, (5.0, 10.0, 20.0, 20.0), mask)
    data = Samples([{"image": photograph(seed=n), "objects": (instance,) * (n % 3)} for n in range(6)])
    data.categories = {3: Category(3, "person")}
    (batch,) = list(loader(data, Pipeline([image.Resize((32, 48)), image.Normalize()]), mix=mixer))
    assert batch.image.shape == (6, 3, 32, 48) and "objects" not in batch
    assert sum(map(len, batch.boxes)) > 6
    for boxes, labels, masks in zip(batch.boxes, batch.box_labels, batch.masks, strict=True):
        assert len(boxes) == len(labels) == len(masks)
        for (x0, y0, x1, y1), region in zip(boxes, masks, strict=True):
            rows, columns = np.nonzero(region)
            if len(rows):
                assert x0 - 1 <= columns.min() and columns.max() <= x1 + 1
                assert y0 - 1 <= rows.min() and rows.max() <= y1 + 1


def test_text_and_audio_pass_through():
    data = Samples(
        [{"text": "ab" * number, "audio": np.full(100, number, np.float32), "y": 0.5} for number in range(3)]
    )
    (batch,) = list(loader(data, PIPELINE, shuffle=False))
    assert batch.text == ["", "ab", "abab"]
    assert batch.audio.shape == (3, 100) and batch.y.dtype == np.float64
    assert "image" not in batch


# Mixing


def test_mixing_equals_mix_batch_on_the_plain_batch():
    plain, mixed = next(iter(loader())), next(iter(loader(mix=[MixUp(0.4), CutMix()])))
    fields = {"image": plain.image, "label": plain.label}
    expected = mix_batch(
        [MixUp(0.4), CutMix()], fields, classes=3, seed=5, epoch=0, keys=list(plain.keys), layout="CHW"
    )
    assert np.array_equal(mixed.image, expected["image"])
    assert np.array_equal(mixed.target, expected["target"])
    assert mixed.target.shape == (8, 3) and np.allclose(mixed.target.sum(axis=1), 1)
    assert np.array_equal(mixed.label, plain.label)
    assert not np.array_equal(mixed.image, plain.image)


def test_sounds_are_mixed():
    rng = np.random.default_rng(0)
    samples = [{"audio": rng.normal(size=(1, 4000)).astype(np.float32), "label": n % 2} for n in range(6)]
    data = Samples(samples, ("a", "b"), np.arange(6) % 2)
    (batch,) = list(loader(data, None, mix=BCLearning()))
    assert batch.audio.shape == (6, 1, 4000) and batch.target.shape == (6, 2)


class RawCutMix(CutMix):
    raw = True


def test_views_of_raw_pictures_are_normalised_after_they_were_made():
    mixed, plain = next(iter(loader(mix=AugMixViews(2)))), next(iter(loader()))
    assert mixed.views.shape == (8, 3, 3, 32, 32) and mixed.views.dtype == np.float32
    assert np.allclose(mixed.views[:, 0], plain.image, atol=0.02)  # one is rounded to bytes in between
    assert np.array_equal(mixed.views[:, 0], mixed.image)


def test_mixers_of_raw_pictures_act_before_normalisation():
    """Cutting and pasting commutes with what is done to each pixel by itself."""
    assert issubclass(RawCutMix, Mixer)
    before = next(iter(loader(mix=RawCutMix(name="one"))))
    after = next(iter(loader(mix=CutMix(name="one"))))
    assert before.image.dtype == np.float32
    assert np.allclose(before.image, after.image, atol=0.02)  # one is rounded to bytes in between
    assert np.array_equal(before.target, after.target)


# Frameworks


def test_torch_tensors_share_the_arrays_memory():
    torch = pytest.importorskip("torch")
    expected = next(iter(loader()))
    batch = next(iter(loader(to="torch", workers=2)))
    assert isinstance(batch.image, torch.Tensor) and batch.image.dtype == torch.float32
    assert np.array_equal(batch.image.numpy(), expected.image)
    assert batch.label.dtype == torch.int64 and list(batch.keys) == list(expected.keys)
    array = batch.image.numpy()
    batch.image[0, 0, 0, 0] = 77
    assert array[0, 0, 0, 0] == 77
    moved = batch.to("cpu")
    assert isinstance(moved, Batch) and moved.image.data_ptr() == batch.image.data_ptr()


def test_pinning_without_a_gpu_is_told_of():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        assert next(iter(loader(to="torch", pin_memory=True))).image.is_pinned()
    else:
        with pytest.warns(UserWarning, match="no CUDA device"):
            loader(to="torch", pin_memory=True)


def test_jax_arrays_have_the_same_values():
    jax = pytest.importorskip("jax")
    expected = next(iter(loader()))
    batch = next(iter(loader(to="jax")))
    assert isinstance(batch.image, jax.Array)
    assert np.array_equal(np.asarray(batch.image), expected.image)
    assert np.array_equal(np.asarray(batch.label), expected.label)


# Economy


def test_stats_add_up_and_are_those_of_the_present_epoch():
    batches = loader(workers=2)
    for _ in range(2):
        for _ in batches:
            pass
    stats = batches.stats()
    assert (stats.epoch, stats.batches, stats.samples, stats.workers) == (1, 4, 26, 2)
    spent = stats.read + stats.decode + stats.render + stats.mix
    assert stats.decode > 0 and stats.render > 0 and stats.mix == 0
    assert spent + stats.idle == pytest.approx(max(spent, 2 * stats.seconds))
    assert 0 <= stats.wait <= stats.seconds
    assert stats.samples_per_second == pytest.approx(26 / stats.seconds)
    assert "26 samples" in str(stats)


def test_a_batch_is_free_when_the_consumer_lets_it_go(collecting):
    batches = iter(loader(workers=2))
    batch = next(batches)
    gone = weakref.ref(batch.image)
    del batch
    gc.collect()
    assert gone() is None


@pytest.mark.filterwarnings("ignore:Loader")
@pytest.mark.parametrize("options", [{}, {"cache": "1MB"}, {"mix": MixUp()}, {"to": "torch"}])
def test_nothing_grows_from_epoch_to_epoch(options, collecting):
    def objects():
        gc.collect()
        return len(gc.get_objects())

    batches = loader(Pictures(26, missing=[3]), workers=2, **options)
    counts = []
    tracemalloc.start()
    try:
        for epoch in range(21):
            for _ in batches:
                pass
            if epoch in (8, 20):
                counts.append((objects(), tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    assert counts[1][0] - counts[0][0] < 10
    assert counts[1][1] - counts[0][1] < 30_000


def test_no_thread_is_left_when_a_loader_is_closed_or_dropped(collecting):
    def threads():
        return {thread for thread in threading.enumerate() if thread.name.startswith("covary-loader")}

    before = threads()
    batches = loader(workers=2)
    iterator = iter(batches)
    next(iterator)
    started = threads() - before
    assert started
    del batches, iterator
    gc.collect()
    for thread in started:
        thread.join(10)
    with loader(workers=2) as batches:
        list(batches)
        started |= threads() - before
    for thread in started:
        thread.join(10)
    assert not any(thread.is_alive() for thread in started)


def test_a_loader_can_be_used_again_after_it_was_closed_and_as_a_copy():
    batches = loader(workers=1)
    expected = [contents(batch) for batch in batches.epoch(0)]
    batches.close()
    batches.close()
    assert [contents(batch) for batch in batches.epoch(0)] == expected
    again = pickle.loads(pickle.dumps(batches))
    assert [contents(batch) for batch in again.epoch(0)] == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size is 0; allowed: a whole number from 1 on"),
        ({"batch_size": True}, "batch_size is True"),
        ({"workers": -1}, "workers is -1"),
        ({"worker_type": "fork"}, "worker_type is 'fork'; allowed: 'auto', 'thread', 'process'"),
        ({"decode": "half"}, "decode is 'half'"),
        ({"cache": "lots"}, "cache is 'lots'; allowed: a size"),
        ({"cache": "disk:"}, "cache is 'disk:'"),
        ({"shard": (2, 2)}, r"shard is \(2, 2\); allowed: \(rank, world\)"),
        ({"repeats": 3}, "batch_size is 8 with repeats=3"),
        ({"weights": [1, 2]}, r"weights has shape \(2,\)"),
        ({"weights": [-1.0] * 26}, "weights must be finite"),
        ({"weights": [1.0] * 26, "balance": True}, "balance and weights"),
        ({"weights": [1.0] * 26, "shuffle": False}, "weights draws samples by chance"),
        ({"batch_size": 50, "drop_last": True}, "do not fill one batch"),
        ({"seed": 2**64}, "seed is"),
        ({"to": "tensorflow"}, "to is 'tensorflow'"),
        ({"pin_memory": True}, "pin_memory and device are for tensors"),
        ({"on_error": "ignore"}, "on_error is 'ignore'"),
        ({"channels": 2}, "channels is 2"),
    ],
)
def test_wrong_arguments_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        loader(**options)


def test_a_source_is_opened_as_open_dataset_does(tmp_path):
    for name in ("train/a/1.png", "train/b/2.png", "val/a/3.png"):
        write_picture(tmp_path / name)
    assert sum(len(batch.keys) for batch in loader(tmp_path, split="train")) == 2
    (batch,) = list(loader(open_dataset(tmp_path), split="val"))
    assert list(batch.keys) == ["val/a/3.png"] and batch.label.tolist() == [0]
    (batch,) = list(loader((np.zeros((3, 8, 9, 3), np.uint8), [0, 1, 1]), None))
    assert batch.image.shape == (3, 8, 9, 3) and sorted(batch.label) == [0, 1, 1]
    with pytest.raises(TypeError, match="open_dataset"):
        loader(7)


def test_a_pipeline_may_be_a_file_and_nothing_else_than_a_pipeline(tmp_path):
    PIPELINE.to_yaml(tmp_path / "photos.yaml")
    assert stream(loader(pipeline=tmp_path / "photos.yaml"), 1) == stream(loader(), 1)
    with pytest.raises(TypeError, match="pipeline is a list"):
        loader(pipeline=[image.HorizontalFlip()])


def test_defaults_need_no_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Loader(Pictures(), PIPELINE)) == 1
