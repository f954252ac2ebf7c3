"""Sounds in, sounds out: read back by soundfile, json, csv and pyarrow, and compared with calls of the pipeline."""

import csv
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from expansions import record, state, tree
from typer.testing import CliRunner

from covary import Loader, Pipeline, audio, image, text
from covary.cli import app
from covary.data import open_dataset
from covary.data.audio import AudioFolder, read_audio
from covary.data.tables import TableDataset
from covary.expand import ExpandError, expand, merge, verify

RATE = 16_000
STORED = (  # ending, format, subtype
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAV", "ULAW"),
    ("wav", "WAVEX", "PCM_16"),
    ("flac", "FLAC", "PCM_16"),
    ("flac", "FLAC", "PCM_24"),
    ("aiff", "AIFF", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
)
LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_III")


def pipeline(seed=3):
    return Pipeline([audio.RandomCrop(0.4), audio.Gain((-6, 0)), audio.GaussianNoise((0.001, 0.01), p=0.5)], seed=seed)


def wave(seed, seconds=0.6, channels=1):
    at = np.arange(round(seconds * RATE)) / RATE
    return np.stack([0.4 * np.sin(2 * np.pi * (220 + 40 * seed + 9 * c) * at) for c in range(channels)], axis=1)


def write(path, seed=0, format=None, subtype=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave(seed, **options), RATE, format=format, subtype=subtype)


def folder(root, count=5):
    for number in range(count):
        write(root / "ab"[number % 2] / f"s{number}.wav", number, seconds=0.5 + 0.05 * number)
    return root


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def manifest(tmp_path):
    """Sounds with all kinds of columns."""
    root = tmp_path / "in"
    rows = []
    for number in range(4):
        path = f"wavs/s{number}.{('wav', 'flac')[number % 2]}"
        write(root / path, number, seconds=1.0)
        rows.append(
            {
                "audio_filepath": path,
                "duration": 1.0,
                "text": "the näive words of a sentence",
                "sample_rate": RATE,
                "num_samples": RATE,
                "speaker": f"00{number}",
                "nested": {"a": [1, None]},
                "words": [{"text": "näive", "start": 0.1, "end": 0.3}, {"text": "words", "start": 0.5, "end": 0.8}],
                "events": [[0.2, 0.2, "click"]],
                "label": "xy"[number % 2],
            }
        )
    return write_lines(root / "train.jsonl", rows)


@pytest.mark.parametrize(("ending", "format", "subtype"), STORED)
def test_files_keep_format_and_subtype_and_hold_what_the_pipeline_makes(tmp_path, ending, format, subtype):
    rate = 48_000 if subtype == "OPUS" else RATE
    source = tmp_path / "in/dog/a.b"
    source = source.with_name(f"a.b.{ending}")
    source.parent.mkdir(parents=True)
    soundfile.write(source, wave(1, channels=2), rate, format=format, subtype=subtype)
    out = tmp_path / "out"
    report = expand(tmp_path / "in", out, pipeline(), times=2, originals="copy")
    assert (report.sources, report.made, report.skipped) == (1, 3, ()) and "1 sounds: 3 files made" in str(report)
    assert sorted(path.name for path in (out / "dog").iterdir()) == [
        f"a.b.{ending}",
        f"a.b__0.{ending}",
        f"a.b__1.{ending}",
    ]
    assert (out / f"dog/a.b.{ending}").read_bytes() == source.read_bytes()
    samples, _ = read_audio(source)
    bits = {"PCM_16": 16, "PCM_24": 24}.get(subtype)
    for epoch in (0, 1):
        made = out / f"dog/a.b__{epoch}.{ending}"
        info = soundfile.info(made)
        assert (info.format, info.subtype, info.samplerate, info.channels) == (format, subtype, rate, 2)
        expected = pipeline()(audio=samples, rate=rate, key=f"dog/a.b.{ending}", epoch=epoch)["audio"]
        read, _ = soundfile.read(made, dtype="float32", always_2d=True)
        read = read.T[:, : expected.shape[1]]
        if subtype == "FLOAT":
            assert np.array_equal(read, expected)
        elif bits is not None:
            assert np.abs(read - expected).max() <= 0.5001 / 2 ** (bits - 1)
        else:
            error = np.square(read[:, 200:-200] - expected[:, 200:-200]).mean()
            assert 10 * np.log10(np.square(expected).mean() / error) > (18 if subtype in LOSSY else 30)
    assert verify(out).ok
    before = state(out)
    assert expand(tmp_path / "in", out, pipeline(), times=2, originals="copy").made == 0 and state(out) == before


def test_the_loader_sees_what_an_expansion_writes(tmp_path):
    root, out = folder(tmp_path / "in"), tmp_path / "out"
    for path in root.rglob("*.wav"):
        samples, _ = soundfile.read(path, always_2d=True)
        soundfile.write(path, samples, RATE, subtype="FLOAT")
    expand(root, out, pipeline(), times=2)
    for epoch in (0, 1):
        with Loader(root, pipeline(), batch_size=8, workers=0) as loader:
            (batch,) = loader.epoch(epoch)
        for key, sound in zip(batch.keys, batch.audio, strict=True):
            made, _ = read_audio(out / f"{key[:-4]}__{epoch}.wav")
            assert np.array_equal(made, sound)


def test_numbers_of_variations_go_by_class_and_parts_stay_apart(tmp_path):
    root = folder(tmp_path / "in")
    assert expand(root, tmp_path / "one", pipeline(), times={"a": 3, "*": 1}).made == 3 * 3 + 2
    assert expand(root, tmp_path / "two", pipeline(), times=2, balance=True).made == 12
    for part, number in (("train", 0), ("val", 1)):
        write(tmp_path / f"parts/{part}/a/x{number}.wav", number)
    report = expand(tmp_path / "parts", tmp_path / "three", pipeline(), times=2, originals="link")
    assert sorted(path.name for path in (tmp_path / "three").rglob("*.wav")) == [
        "x0.wav",
        "x0__0.wav",
        "x0__1.wav",
        "x1.wav",
    ]
    assert report.notes and (tmp_path / "three/val/a/x1.wav").is_symlink() and verify(tmp_path / "three").ok
    with pytest.raises(ExpandError, match="no sounds of split 'other'"):
        expand(tmp_path / "parts", tmp_path / "four", pipeline(), split="other")


def test_rows_of_a_manifest_move_with_their_sounds(tmp_path, manifest):
    out = tmp_path / "out"
    varying = Pipeline([audio.RandomCrop(0.6), audio.ResampleTo(8_000, p=0.5)], seed=5)
    before = {row["audio_filepath"]: row for row in lines(manifest)}
    report = expand(manifest, out, varying, times=3, originals="copy")
    assert report.made == 4 * 4 and verify(out).ok
    made = {row["audio_filepath"]: row for row in lines(out / "train.jsonl")}
    assert len(made) == 16 and {path: made[path] for path in before} == before
    dataset = open_dataset(manifest)
    rates, changed = set(), 0
    for index, key in enumerate(dataset.keys):
        path = dataset.file_of("audio_filepath", index)
        sample = dataset.read(index)
        for epoch in range(3):
            row = made[f"{path.rpartition('.')[0]}__{epoch}.{path.rpartition('.')[2]}"]
            expected = varying(**sample, key=key, epoch=epoch)
            info = soundfile.info(out / row["audio_filepath"])
            assert info.samplerate == row["sample_rate"] == expected["rate"]
            assert info.frames == row["num_samples"] == expected["audio"].shape[1]
            assert row["duration"] == info.frames / info.samplerate
            assert row["words"] == expected["words"] and row["events"] == expected["events"]
            assert list(row) == list(before[path])
            for word in row["words"]:
                assert list(word) == ["text", "start", "end"]
            for name in ("text", "speaker", "nested", "label"):
                assert row[name] == before[path][name]
            rates.add(info.samplerate)
            changed += row["words"] != sample["words"]
    assert rates == {8_000, 16_000} and changed >= 10
    # The expansion is a data set of its own: its words are where its sounds have them.
    again = open_dataset(out)
    assert isinstance(again, TableDataset) and len(again) == 16
    for index in range(16):
        sample = again.read(index)
        assert all(0 <= w["start"] <= w["end"] <= sample["audio"].shape[1] / sample["rate"] for w in sample["words"])


def test_columns_that_only_look_like_labels_in_time_are_carried_along(tmp_path):
    root = tmp_path / "in"
    write(root / "a.wav", seconds=1.0)
    row = {"audio": "a.wav", "words": "how are you", "events": 3, "phones": ["h", "aw"], "clean": True, "rate": 150}
    table = write_lines(root / "t.jsonl", [row])
    expand(table, tmp_path / "out", Pipeline([audio.RandomCrop(0.5), audio.ResampleTo(8_000)]), times=1)
    assert lines(tmp_path / "out/t.jsonl") == [{**row, "audio": "a__0.wav"}] and verify(tmp_path / "out").ok


@pytest.mark.parametrize("ending", ("csv", "tsv", "parquet"))
def test_other_tables_keep_their_form(tmp_path, ending, manifest):
    rows = lines(manifest)
    manifest.unlink()
    table, out = manifest.with_name(f"t.{ending}"), tmp_path / "out"
    if ending == "parquet":
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(
            pa.Table.from_pylist([{**r, "nested": json.dumps(r["nested"]), "events": None} for r in rows]), table
        )
    else:
        with table.open("w", newline="") as file:
            writer = csv.writer(file, delimiter={"csv": ",", "tsv": "\t"}[ending])
            writer.writerow(rows[0])
            writer.writerows([json.dumps(v) if isinstance(v, (list, dict)) else v for v in r.values()] for r in rows)
    expand(table, out, Pipeline([audio.RandomCrop(0.5)], seed=1), times=1)
    assert verify(out).ok
    if ending == "parquet":
        made = parquet.read_table(out / table.name).to_pylist()
        assert parquet.read_schema(out / table.name) == parquet.read_schema(table)
    else:
        with (out / table.name).open(newline="") as file:
            made = list(csv.DictReader(file, delimiter={"csv": ",", "tsv": "\t"}[ending]))
        assert made[0]["speaker"] == "000" and made[0]["sample_rate"] == str(RATE)
        made = [{**row, "words": json.loads(row["words"]), "duration": float(row["duration"])} for row in made]
    dataset = open_dataset(table)
    assert [row["audio_filepath"] for row in made] == [f"wavs/s{n}__0.{('wav', 'flac')[n % 2]}" for n in range(4)]
    for index, row in enumerate(made):
        expected = Pipeline([audio.RandomCrop(0.5)], seed=1)(**dataset.read(index), key=dataset.keys[index])
        assert row["words"] == expected["words"] != rows[index]["words"] and row["duration"] == 0.5


def test_parts_of_a_long_file_become_files_of_their_own(tmp_path):
    write(tmp_path / "in/long.wav", seconds=4.0)
    rows = [
        {"audio": "long.wav", "offset": 0.0, "duration": 1.0, "text": "a"},
        {"audio": "long.wav", "offset": 1.5, "duration": 0.5, "text": "b"},
        {"audio": "long.wav", "offset": 1.5, "duration": 1.5, "text": "c"},
    ]
    table, out = write_lines(tmp_path / "in/parts.jsonl", rows), tmp_path / "out"
    shifting = Pipeline([audio.Gain((-3, -1))], seed=2)
    expand(table, out, shifting, times=1, originals="copy")
    assert verify(out).ok
    made = lines(out / "parts.jsonl")
    names = ("long.wav", "long@1.5.wav", "long@1.5#2.wav")
    assert {row["audio"] for row in made} == {*names, "long__0.wav", "long@1.5__0.wav", "long@1.5#2__0.wav"}
    dataset, again = open_dataset(table), open_dataset(out)
    by_text = {}
    for index in range(6):
        sample = again.read(index)
        by_text.setdefault(sample["text"], {})["__" in again.file_of("audio", index)] = sample["audio"]
    for index, key in enumerate(dataset.keys):
        sample = dataset.read(index)
        varied, original = by_text[sample["text"]][True], by_text[sample["text"]][False]
        assert np.array_equal(original, sample["audio"])
        expected = shifting(**sample, key=key)["audio"]
        assert varied.shape == expected.shape and np.abs(varied - expected).max() < 1e-4
    assert [row["offset"] for row in made if "__" in row["audio"]] == [0.0] * 3


def test_clean_sounds_go_with_the_noisy_ones_into_files_of_their_own(tmp_path):
    root, out = tmp_path / "in", tmp_path / "out"
    rows = []
    for number in range(3):
        write(root / f"clean/c{number}.flac", number, seconds=1.0)
        write(root / f"noisy/c{number}_bus.wav", number + 7, seconds=1.0)
        rows.append({"audio": f"noisy/c{number}_bus.wav", "clean": f"clean/c{number}.flac", "duration": 1.0})
    rows.append({"audio": "noisy/c0_bus.wav", "clean": "clean/c0.flac", "offset": 0.25, "duration": 0.5})
    table = write_lines(root / "t.jsonl", [{"offset": 0.0, **row} for row in rows])
    varying = Pipeline([audio.RandomCrop(0.3), audio.GaussianNoise(0.01), audio.Gain((-6, -3))], seed=4)
    expand(table, out, varying, times=2, originals="copy")
    assert verify(out).ok
    made = {row["audio"]: row for row in lines(out / "t.jsonl")}
    assert len(made) == 12 and made["noisy/c1_bus__0.wav"]["clean"].startswith("clean/c1_bus__0")
    assert len({row["clean"] for row in made.values()}) == 12
    dataset = open_dataset(table)
    for index, key in enumerate(dataset.keys):
        sample = dataset.read(index)
        assert np.array_equal(
            sample["clean"], read_audio(root / rows[index]["clean"], offset=0.25 * (index == 3), duration=0.5)[0]
        ) == (index == 3)
        for epoch in (0, 1):
            expected = varying(**sample, key=key, epoch=epoch)
            name = "noisy/c0_bus@0.25" if index == 3 else f"noisy/c{index}_bus"
            row = made[f"{name}__{epoch}.wav"]
            for field in ("audio", "clean"):
                written, _ = read_audio(out / row[field])
                assert np.abs(written - expected[field]).max() < 1 / 32_000
            assert soundfile.info(out / row["clean"]).format == "FLAC"
    again = open_dataset(out)
    with Loader(table, varying, batch_size=4, workers=0, shuffle=False) as loader:
        (batch,) = loader
    by_name = {again.file_of("audio", index): again.read(index) for index in range(12)}
    for number, stem in enumerate(("c0_bus", "c1_bus", "c2_bus", "c0_bus@0.25")):
        assert np.abs(batch.clean[number] - by_name[f"noisy/{stem}__0.wav"]["clean"]).max() < 1 / 32_000
    # A clean sound that changes is told by its content.
    write(root / "clean/c2.flac", 9, seconds=1.0)
    assert expand(table, out, varying, times=2, originals="copy").made == 3
    write(root / "clean/c1.flac", 9, seconds=0.5)
    report = expand(table, out, varying, times=2, originals="copy")
    assert "length of 8,000" in report.skipped[0].reason


def test_texts_vary_with_their_sounds_where_the_pipeline_says_so(tmp_path, manifest):
    both = Pipeline([audio.Gain((-6, 6)), text.RandomSwap(1.0)], seed=1)
    expand(manifest, tmp_path / "out", both, times=2)
    dataset = open_dataset(manifest)
    texts = [row["text"] for row in lines(tmp_path / "out/train.jsonl")]
    expected = [both(**dataset.read(i), key=k, epoch=e)["text"] for i, k in enumerate(dataset.keys) for e in (0, 1)]
    assert texts == expected and len(set(texts)) > 4


def test_changed_sounds_and_rows_are_made_anew_and_others_kept(tmp_path, manifest):
    out = tmp_path / "out"
    expand(manifest, out, pipeline(), times=2)
    rows = lines(manifest)
    rows[1]["words"][0]["start"] = 0.15
    write(manifest.parent / "wavs/s2.wav", 9, seconds=1.0)
    write_lines(manifest, rows[:3])
    report = expand(manifest, out, pipeline(), times=2)
    assert (report.made, report.kept, report.removed) == (4, 2, 2)
    expand(manifest, tmp_path / "fresh", pipeline(), times=2)
    assert state(out) == state(tmp_path / "fresh") and verify(out).ok


def test_a_check_finds_what_was_altered(tmp_path, manifest):
    out = tmp_path / "out"
    expand(manifest, out, pipeline(), times=2)
    (out / "wavs/s0__0.wav").write_bytes((out / "wavs/s0__1.wav").read_bytes())
    (out / "wavs/s2__1.wav").unlink()
    (out / "train.jsonl").write_text("{}\n")
    write(manifest.parent / "wavs/s3.flac", 8, seconds=1.0)
    found = verify(out)
    assert found.altered == ("train.jsonl", "wavs/s0__0.wav") and found.missing == ("wavs/s2__1.wav",)
    assert {problem.name for problem in found.differing} == {"wavs/s3__0.flac", "wavs/s3__1.flac"}


def test_shares_give_what_a_single_run_gives(tmp_path, manifest):
    expand(manifest, tmp_path / "single", pipeline(), times=2, originals="copy")
    for index in (1, 0, 2):
        report = expand(manifest, tmp_path / "out", pipeline(), times=2, originals="copy", shard=(index, 3))
    assert "3 shares merged" in report.notes[-1] and state(tmp_path / "out") == state(tmp_path / "single")
    with pytest.raises(ExpandError, match="no shares"):
        merge(tmp_path / "out")


KILLED = """
import sys
from covary import Pipeline
from covary.expand import expand
import covary.expand.run as run
run.COMMIT_INTERVAL = 0.01
run.PLANNED_AT_ONCE = 2
print("ready", flush=True)
expand(sys.argv[1], sys.argv[2], Pipeline.from_yaml(sys.argv[3]), times=6, workers=1)
"""


def test_a_killed_run_is_gone_on_with(tmp_path):
    root = folder(tmp_path / "in", 12)
    out = tmp_path / "out"
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(root), str(out), pipeline().to_yaml()]
    running = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"ready\n"
    until = time.monotonic() + 30
    while len(list(out.rglob("*.wav"))) < 8 and running.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    report = expand(root, out, pipeline(), times=6)
    assert report.made + report.kept == 72 and verify(out).ok
    expand(root, tmp_path / "fresh", pipeline(), times=6)
    assert tree(out) == tree(tmp_path / "fresh") and record(out) == record(tmp_path / "fresh")


