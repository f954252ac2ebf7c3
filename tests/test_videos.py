"""Videos: every frame is what the picture alone would be, with the same key; labels frame by frame."""

import json

import numpy as np
import pytest

from covary import Keypoints, OneOf, Pipeline, image

RNG = np.random.default_rng(5)
GEOMETRY = [
    image.HorizontalFlip(p=0.5),
    image.Affine(rotate=30, scale=(0.8, 1.2)),
    image.ElasticTransform((20, 30)),
    image.ColorJitter(0.3, 0.3, 0.3, 0.1),
    OneOf([image.GaussianBlur((0.5, 1.5)), image.Sharpen()]),
    image.CoarseDropout(),
]


def video(frames=4, height=24, width=31, channels=3, dtype="uint8"):
    made = RNG.integers(0, 255, (frames, height, width, channels))
    return made.astype(dtype) if dtype != "float32" else (made / 255).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_each_frame_equals_the_picture_alone_with_the_same_key(dtype, channels):
    chosen = [op for op in GEOMETRY if channels == 3 or not isinstance(op, image.ColorJitter)]
    pipeline = Pipeline(chosen, seed=3)
    frames = video(channels=channels, dtype=dtype)
    before = frames.copy()
    for key in range(4):
        out = pipeline(video=frames, key=key)["video"]
        assert out.dtype == frames.dtype
        assert np.array_equal(out, np.stack([pipeline(image=frame, key=key)["image"] for frame in frames]))
    assert np.array_equal(frames, before)


def test_frames_get_noise_of_their_own_and_the_first_is_that_of_the_picture():
    still = np.full((5, 16, 16, 3), 128, np.uint8)
    for operation in (image.GaussianNoise(0.1), image.SaltAndPepper(0.3), image.CoarseDropout(fill="noise")):
        own, same = Pipeline([operation], seed=1), Pipeline([operation], seed=1, frame_noise="same")
        alone = own(image=still[0], key="a")["image"]
        out = own(video=still, key="a")["video"]
        assert np.array_equal(out[0], alone)
        assert len({frame.tobytes() for frame in out}) == 5
        assert np.array_equal(out, own(video=still, key="a")["video"])
        assert np.array_equal(same(video=still, key="a")["video"], np.stack([alone] * 5))


def test_noise_of_frames_is_uncorrelated():
    still = np.zeros((3, 64, 64, 1), np.float32)
    out = Pipeline([image.GaussianNoise(0.1)], seed=1)(video=still, key=1)["video"].reshape(3, -1)
    assert np.abs(np.corrcoef(out) - np.eye(3)).max() < 0.05


def test_batch_of_videos_of_several_lengths_equals_single_calls():
    pipeline = Pipeline([*GEOMETRY, image.GaussianNoise(0.05)], seed=9)
    videos = [video(3), video(5, 20, 18), video(1), video(2, dtype="uint16")]
    batch = pipeline.batch(video=videos, keys=range(4), epoch=2)
    for key, frames in enumerate(videos):
        assert np.array_equal(batch["video"][key], pipeline(video=frames, key=key, epoch=2)["video"])
    alike = pipeline.batch(video=videos[:1] * 2, keys=[0, 1])["video"]
    assert isinstance(alike, np.ndarray) and alike.shape == (2, 3, 24, 31, 3)
    assert np.array_equal(pipeline.batch(np.stack(videos[:1] * 2), keys=[0, 1]), alike)
    mixed = pipeline.batch(video=[videos[0], None], image=[None, videos[0][0]], keys=[0, 1])
    assert np.array_equal(mixed["video"][0], alike[0])
    assert np.array_equal(mixed["image"][1], pipeline(image=videos[0][0], key=1)["image"])


def test_replay_of_a_trace_gives_the_same_frames():
    pipeline = Pipeline([*GEOMETRY, image.GaussianNoise(0.05)], seed=9)
    frames = video()
    trace = json.loads(json.dumps(pipeline.trace(key="clip", epoch=4, size=(24, 31))))
    assert np.array_equal(
        pipeline.replay(trace, video=frames)["video"], pipeline(video=frames, key="clip", epoch=4)["video"]
    )


@pytest.mark.parametrize("finish", [[image.ToTensor()], [image.Normalize()], [image.Normalize(), image.ToTensor()]])
def test_tensors_of_videos_are_frames_first_then_channels(finish):
    pipeline = Pipeline([image.CenterCrop(16), *finish])
    frames = video()
    out = pipeline(video=frames, key=0)["video"]
    assert out.shape == (4, 3, 16, 16) and out.dtype == np.float32
    assert np.array_equal(out[2], pipeline(image=frames[2], key=0)["image"])


