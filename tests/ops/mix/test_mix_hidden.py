"""Hidden mixup against networks computed by hand; losses against PyTorch's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from covary import mix

torch = pytest.importorskip("torch")
functional = torch.nn.functional

COUNT, CLASSES = 5, 3
LABEL = [0, 1, 2, 1, 0]


class Net(torch.nn.Module):
    """Two layers, computed by hand in the tests."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 6)
        self.second = torch.nn.Linear(6, CLASSES)

    def forward(self, x: Any, scale: Any = None) -> Any:
        hidden = torch.relu(self.first(x))
        return self.second(hidden if scale is None else hidden * scale)


def made() -> tuple[Any, Any]:
    torch.manual_seed(0)
    return Net(), torch.randn(COUNT, 4)


def lerp(values: Any, mixed: Any) -> Any:
    lam = mixed.lam.reshape(-1, *[1] * (values.ndim - 1))
    return lam * values + (1 - lam) * values[mixed.partners]


@pytest.mark.parametrize("layer", ["input", "first", "second"])
def test_two_layers_equal_those_computed_by_hand(layer: str) -> None:
    net, x = made()
    hidden = mix.HiddenMixUp(net, [layer])
    with hidden(LABEL, classes=CLASSES, epoch=2) as mixed:
        logits = net(x)
    first = x @ net.first.weight.T + net.first.bias if layer != "input" else None
    if layer == "input":
        by_hand = net.second(torch.relu(net.first(lerp(x, mixed))))
    elif layer == "first":
        by_hand = net.second(torch.relu(lerp(first, mixed)))
    else:
        by_hand = lerp(net.second(torch.relu(first)), mixed)
    torch.testing.assert_close(logits, by_hand)
    one_hot = torch.eye(CLASSES)[LABEL]
    torch.testing.assert_close(mixed.target, lerp(one_hot, mixed))
    assert mixed.target_a.tolist() == LABEL
    assert mixed.target_b.tolist() == [LABEL[partner] for partner in mixed.partners]
    assert (mixed.partners != torch.arange(COUNT)).all() and mixed.layer == layer
    torch.testing.assert_close(net(x), net.second(torch.relu(net.first(x))))


def test_gradients_flow_and_the_input_stays() -> None:
    net, x = made()
    before = x.clone()
    with mix.HiddenMixUp(net, ["input", "first"])(LABEL, classes=CLASSES) as mixed:
        loss = mix.soft_cross_entropy(net(x), mixed.target)
    loss.backward()
    assert net.first.weight.grad.abs().sum() > 0
    torch.testing.assert_close(x, before)


def test_equal_samples_stay_what_they_are_and_one_has_no_partner() -> None:
    net, x = made()
    same = x[:1].repeat(COUNT, 1)
    with mix.HiddenMixUp(net, ["first"])([1] * COUNT, classes=CLASSES):
        torch.testing.assert_close(net(same), net(same), rtol=0, atol=0)
    with mix.HiddenMixUp(net, ["first"])([1], classes=CLASSES) as mixed:
        torch.testing.assert_close(net(x[:1]), net.second(torch.relu(net.first(x[:1]))))
    assert mixed.target.tolist() == [[0, 1, 0]]


def test_draws_follow_the_keys_and_layers_are_evenly_drawn() -> None:
    net, _ = made()
    hidden = mix.HiddenMixUp(net, ["input", "first", "second"], alpha=2.0, seed=4)
    keys = ["a", "b", "c", "d", "e"]
    one = hidden.draw(LABEL, classes=CLASSES, keys=keys, epoch=3)
    other = hidden.draw(LABEL[::-1], classes=CLASSES, keys=keys[::-1], epoch=3)
    assert one.layer == other.layer
    np.testing.assert_array_equal(one.lam, other.lam.flip(0))
    drawn = [hidden.draw(LABEL, classes=CLASSES, keys=keys, epoch=epoch) for epoch in range(900)]
    counts = [sum(each.layer == layer for each in drawn) for layer in hidden.layers]
    np.testing.assert_allclose(np.array(counts) / 900, 1 / 3, atol=0.07)
    lam = torch.cat([each.lam for each in drawn]).double().numpy()
    # Beta(2, 2): mean 1 / 2, variance 1 / 20.
    assert abs(lam.mean() - 0.5) < 4 * (0.05 / len(lam)) ** 0.5 and abs(lam.var() / 0.05 - 1) < 0.1


def test_rate_of_mixed_samples_is_p() -> None:
    net, _ = made()
    hidden = mix.HiddenMixUp(net, ["first"], p=0.3)
    lam = hidden.draw([0] * 3000, classes=CLASSES).lam
    assert abs(float((lam < 1).float().mean()) - 0.3) < 4 * (0.21 / 3000) ** 0.5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_activations_keep_their_dtype(dtype: str) -> None:
    layer = torch.nn.Identity()
    x = torch.randn(COUNT, 7, 2).to(getattr(torch, dtype))
    with mix.HiddenMixUp(torch.nn.Sequential(layer), ["0"])(LABEL, classes=CLASSES) as mixed:
        y = layer(x)
    assert y.dtype == x.dtype
    torch.testing.assert_close(y.double(), lerp(x.double(), mixed), rtol=2e-2, atol=2e-2)


