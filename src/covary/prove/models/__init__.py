"""Built-in models, small enough to be trained many times on two cores: pictures, sounds, texts (PyTorch)."""

from __future__ import annotations

from covary.prove.trial import Outcome, Trial


def train_and_score(trial: Trial) -> Outcome:
    """Train the built-in model that a trial names and score it.

    The result is a function of the trial: the order of the samples, the initial weights and all draws come from
    `trial.seed`, and training takes one thread of PyTorch and one that renders the next variations. All arms take the
    same number of steps. PyTorch's global random state and number of threads stay as they are.

    Args:
        trial: what to train on and how. `settings.model` is "" for the usual model of the modality, else one of
            "residual" (pictures), "spectrogram" (sounds), "ngrams" or "convolution" (texts), "timm:NAME" or
            "torchvision:NAME" (pictures; weights from this disk only).

    Raises:
        ImportError: PyTorch, or what the model needs, is not installed.
        ValueError: no such model, or a trial that cannot be trained.
        FileNotFoundError: pretrained weights are not on this disk.
    """
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the built-in models need PyTorch: pip install 'covary[prove]'", name="torch"
        ) from error
    from covary.prove.models.training import train

    return train(trial)
