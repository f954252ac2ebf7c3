"""covary in spaCy, against spaCy's own documents, corpora, configurations and training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from covary import Pipeline, image, text

spacy = pytest.importorskip("spacy", reason="spacy is not installed: it has no wheel for this platform")

from spacy.tokens import Doc, DocBin, SpanGroup  # noqa: E402
from spacy.training import Corpus, Example, biluo_tags_to_offsets  # noqa: E402
from spacy.util import registry  # noqa: E402

from covary.interop.spacy import Augmenter, vary_doc, vary_docbin, vary_docs  # noqa: E402
from covary.texts import variations  # noqa: E402

VARIED = Pipeline([text.SynonymReplacement(0.4), text.RandomSwap(0.3), text.KeyboardTypo(0.05)], seed=5)
TYPOS = Pipeline([text.CharacterSubstitution(0.2)], seed=5)
ALL = range(12)


@pytest.fixture(scope="module")
def nlp() -> Any:
    return spacy.blank("en")


def house(nlp: Any) -> Any:
    doc = nlp("Anna Smith's dog can't leave  the old house in New York.\nShe likes it.")
    doc.set_ents([doc.char_span(0, 10, label="PER", kb_id="Q1", span_id="a"), doc.char_span(47, 55, label="LOC")])
    things = [doc.char_span(30, 43, label="THING"), doc.char_span(34, 43, label="INNER")]
    doc.spans["sc"] = SpanGroup(doc, name="sc", attrs={"by": "hand"}, spans=things)
    doc.cats = {"A": 1.0, "B": 0.25}
    for token in doc:
        token.is_sent_start = token.text in ("Anna", "She")
    return doc


def test_texts_are_the_pipelines_and_tokens_spacys(nlp: Any) -> None:
    doc = house(nlp)
    before = doc.to_bytes()
    spans = [(0, 10), (47, 55), (30, 43), (34, 43)]
    sentences = [(0, 56), (57, 70)]
    made = vary_doc(nlp, doc, VARIED, "k", ALL)
    for varied in made:
        assert (
            varied.doc.text
            == VARIED(text=doc.text, key="k", epoch=varied.epoch, spans=spans, sentences=sentences)["text"]
        )
        assert [token.text_with_ws for token in varied.doc] == [t.text_with_ws for t in nlp.make_doc(varied.doc.text)]
    assert doc.to_bytes() == before and len({varied.doc.text for varied in made}) > 9


def test_entities_groups_and_categories_follow_their_characters(nlp: Any) -> None:
    doc = house(nlp)
    swap = Pipeline(
        [text.EntitySwap({"PER": ["Jo"], "LOC": ["New Delhi City"]}, 1.0), text.WordReplacement({"old": "big"}, 1.0)]
    )
    (varied,) = vary_doc(nlp, doc, swap, 0, [0])
    new = varied.doc
    assert new.text == "Jo's dog can't leave  the big house in New Delhi City.\nShe likes it." and varied.dropped == {}
    assert [(e.text, e.label_, e.kb_id_, e.id_) for e in new.ents] == [
        ("Jo", "PER", "Q1", "a"),
        ("New Delhi City", "LOC", "", ""),
    ]
    assert [(s.text, s.label_) for s in new.spans["sc"]] == [("the big house", "THING"), ("big house", "INNER")]
    assert new.spans["sc"].attrs == {"by": "hand"} and new.cats == doc.cats
    assert [sent.text for sent in new.sents] == [
        "Jo's dog can't leave  the big house in New Delhi City.\n",
        "She likes it.",
    ]


def test_every_entity_stays_on_its_words_or_is_dropped_and_counted(nlp: Any) -> None:
    doc = house(nlp)
    noise = Pipeline(
        [text.RandomSwap(0.5), text.WhitespaceNoise(0.2), text.RandomDeletion(0.2), text.SentenceShuffle()], seed=2
    )
    for varied in vary_doc(nlp, doc, noise, 1, range(40)):
        new = varied.doc
        assert len(new.ents) + varied.dropped.get("entities", 0) == 2
        assert len(new.spans["sc"]) + varied.dropped.get("spans['sc']", 0) == 2
        for entity in new.ents:
            allowed = {"Anna", "Smith"} if entity.label_ == "PER" else {"New", "York"}
            assert set("".join(entity.text.split())) <= set("".join(allowed))
        # What spaCy reads from the document is what it holds.
        tags = [token.ent_iob_ for token in new]
        assert tags.count("B") == len(new.ents)


def test_words_that_are_as_they_were_keep_their_tags_and_a_tree_of_the_same_form_stays(nlp: Any) -> None:
    doc = Doc(
        nlp.vocab,
        words=["The", "dog", "saw", "cats", "."],
        spaces=[True, True, True, False, False],
        tags=["DT", "NN", "VBD", "NNS", "."],
        pos=["DET", "NOUN", "VERB", "NOUN", "PUNCT"],
        lemmas=["the", "dog", "see", "cat", "."],
        morphs=["", "Number=Sing", "Tense=Past", "Number=Plur", ""],
        heads=[1, 2, 2, 2, 2],
        deps=["det", "nsubj", "ROOT", "obj", "punct"],
    )
    (varied,) = vary_doc(nlp, doc, Pipeline([text.WordReplacement({"dog": "horse"}, 1.0)]), 0, [0])
    new = varied.doc
    assert [token.text for token in new] == ["The", "horse", "saw", "cats", "."] and varied.dropped == {}
    assert [token.tag_ for token in new] == ["DT", "", "VBD", "NNS", "."]
    assert [token.lemma_ for token in new] == ["the", "", "see", "cat", "."]
    assert str(new[3].morph) == "Number=Plur" and not new[1].has_morph()
    assert [token.head.i for token in new] == [1, 2, 2, 2, 2] and [token.dep_ for token in new] == [t.dep_ for t in doc]
    (varied,) = vary_doc(nlp, doc, Pipeline([text.RandomSwap(1.0)], seed=1), 0, [0])
    assert varied.dropped == {"dependencies": 1} and not varied.doc.has_annotation("DEP")
    assert {token.text: token.tag_ for token in varied.doc} == {token.text: token.tag_ for token in doc}


def test_unknown_entities_stay_unknown(nlp: Any) -> None:
    doc = nlp.make_doc("Anna likes old houses in New York .")
    doc.set_ents([doc[0:1].char_span(0, 4, label="PER")], missing=[doc[5:7]], default="outside")
    (varied,) = vary_doc(nlp, doc, Pipeline([text.WordReplacement({"old": "big"}, 1.0)]), 0, [0])
    assert [token.ent_iob_ for token in varied.doc] == ["B", "O", "O", "O", "O", "", "", "O"]
    bare = nlp.make_doc("Anna likes old houses.")
    (varied,) = vary_doc(nlp, bare, Pipeline([text.WordReplacement({"old": "big"}, 1.0)]), 0, [0])
    assert not varied.doc.has_annotation("ENT_IOB") and not varied.doc.has_annotation("SENT_START")


def test_docbins_in_docbins_out_are_the_first_different_variations(nlp: Any) -> None:
    docs = [house(nlp), nlp("The small dog runs after a large ball."), nlp("x")]
    docs[1].user_data["note"] = "mine"
    docs[1].user_data[("._.", "of_token", 4, None)] = "gone"
    made, dropped = vary_docbin(nlp, DocBin(docs=docs, store_user_data=True), VARIED, times=4)
    read = list(DocBin().from_bytes(made.to_bytes()).get_docs(nlp.vocab))
    truth = variations(VARIED.operations, docs[1].text, 4, seed=5, key=1).texts
    assert [doc.text for doc in read[5:10]] == [docs[1].text, *truth]
    assert (
        len(read) == 5 + 5 + 1
        and len({doc.text for doc in read}) == 11
        and dropped.keys() <= {"entities", "spans['sc']"}
    )
    assert all(doc.user_data.get("note") == "mine" for doc in read[5:10])
    assert all(doc.cats == docs[0].cats and [e.label_ for e in doc.ents] for doc in read[:5])
    alone = [varied.doc.text for varied in vary_docs(nlp, docs[1:2], VARIED, times=2)]
    assert alone == variations(VARIED.operations, docs[1].text, 2, seed=5, key=0).texts


def test_a_configuration_names_the_augmenter_and_a_corpus_runs_it(nlp: Any, tmp_path: Path) -> None:
    DocBin(docs=[house(nlp), nlp("She bought a big dog.")]).to_disk(tmp_path / "train.spacy")
    TYPOS.to_yaml(tmp_path / "p.yaml")
    config = {
        "corpus": {
            "@readers": "spacy.Corpus.v1",
            "path": str(tmp_path / "train.spacy"),
            "gold_preproc": False,
            "max_length": 0,
            "augmenter": {"@augmenters": "covary.pipeline.v1", "pipeline": str(tmp_path / "p.yaml"), "times": 2},
        }
    }
    corpus: Corpus = registry.resolve(config)["corpus"]
    first, second = (list(corpus(nlp)) for _ in range(2))
    assert len(first) == len(second) == 2 * (1 + 2)
    texts = [[example.reference.text for example in each] for each in (first, second)]
    assert texts[0][0] == texts[1][0] and set(texts[0][1:3]).isdisjoint(texts[1][1:3])
    for example in first:
        offsets = biluo_tags_to_offsets(example.predicted, example.get_aligned_ner())
        assert {label for *_, label in offsets if label} == {entity.label_ for entity in example.reference.ents}


def test_spacy_trains_on_what_it_gives() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("PER")
    augment = Augmenter(Pipeline([text.KeyboardTypo(0.1), text.RandomSwap(0.2)], seed=1), times=2)
    examples = []
    for name in ("Anna", "Bert", "Carl"):
        doc = nlp.make_doc(f"The dog of {name} runs home.")
        examples.append(Example.from_dict(doc, {"entities": [(11, 11 + len(name), "PER")]}))
    nlp.initialize(lambda: examples)
    varied = [new for example in examples for new in augment(nlp, example)]
    assert len(varied) == 9
    losses = [nlp.update(varied)["ner"] for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]


def test_examples_that_do_not_change_come_once(nlp: Any) -> None:
    example = Example(nlp.make_doc("x"), nlp("x"))
    assert list(Augmenter(VARIED, times=3)(nlp, example)) == [example]
    assert list(Augmenter(VARIED, times=1, originals=False)(nlp, example)) == [example]


def test_what_is_wrong_is_named(nlp: Any) -> None:
    with pytest.raises(ValueError, match="times is 0"):
        Augmenter(VARIED, times=0)
    with pytest.raises(ValueError, match="no operations on text"):
        Augmenter(Pipeline([image.HorizontalFlip()]))