def test_recurrent_layers_are_mixed_along_their_batch_axis() -> None:
    net = torch.nn.GRU(3, 4)
    x = torch.randn(9, COUNT, 3)
    clean, state = net(x)
    with mix.HiddenMixUp(torch.nn.ModuleDict({"gru": net}), ["gru"], batch_axis=1)(LABEL, classes=CLASSES) as mixed:
        output, last = net(x)
    for whole, part in ((clean, output), (state, last)):
        torch.testing.assert_close(part.transpose(0, 1), lerp(whole.transpose(0, 1), mixed))


def test_only_the_first_pass_is_mixed_and_named_arguments_too() -> None:
    net, x = made()
    scale = torch.rand(COUNT, 6)
    with mix.HiddenMixUp(net, ["input"])(LABEL, classes=CLASSES) as mixed:
        first, second = net(x, scale=scale), net(x, scale=scale)
    torch.testing.assert_close(first, net(lerp(x, mixed), lerp(scale, mixed)))
    torch.testing.assert_close(second, net(x, scale))


def test_what_cannot_be_mixed_is_refused() -> None:
    net, x = made()
    with pytest.raises(ValueError, match="the model has no layer 'third'; it has 'first', 'second'"):
        mix.HiddenMixUp(net, ["third"])
    with pytest.raises(ValueError, match="alpha is 0"):
        mix.HiddenMixUp(net, ["first"], alpha=0)
    hidden = mix.HiddenMixUp(net, ["first"])
    with (
        pytest.raises(ValueError, match=r"layer 'first' gives torch.float32 .3, 6.; a floating tensor with 5 samples"),
        hidden(LABEL, classes=CLASSES),
    ):
        net(x[:3])
    with pytest.raises(RuntimeError, match="layer 'first' was not run"), hidden(LABEL, classes=CLASSES):
        pass
    embedding = torch.nn.Sequential(torch.nn.Embedding(10, 4))
    with (
        pytest.raises(ValueError, match=r"layer 'input' gives torch.int64"),
        mix.HiddenMixUp(embedding, ["input"])(LABEL, classes=CLASSES),
    ):
        embedding(torch.zeros(COUNT, dtype=torch.int64))
    assert not net.first._forward_hooks and not embedding._forward_pre_hooks