def test_bad_sounds_are_skipped_and_told(tmp_path, manifest):
    root = manifest.parent / "wavs"
    (root / "s0.wav").write_bytes(b"RIFF nothing")
    whole = (root / "s1.flac").read_bytes()
    (root / "s1.flac").write_bytes(whole[:200] + bytes(len(whole) - 200))
    (root / "s2.wav").unlink()
    rows = lines(manifest)
    rows[3]["words"] = [{"start": 2, "end": 1, "text": "x"}]
    write_lines(manifest, rows)
    report = expand(manifest, tmp_path / "out", pipeline(), times=1)
    reasons = {problem.name: problem.reason for problem in report.skipped}
    assert report.made == 0 and sorted(reasons) == ["wavs/s0.wav", "wavs/s1.flac", "wavs/s2.wav", "wavs/s3.flac"]
    assert "not audio" in reasons["wavs/s0.wav"] and "pipeline" not in reasons["wavs/s0.wav"]
    assert "not audio" in reasons["wavs/s1.flac"] and "pipeline" not in reasons["wavs/s1.flac"]
    assert "No such file" in reasons["wavs/s2.wav"] and "words[0] starts at" in reasons["wavs/s3.flac"]


def test_what_a_codec_cannot_hold_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in/a.opus", wave(1), 48_000, format="OGG", subtype="OPUS")
    report = expand(tmp_path / "in", tmp_path / "out", Pipeline([audio.ResampleTo(22_050)]), times=1)
    assert "OGG OPUS cannot hold 1 channels of 22,050" in report.skipped[0].reason


