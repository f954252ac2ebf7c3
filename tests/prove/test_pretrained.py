"""Networks of timm and torchvision: weights from this disk, and never from elsewhere."""

from __future__ import annotations

import importlib.util
import sys

import pytest

torch = pytest.importorskip("torch")

from covary.prove.models.built import initialised, model_for  # noqa: E402
from covary.prove.models.pretrained import is_pretrained, pretrained  # noqa: E402
from tests.prove.small import bars  # noqa: E402


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Caches of PyTorch and Hugging Face that are empty, and no way out."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hugging"))
    if importlib.util.find_spec("huggingface_hub"):
        import huggingface_hub.constants

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hugging"))

    def refuse(*_args, **_named):
        raise AssertionError("a download was tried")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


def test_names_say_whose_network_it_is():
    assert is_pretrained("timm:resnet18") and is_pretrained("torchvision:resnet18")
    assert not is_pretrained("residual") and not is_pretrained("timm")


@pytest.mark.parametrize("house", ["timm", "torchvision"])
def test_without_the_library_the_error_has_the_pip_line(house, monkeypatch):
    monkeypatch.setitem(sys.modules, house, None)
    with pytest.raises(ImportError, match=f"pip install {house}"):
        pretrained(f"{house}:resnet18", 2)


@pytest.mark.parametrize("house", ["timm", "torchvision"])
def test_weights_that_are_not_on_this_disk_are_not_downloaded(house, disk):
    pytest.importorskip(house)
    with pytest.raises(FileNotFoundError, match=rf"{house}:resnet18: its pretrained weights are not on this disk"):
        pretrained(f"{house}:resnet18", 2)
    with pytest.raises(ValueError, match=f"{house}:resnet1800"):
        pretrained(f"{house}:resnet1800", 2)


def test_weights_on_this_disk_are_those_of_the_network_of_torchvision(disk):
    models = pytest.importorskip("torchvision.models")
    stored = models.resnet18(weights=None)
    kind = models.ResNet18_Weights.DEFAULT
    torch.save(stored.state_dict(), disk / kind.url.rpartition("/")[2])
    found = pretrained("torchvision:resnet18", 3)
    _same_but_the_last_layer(stored.state_dict(), found.network.state_dict(), "fc.", 3)
    assert tuple(found.mean) == tuple(kind.transforms().mean)


def test_weights_on_this_disk_are_those_of_the_network_of_timm(disk):
    timm = pytest.importorskip("timm")
    about = timm.models.get_pretrained_cfg("resnet18")
    stored = timm.create_model("resnet18", pretrained=False)
    torch.save(stored.state_dict(), disk / about.url.rpartition("/")[2])
    found = pretrained("timm:resnet18", 3)
    _same_but_the_last_layer(stored.state_dict(), found.network.state_dict(), "fc.", 3)
    assert tuple(found.mean) == tuple(about.mean)


def test_a_pretrained_network_takes_small_grey_pictures(disk):
    models = pytest.importorskip("torchvision.models")
    torch.save(
        models.resnet18(weights=None).state_dict(), disk / models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    )
    task = bars(4)
    model = model_for(task, "torchvision:resnet18")
    inputs = model.inputs.of([task.fields(i) for i in range(4)])
    assert inputs.shape == (4, 3, 64, 64)
    network = initialised(model, inputs, 0)
    assert network(torch.from_numpy(inputs).to(model.device)).shape == (4, 2)


def _same_but_the_last_layer(stored, found, last, classes):
    assert stored.keys() == found.keys()
    for name, weights in stored.items():
        assert found[name].shape[0] == classes if name.startswith(last) else torch.equal(found[name], weights), name