def test_grey_videos_and_bare_arrays_come_back_in_their_form():
    pipeline = Pipeline([image.Rotate(30)], seed=2)
    grey = video(channels=1)[..., 0]
    assert pipeline(video=grey, key=0)["video"].shape == grey.shape
    assert np.array_equal(pipeline(video(2), key=0).shape, (2, 24, 31, 3))
    wide = np.asfortranarray(video(2))
    assert np.array_equal(pipeline(wide, key=0), pipeline(wide.copy("C"), key=0))


def test_labels_of_each_frame_move_as_those_of_the_picture_alone():
    pipeline = Pipeline([image.Affine(rotate=20, translate=0.2, border="constant"), image.RandomCrop(16)], seed=4)
    frames = video(3)
    fields = {
        "mask": RNG.integers(0, 4, (3, 24, 31)).astype(np.uint8),
        "masks": RNG.integers(0, 2, (3, 2, 24, 31)).astype(bool),
        "boxes": [np.array([[2.0, 3, 20, 22]]), np.zeros((0, 4)), np.array([[0.0, 0, 4, 4], [8, 8, 30, 20]])],
        "box_labels": [["a"], [], ["b", "c"]],
        "keypoints": [np.array([[5.0, 5]]), np.array([[30.0, 23], [12, 12]]), np.zeros((0, 2))],
        "label": 7,
    }
    for key in range(4):
        out = pipeline(video=frames, **fields, key=key)
        assert out["label"] == 7 and list(out) == ["video", *fields]
        for index in range(3):
            labels = {name: value[index] for name, value in fields.items() if name != "label"}
            alone = pipeline(image=frames[index], **labels, key=key)
            for name in labels:
                assert np.array_equal(out[name][index], alone[name]), name


def test_one_mask_per_frame_may_be_called_masks_and_tracks_stay_arrays():
    pipeline = Pipeline([image.HorizontalFlip(p=1)], keypoints=Keypoints(outside="keep"))
    frames, masks = video(3), [RNG.integers(0, 2, (24, 31)).astype(np.uint8) for _ in range(3)]
    tracks = RNG.uniform(0, 20, (3, 6, 2))
    out = pipeline(video=frames, masks=masks, keypoints=tracks)
    assert all(np.array_equal(a, b[:, ::-1]) for a, b in zip(out["masks"], masks, strict=True))
    assert np.allclose(out["keypoints"], np.stack([30 - tracks[..., 0], tracks[..., 1]], axis=-1))


def test_operations_that_look_at_labels_draw_one_crop_for_all_frames():
    pipeline = Pipeline([image.BBoxSafeRandomCrop()], seed=8)
    frames = video(3, 60, 60)
    boxes = [np.array([[4.0, 4, 10, 10]]), np.array([[30.0, 30, 41, 44]]), np.zeros((0, 4))]
    for key in range(6):
        out = pipeline(video=frames, boxes=boxes, key=key)
        assert out["video"].ndim == 4 and [len(part) for part in out["boxes"]] == [1, 1, 0]
        extents = [part[0, 2:] - part[0, :2] for part in out["boxes"][:2]]
        assert np.allclose(extents, [[6, 6], [11, 14]])


def test_the_noise_option_is_part_of_the_pipeline():
    pipeline = Pipeline([image.GaussianNoise()], frame_noise="same")
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline != Pipeline([image.GaussianNoise()])
    with pytest.raises(ValueError, match="frame_noise is 'none'; allowed: own, same"):
        Pipeline([], frame_noise="none")


def test_errors_name_the_field():
    pipeline = Pipeline([image.HorizontalFlip()])
    with pytest.raises(ValueError, match="boxes has 2 entries, the video has 3 frames"):
        pipeline(video=video(3), boxes=[np.zeros((0, 4))] * 2)
    with pytest.raises(TypeError, match="video is a list; a NumPy array"):
        pipeline(video=list(video(3)))
    with pytest.raises(TypeError, match="video has dtype int32"):
        pipeline(video=np.zeros((2, 4, 4, 3), np.int32))
    with pytest.raises(ValueError, match=r"video has shape .* no axis may be empty"):
        pipeline(video=np.zeros((0, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="a sample has image and video"):
        pipeline(image=video(1)[0], video=video(2))


def test_a_number_called_volume_is_no_volume():
    out = Pipeline([image.HorizontalFlip(p=1)])(image=video(1)[0], volume=0.5)
    assert out["volume"] == 0.5
