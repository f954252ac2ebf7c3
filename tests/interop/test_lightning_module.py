"""covary in Lightning, against its Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.interop.pictures import same

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")
lightning = pytest.importorskip(
    "lightning.pytorch", reason="lightning is not installed: it has no wheel for this platform"
)

from covary.interop.lightning_module import DataModule  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning"),
]


class Network(lightning.LightningModule):
    """A network that remembers what it was shown."""

    def __init__(self, stop: tuple[int, Path] | None = None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * 16 * 16, 2)
        self.seen: dict[str, list[Any]] = {"train": [], "val": [], "test": []}
        self.stop = stop

    def training_step(self, batch: Any, number: int) -> Any:
        self.seen["train"].append(batch)
        return torch.nn.functional.cross_entropy(self.layer(batch[0].flatten(1)), batch[1])

    def on_train_batch_end(self, outputs: Any, batch: Any, number: int) -> None:
        if self.stop is not None and len(self.seen["train"]) == self.stop[0]:
            self.trainer.save_checkpoint(self.stop[1])
            self.trainer.should_stop = True

    def validation_step(self, batch: Any, number: int) -> None:
        self.seen["val"].append(batch)

    def test_step(self, batch: Any, number: int) -> None:
        self.seen["test"].append(batch)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def trainer(**options: Any) -> Any:
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    return lightning.Trainer(accelerator="cpu", devices=1, **{"max_epochs": 2, **quiet, **options})


def truth(epochs: Any, *numbers: int) -> list[Any]:
    return [batch["image"] for number in numbers for batch in epochs(number)]


def equal(seen: list[Any], true: list[Any]) -> bool:
    return len(seen) == len(true) and all(same(batch[0], other) for batch, other in zip(seen, true, strict=True))


def test_a_trainers_epochs_are_the_loaders(loader: Any, epochs: Any) -> None:
    network = Network()
    trainer().fit(network, DataModule(loader(workers=2), loader(), fields=("image", "label")))
    assert equal(network.seen["train"], truth(epochs, 0, 1))
    # Two batches to see that nothing fails, then epoch 0 after each epoch of training.
    assert equal(network.seen["val"], truth(epochs, 0)[:2] + truth(epochs, 0) * 2)


def test_a_trainer_goes_on_with_the_very_next_batch(loader: Any, epochs: Any, tmp_path: Path) -> None:
    saved = tmp_path / "middle.ckpt"
    first, second = Network((6, saved)), Network()
    trainer().fit(first, DataModule(loader(workers=2), fields=("image", "label")))
    trainer().fit(second, DataModule(loader(), fields=("image", "label")), ckpt_path=saved, weights_only=False)
    assert saved.exists()
    assert equal(first.seen["train"][:6] + second.seen["train"], truth(epochs, 0, 1))


def test_limited_epochs_begin_at_their_beginning(loader: Any, epochs: Any) -> None:
    network = Network()
    trainer(limit_train_batches=2).fit(network, DataModule(loader(), fields=("image", "label")))
    assert equal(network.seen["train"], truth(epochs, 0)[:2] + truth(epochs, 1)[:2])


def test_test_batches_are_dicts_of_tensors_unless_fields_are_named(loader: Any, epochs: Any) -> None:
    network = Network()
    trainer().test(network, DataModule(test=loader()), verbose=False)
    assert all(same(batch["image"], true) for batch, true in zip(network.seen["test"], truth(epochs, 0), strict=True))
    assert isinstance(network.seen["test"][0]["label"], torch.Tensor)


def test_each_rank_has_its_share(loader: Any, epochs: Any) -> None:
    class Ranked:
        current_epoch, world_size = 0, 2

        def __init__(self, rank: int) -> None:
            self.global_rank = rank

    keys = []
    for rank in range(2):
        data = DataModule(loader())
        data.trainer = Ranked(rank)  # type: ignore[assignment]
        keys += [key for batch in data.train_dataloader() for key in batch["keys"]]
    assert sorted(keys) == sorted(key for batch in epochs(0) for key in batch["keys"])


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(TypeError, match="val: loader is a list"):
        DataModule(val=[])  # type: ignore[arg-type]
