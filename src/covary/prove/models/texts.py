"""Networks on the numbers of words: a bag of n-grams, and a small convolutional net."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SCALE = 10.0  # of a text's weights: with it the learning rates that suit the other models suit this one


def document_frequency(numbers: NDArray[np.int64], buckets: int) -> NDArray[np.int64]:
    """(buckets,) in how many of the texts (N, L) each number occurs."""
    count = np.zeros(buckets, dtype=np.int64)
    for row in numbers:
        count[np.unique(row)] += 1
    return count


class BagOfNgrams(nn.Module):
    """The weighted sum of a score of each class for every n-gram (after Joulin et al. 2017, "Bag of tricks for
    efficient text classification", without a hidden layer); (B, L) numbers of n-grams, 0 for none, to (B, classes).

    An n-gram weighs the more the fewer of the training texts have it (smoothed inverse document frequency); the squares
    of a text's weights have one sum, whatever its length.

    Args:
        frequency: (K,) in how many of the training texts each n-gram occurs, see `document_frequency`.
        texts: how many training texts there are.
        classes: how many.
    """

    weights: Tensor

    def __init__(self, frequency: NDArray[np.int64], texts: int, classes: int) -> None:
        super().__init__()
        weights = np.log((1 + texts) / (1 + frequency)) + 1
        weights[0] = 0
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)))
        self.scores = nn.EmbeddingBag(len(frequency), classes, mode="sum")
        nn.init.zeros_(self.scores.weight)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, numbers: Tensor) -> Tensor:
        numbers = numbers[:, : longest(numbers)]
        weights = self.weights[numbers]
        size = weights.square().sum(1, keepdim=True).sqrt().clamp(min=1e-6)
        logits: Tensor = self.scores(numbers, per_sample_weights=weights * (SCALE / size)) + self.bias
        return logits


def longest(numbers: Tensor) -> int:
    """How many columns of (B, L) numbers are not all 0, one at least."""
    return max(1, int((numbers > 0).sum(1).max()))


class WordNet(nn.Module):
    """Vectors of words, convolutions over three and five of them, the maximum over the text (Kim 2014, "Convolutional
    neural networks for sentence classification"); (B, L) numbers of words, 0 for none, to (B, classes).

    Args:
        buckets: how many numbers of words there are.
        classes: how many.
        width: of the vectors.
        filters: of each convolution.
    """

    def __init__(self, buckets: int, classes: int, width: int = 32, filters: int = 64) -> None:
        super().__init__()
        self.vectors = nn.Embedding(buckets, width, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, filters, size, padding=size // 2) for size in (3, 5))
        self.head = nn.Linear(2 * filters, classes)

    def forward(self, words: Tensor) -> Tensor:
        found = self.vectors(words[:, : longest(words)]).transpose(1, 2)
        highest = [nn.functional.relu(each(found)).amax(2) for each in self.convolutions]
        logits: Tensor = self.head(torch.cat(highest, 1))
        return logits