@pytest.mark.parametrize("shape", [(), (4, 6)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_equal_those_of_torch(shape: tuple[int, ...], reduction: Any) -> None:
    torch.manual_seed(1)
    logits = torch.randn(8, 5, *shape, requires_grad=True)
    numbers = torch.randint(0, 5, (8, *shape))
    one_hot = functional.one_hot(numbers, 5).movedim(-1, 1).float()
    truth = functional.cross_entropy(logits, numbers, reduction=reduction)
    torch.testing.assert_close(mix.soft_cross_entropy(logits, one_hot, reduction), truth)
    soft = torch.softmax(torch.randn(8, 5, *shape), dim=1)
    torch.testing.assert_close(
        mix.soft_cross_entropy(logits, soft.numpy(), reduction),
        functional.cross_entropy(logits, soft, reduction=reduction),
    )


@pytest.mark.parametrize("shape", [(), (4, 6)])
def test_two_targets_equal_their_mixture(shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    logits, lam = torch.randn(8, 5, *shape), torch.rand(8)
    first, second = (torch.randint(0, 5, (8, *shape)) for _ in range(2))
    rows = [functional.one_hot(numbers, 5).movedim(-1, 1).float() for numbers in (first, second)]
    share = lam.reshape(-1, *[1] * (1 + len(shape)))
    truth = mix.soft_cross_entropy(logits, share * rows[0] + (1 - share) * rows[1])
    torch.testing.assert_close(mix.two_target_cross_entropy(logits, first, second.numpy(), lam.numpy()), truth)
    torch.testing.assert_close(mix.two_target_cross_entropy(logits, rows[0], rows[1], lam), truth)


def test_losses_of_half_precision_are_computed_in_float32() -> None:
    logits = torch.randn(4, 1000).to(torch.bfloat16)
    target = torch.full((4, 1000), 1 / 1000)
    loss = mix.soft_cross_entropy(logits, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, functional.cross_entropy(logits.float(), target))


def test_jensen_shannon_equals_that_of_scipy() -> None:
    from scipy.spatial.distance import jensenshannon

    first, second = torch.randn(6, 4), torch.randn(6, 4)
    p, q = (torch.softmax(each, dim=1).double().numpy() for each in (first, second))
    truth = jensenshannon(p, q, axis=1) ** 2
    np.testing.assert_allclose(mix.jensen_shannon([first, second], "none").numpy(), truth, rtol=1e-4, atol=1e-6)
    assert float(mix.jensen_shannon([first] * 3)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mix.soft_cross_entropy(torch.zeros(2, 3), torch.zeros(2)), "target has shape .2,., logits .2, 3."),
        (lambda: mix.soft_cross_entropy(torch.zeros(2, 3), torch.zeros(2, 3), "avg"), "reduction is 'avg'"),
        (lambda: mix.two_target_cross_entropy(torch.zeros(2, 3), [0, 1], [0.0, 1.0], 0.5), "target_b is torch.float32"),
        (lambda: mix.two_target_cross_entropy(torch.zeros(2, 3), [0, 1], [0, 1], [0.5]), "lam has shape .1,."),
        (lambda: mix.jensen_shannon([torch.zeros(2, 3)]), "two or more of one shape are needed"),
    ],
)
def test_wrong_arguments_of_losses_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_mixed_batch_trains() -> None:
    net, _ = made()
    batch = mix.MixUp(1.0, pairs=True, field="x")(
        {"x": np.random.default_rng(0).random((COUNT, 4), dtype=np.float32), "label": LABEL}, classes=CLASSES
    )
    logits = net(torch.from_numpy(batch["x"]))
    soft = mix.soft_cross_entropy(logits, batch["target"])
    pairs = mix.two_target_cross_entropy(logits, batch["target_a"], batch["target_b"], batch["lam"])
    torch.testing.assert_close(soft, pairs)


class TextNet(torch.nn.Module):
    """Numbers of words to embeddings, to a recurrent layer, to the mean over the words that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(20, 8, padding_idx=0)
        self.encoder = torch.nn.GRU(8, 6, batch_first=True)
        self.classify = torch.nn.Linear(6, CLASSES)

    def forward(self, tokens: Any) -> Any:
        states, _ = self.encoder(self.embedding(tokens))
        there = (tokens > 0).unsqueeze(-1)
        return self.classify((states * there).sum(1) / there.sum(1))


def test_texts_are_mixed_where_they_are_embedded() -> None:
    """Word mixup of Guo et al. 2019 by hand: embeddings of whole padded sentences are blended."""
    torch.manual_seed(1)
    net = TextNet()
    tokens = torch.tensor([[3, 4, 5, 0], [6, 7, 0, 0], [8, 9, 10, 11], [12, 0, 0, 0], [13, 14, 15, 16]])
    hidden = mix.HiddenMixUp(net, ["embedding"], alpha=1.0, seed=3)
    with hidden(LABEL, classes=CLASSES, keys=["a", "b", "c", "d", "e"], epoch=2) as mixed:
        logits = net(tokens)
    blended = lerp(net.embedding(tokens), mixed)
    there = (tokens > 0).unsqueeze(-1)
    by_hand = net.classify((net.encoder(blended)[0] * there).sum(1) / there.sum(1))
    torch.testing.assert_close(logits, by_hand)
    assert not torch.equal(logits, net(tokens))
    mix.soft_cross_entropy(logits, mixed.target).backward()
    # A partner's words learn from the sample as well, padding never does.
    assert net.embedding.weight.grad is not None
    assert (net.embedding.weight.grad[tokens[tokens > 0].unique()].abs().sum(1) > 0).all()
    assert (net.embedding.weight.grad[0] == 0).all()


def test_sentences_are_mixed_where_they_are_encoded() -> None:
    """Sentence mixup of Guo et al. 2019: the logits' layer gets a blend of the encodings; a GRU gives a tuple."""
    torch.manual_seed(2)
    net = TextNet()
    tokens = torch.randint(1, 20, (COUNT, 7))
    with mix.HiddenMixUp(net, ["encoder"], seed=4)(LABEL, classes=CLASSES) as mixed, pytest.raises(ValueError):
        net(torch.randint(1, 20, (COUNT + 1, 7)))
    with mix.HiddenMixUp(net, ["classify"], seed=4)(LABEL, classes=CLASSES) as mixed:
        logits = net(tokens)
    torch.testing.assert_close(logits, lerp(net(tokens), mixed))
    states, _ = net.encoder(net.embedding(tokens))
    with mix.HiddenMixUp(net, ["encoder"], seed=4)(LABEL, classes=CLASSES) as mixed:
        logits = net(tokens)
    torch.testing.assert_close(logits, net.classify(lerp(states, mixed).mean(1)))


def test_numbers_of_words_cannot_be_mixed_and_the_error_says_where_they_can() -> None:
    net = TextNet()
    with (
        pytest.raises(ValueError, match=r"the layer 'input' gives torch.int64 \(5, 4\); a floating tensor"),
        mix.HiddenMixUp(net, ["input"])(LABEL, classes=CLASSES),
    ):
        net(torch.ones(5, 4, dtype=torch.int64))
