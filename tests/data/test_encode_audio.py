"""Encoded sounds against soundfile's own reading of them, and RFC 3533."""

import io
import time

import numpy as np
import pytest
import soundfile

from covary.data.audio import open_sound, read_audio
from covary.data.encode import EncodeError
from covary.data.encode_audio import encode_audio

EXACT = (
    ("WAV", "PCM_16", 16),
    ("WAV", "PCM_24", 24),
    ("WAV", "PCM_U8", 8),
    ("WAVEX", "PCM_16", 16),
    ("RF64", "PCM_16", 16),
    ("W64", "PCM_16", 16),
    ("AIFF", "PCM_S8", 8),
    ("AIFF", "PCM_24", 24),
    ("AU", "PCM_16", 16),
    ("CAF", "PCM_16", 16),
    ("CAF", "ALAC_16", 16),
    ("FLAC", "PCM_S8", 8),
    ("FLAC", "PCM_16", 16),
    ("FLAC", "PCM_24", 24),
)
LOSSY = (("OGG", "VORBIS", 30), ("OGG", "OPUS", 20), ("MP3", "MPEG_LAYER_III", 20), ("WAV", "IMA_ADPCM", 15))


def levels(bits, channels=2, samples=4_000, seed=0):
    full = 1 << (bits - 1)
    values = np.random.default_rng(seed).integers(-full, full, (channels, samples))
    values[:, :2] = -full, full - 1
    return values


def tone(channels=2, samples=24_000):
    return np.stack([0.4 * np.sin(np.arange(samples) / (9 + c)) for c in range(channels)]).astype(np.float32)


@pytest.mark.parametrize(("format", "subtype", "bits"), EXACT)
def test_integers_come_back_as_soundfile_wrote_them(format, subtype, bits):
    values = levels(bits)
    file = io.BytesIO()
    soundfile.write(file, (values << (32 - bits)).T.astype(np.int32), 16_000, format=format, subtype=subtype)
    wave, rate = read_audio(file.getvalue())
    assert np.array_equal(wave, (values / 2.0 ** (bits - 1)).astype(np.float32))
    data = encode_audio(wave, rate, format, subtype)
    again, _ = soundfile.read(io.BytesIO(data), dtype="int32", always_2d=True)
    assert np.array_equal(again.T >> (32 - bits), values)
    info = soundfile.info(io.BytesIO(data))
    assert (info.format, info.subtype, info.samplerate, info.channels) == (format, subtype, 16_000, 2)


@pytest.mark.parametrize(("subtype", "dtype"), [("FLOAT", "float32"), ("DOUBLE", "float64")])
def test_floating_point_files_keep_what_is_beyond_full_scale(subtype, dtype):
    wave = tone() * 5
    read, _ = soundfile.read(io.BytesIO(encode_audio(wave, 8_000, "WAV", subtype)), dtype=dtype, always_2d=True)
    assert np.array_equal(read.T, wave.astype(dtype))


def test_integers_are_rounded_to_nearest_and_clipped():
    wave = np.array([[0.4 / 32768, 0.6 / 32768, -0.6 / 32768, 1.0, 2.0, -1.0, -3.0]], np.float32)
    read, _ = soundfile.read(io.BytesIO(encode_audio(wave, 8_000, "WAV", "PCM_16")), dtype="int16")
    assert read.tolist() == [0, 1, -1, 32767, 32767, -32768, -32768]


@pytest.mark.parametrize("subtype", ("ULAW", "ALAW"))
def test_companded_values_come_back_unchanged(subtype):
    codes = np.arange(256, dtype=np.uint8).repeat(3)
    header = encode_audio(np.zeros((1, len(codes)), np.float32), 8_000, "WAV", subtype)
    data = header[: -len(codes)] + codes.tobytes()
    wave, rate = read_audio(data)
    assert np.array_equal(read_audio(encode_audio(wave, rate, "WAV", subtype))[0], wave)


@pytest.mark.parametrize(("format", "subtype", "least"), LOSSY)
def test_lossy_formats_are_close_and_in_their_place(format, subtype, least):
    wave = tone()
    data = encode_audio(wave, 48_000, format, subtype)
    sound = open_sound(data)
    assert (sound.format, sound.subtype, sound.channels, sound.rate) == (format, subtype, 2, 48_000)
    read = sound.read()[:, : wave.shape[1]]
    inner = slice(2_000, -2_000)
    error = np.square(read[:, inner] - wave[:, inner]).mean()
    assert 10 * np.log10(np.square(wave[:, inner]).mean() / error) > least
    if format != "WAV":
        assert len(encode_audio(wave, 48_000, format, subtype, quality=20)) < 0.9 * len(data)


def test_the_same_samples_give_the_same_bytes_at_any_time():
    kinds = [("WAV", "FLOAT"), ("AIFF", "FLOAT"), *((format, subtype) for format, subtype, _ in LOSSY)]
    first = [encode_audio(tone(), 48_000, *kind) for kind in kinds]
    time.sleep(1.05)  # libsndfile marks files with the second
    assert [encode_audio(tone(), 48_000, *kind) for kind in kinds] == first


def test_check_sums_of_ogg_pages_are_those_of_rfc_3533():
    data = encode_audio(tone(), 48_000, "OGG", "VORBIS")
    at = pages = 0
    while at < len(data):
        count = data[at + 26]
        end = at + 27 + count + sum(data[at + 27 : at + 27 + count])
        page = bytearray(data[at:end])
        said = int.from_bytes(page[22:26], "little")
        page[22:26] = bytes(4)
        register = 0
        for byte in page:  # bit by bit, as the RFC has it: polynomial 0x04c11db7, from 0 on, nothing reflected
            register ^= byte << 24
            for _ in range(8):
                register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
        assert register == said and data[at : at + 4] == b"OggS"
        at, pages = end, pages + 1
    assert pages > 2


def test_what_a_format_cannot_hold_is_told():
    with pytest.raises(EncodeError, match="OGG OPUS cannot hold 2 channels of 22,050 samples per second"):
        encode_audio(tone(), 22_050, "OGG", "OPUS")
    with pytest.raises(EncodeError, match="MP3 MPEG_LAYER_III cannot hold 5 channels"):
        encode_audio(tone(5), 48_000, "MP3", "MPEG_LAYER_III")
    with pytest.raises(ValueError, match="quality=0"):
        encode_audio(tone(), 8_000, "WAV", "PCM_16", quality=0)
