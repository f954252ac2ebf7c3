"""spaCy: an entity recogniser trained on documents and their variations.

python examples/spacy_augmenter.py
"""

from __future__ import annotations

import spacy
from spacy.training import Example

from covary import Pipeline, text
from covary.interop.spacy import Augmenter

SENTENCES = ("The dog of {} runs home.", "Yesterday {} bought a house.", "They saw {} in the garden.")
NAMES = ("Anna Smith", "Bert", "Carla Jones", "Dora")


def main() -> None:
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("PER")
    examples = []
    for sentence in SENTENCES:
        for name in NAMES:
            start = sentence.index("{")
            doc = nlp.make_doc(sentence.format(name))
            examples.append(Example.from_dict(doc, {"entities": [(start, start + len(name), "PER")]}))
    nlp.initialize(lambda: examples)

    pipeline = Pipeline([text.SynonymReplacement(0.2), text.RandomSwap(0.1), text.KeyboardTypo(0.03)], seed=7)
    augmenter = Augmenter(pipeline, times=2)  # in a configuration: @augmenters = "covary.pipeline.v1"
    losses = []
    for _ in range(20):
        batch = [varied for example in examples for varied in augmenter(nlp, example)]
        losses.append(nlp.update(batch)["ner"])
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")


if __name__ == "__main__":
    main()