def test_wrong_pipelines_and_formats_are_refused(tmp_path, manifest):
    root = folder(tmp_path / "folder")
    turning = Pipeline([image.Rotate((-5, 5))])
    for source in (root, manifest):
        with pytest.raises(ExpandError, match="sounds are there, and the pipeline has operations on image only"):
            expand(source, tmp_path / "out", turning, times=1)
        for format in ("png", "webdataset"):
            with pytest.raises(ExpandError, match=f"format='{format}' with sounds"):
                expand(source, tmp_path / "out", pipeline(), times=1, format=format)
    from covary.data.encode import encode

    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.png").write_bytes(encode(np.zeros((4, 4, 3), np.uint8), "png"))
    with pytest.raises(ExpandError, match="pictures are there, and the pipeline has operations on audio only"):
        expand(tmp_path / "pictures", tmp_path / "out", pipeline(), times=1)
    assert expand(AudioFolder(root), tmp_path / "out", pipeline(), times=1).made == 5


def test_the_command_line_expands_and_checks_sounds(tmp_path, manifest):
    pipeline().to_yaml(tmp_path / "p.yaml")
    out = tmp_path / "out"
    run = CliRunner()
    done = run.invoke(app, ["expand", str(manifest), str(out), "-p", str(tmp_path / "p.yaml"), "-n", "2"])
    assert done.exit_code == 0 and "4 sounds: 8 files made" in done.stdout
    done = run.invoke(app, ["verify", str(out)])
    assert done.exit_code == 0 and "8 files checked: all as recorded, all derived again" in done.stdout
