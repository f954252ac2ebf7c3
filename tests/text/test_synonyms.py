"""Replacement by a lexicon: part of speech, form, case, and the defects of others."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from covary import text
from covary.ops.text import forms
from covary.ops.text.forms import Reading, inflected, readings, regular, takes_an
from covary.ops.text.lexicon import ENGLISH, Lexicon, lexicon
from covary.ops.text.lists import STOP_WORDS
from covary.ops.text.synonyms import known
from covary.ops.text.tagger import tagged
from tests.text.texting import vary, vary_all

SENTENCES = Path(__file__).parent / "tagged_sentences.txt"
TAGGED = re.compile(r"([\w'-]+)_([A-Z]+)")


def hand_tagged() -> list[tuple[str, dict[int, str]]]:
    """The 100 sentences, each with the tag of every open-class word by its offset; VBP is written VB."""
    found = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        plain, tags, last = "", {}, 0
        for match in TAGGED.finditer(line):
            plain += line[last : match.start()]
            tags[len(plain)] = match[2].replace("VBP", "VB")
            plain += match[1]
            last = match.end()
        found.append((plain + line[last:], tags))
    return found


def replacements(operation: text.SynonymReplacement, variations: int) -> list[tuple[str, str, str]]:
    """(old word, its hand-given tag, new word) of all replacements in the hand-tagged sentences."""
    found = []
    for plain, tags in hand_tagged():
        for epoch in range(variations):
            for edit in vary(operation, plain, key=plain, epoch=epoch)["edits"]:
                old = plain[edit.start : edit.end]
                if old.lower() not in ("a", "an"):
                    found.append((old, tags.get(edit.start, "none"), edit.text.lower()))
    return found


def is_form(word: str, tag: str) -> bool:
    """Whether lemminflect has the word as a form with this tag."""
    from lemminflect import getAllInflections, getAllLemmas

    if tag in ("JJ", "RB", "NN", "VB"):
        part = {"J": "ADJ", "R": "ADV", "N": "NOUN", "V": "VERB"}[tag[0]]
        return word in getAllLemmas(word).get(part, ()) or part not in getAllLemmas(word)
    lemmas = {lemma for each in getAllLemmas(word).values() for lemma in each}
    return word.startswith(("more ", "most ")) or any(word in getAllInflections(each).get(tag, ()) for each in lemmas)


def test_ninety_of_a_hundred_synonyms_keep_part_of_speech_and_inflection_by_hand_tags_and_lemminflect() -> None:
    pytest.importorskip("lemminflect")
    assert len(hand_tagged()) == 100
    found = replacements(text.SynonymReplacement(1.0), variations=2)
    kept = [(old, tag, new) for old, tag, new in found if tag != "none" and is_form(new, tag)]
    assert len(found) > 300
    assert len(kept) >= 0.9 * len(found), sorted(set(found) - set(kept))


def test_the_rules_alone_keep_the_inflection_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lemminflect")
    monkeypatch.setattr(forms, "_by_library", lambda lemma, tag: None)
    known.cache_clear()
    found = replacements(text.SynonymReplacement(1.0), variations=1)
    known.cache_clear()
    kept = [(old, tag, new) for old, tag, new in found if tag != "none" and is_form(new, tag)]
    assert len(kept) >= 0.9 * len(found), sorted(set(found) - set(kept))


def test_the_tagger_agrees_with_the_hand_where_it_says_anything() -> None:
    right = wrong = silent = 0
    for plain, tags in hand_tagged():
        tokens = [(match.start(), match[0]) for match in re.finditer(r"[\w'-]+|[^\w\s]", plain)]
        words = [None if not word[0].isalnum() else word.lower() for _, word in tokens]
        for (start, word), before, behind in zip(tokens, [None, *words], [*words[1:], None], strict=False):
            if start in tags:
                found = tagged(before, word.lower(), behind, lexicon())
                silent += found is None
                right += found is not None and found.reading.tag == tags[start]
                wrong += found is not None and found.reading.tag != tags[start]
    assert right > 500
    assert wrong <= 0.06 * (right + wrong)
    assert silent < right


@pytest.mark.parametrize("relation", ["synonym", "antonym", "hypernym"])
def test_nothing_obscene_can_be_a_replacement(relation: str) -> None:
    """A list of its own, not the one of the tool that makes the lexicon."""
    from covary.ops.text.synonyms import related

    obscene = set(
        """
        fuck fucking shit shitty cunt nigger nigga faggot fag whore slut bitch cock dick prick pussy tits boobs
        asshole ass arse bastard piss wank wanker screw bang bonk hump kike spic chink gook wop dago wetback
        retard cripple tramp slag coon dyke queer poof homo hooker turd crap bugger sod damn fart motherfucker
        shag cum jizz penis vagina rape copulate fornicate masturbate sleep-with jew jewess negro negress savage
        squaw gyp jap oriental midget
        """.split()
    )
    words = lexicon()
    for lemma in words._entries:
        for senses in words.entry(lemma).values():
            for sense in senses:
                assert not obscene & set(related(relation, sense, words)), lemma


def test_love_offers_nothing_but_affection() -> None:
    words = lexicon()
    offered = {word for form in ("love", "loves", "loved") for part in "nv" for sense in words.entry("love")[part]
               if sense.number is not None for word in words.words(sense.number)}  # fmt: skip
    assert offered <= {"love", "passion", "beloved", "dear", "dearest", "enjoy", "honey"}


def test_stop_words_and_names_stay() -> None:
    """A defect of EDA, which replaced some and broke others."""
    sentence = "The more he was with Rose in the House, the less it was about her own good old friend Bill."
    for epoch in range(40):
        for edit in vary(text.SynonymReplacement(1.0), sentence, epoch=epoch)["edits"]:
            old = sentence[edit.start : edit.end]
            assert old.lower() not in STOP_WORDS - {"a", "an"}
            assert old not in ("Rose", "House", "Bill")


def test_only_the_chosen_copy_of_a_repeated_word_changes() -> None:
    """A defect of EDA, which replaced all copies of a word."""
    sentence = "a quick dog saw a quick cat and a quick bird and a quick fish"
    counts = {vary(text.SynonymReplacement(0.01), sentence, epoch=epoch)["text"].count("quick") for epoch in range(30)}
    assert counts <= {3, 4}


@pytest.mark.parametrize("sentence", ["", "word", "   ", "the", "Xyzzy", "of the"])
def test_empty_and_one_word_texts(sentence: str) -> None:
    """A defect of EDA, whose swaps and insertions fail or loop on them."""
    for operation in text.eda(0.5).operations:
        for key in range(10):
            done = vary(operation, sentence, key=key)
            assert bool(done["text"].strip()) == bool(sentence.strip())


def test_case_follows_the_word() -> None:
    for epoch in range(20):
        assert vary(text.SynonymReplacement(1.0), "Students failed.", epoch=epoch)["text"][0].isupper()
        shouted = vary(text.SynonymReplacement(1.0), "THE STUDENTS FAILED", epoch=epoch)["text"]
        assert shouted.isupper()


def test_the_article_follows_the_sound() -> None:
    for epoch in range(20):
        done = vary(text.AntonymReplacement(1.0), "He asked an easy question in a new book.", epoch=epoch)["text"]
        assert "a difficult" in done or "a hard" in done or "an easy" in done
        assert "an old" in done
    words = "hour user apple unit European honest umbrella one ewe heir"
    assert [word for word in words.split() if takes_an(word)] == ["hour", "apple", "honest", "umbrella", "heir"]


REGULAR = (
    "walk VBD walked, stop VBG stopping, visit VBD visited, die VBG dying, carry VBZ carries, go VBZ goes, "
    "be VBG being, see VBG seeing, make VBG making, box NNS boxes, city NNS cities, boy NNS boys, nice JJR nicer, "
    "happy JJS happiest, big JJR bigger, quit VBG quitting, play VBD played, wish VBZ wishes, free VBD freed, "
    "use VBG using"
)


@pytest.mark.parametrize("case", REGULAR.split(", "))
def test_regular_forms(case: str) -> None:
    lemma, tag, form = case.split()
    assert regular(lemma, tag) == form
    assert Reading(lemma, tag) in readings(form, lexicon())


def test_irregular_forms_equal_those_of_lemminflect() -> None:
    pytest.importorskip("lemminflect")
    from lemminflect import getInflection

    words = lexicon()
    checked = "go take begin write mouse child man bad think bring catch swim sing ride speak leave find buy woman foot"
    for lemma in checked.split():
        for tag in ("NNS", "VBD", "VBN", "JJR"):
            if words.forms(lemma, tag):
                assert words.forms(lemma, tag)[0] in getInflection(lemma, tag, inflect_oov=False), (lemma, tag)
    assert inflected("go", "VBD", words) == "went"
    assert inflected("beautiful", "JJR", words) == "more beautiful"


def test_the_lexicon_says_what_wordnet_says() -> None:
    words = lexicon()
    assert words.entry("dog")["n"][0].met == 42  # cntlist.rev of WordNet 3.0
    car = words.entry("car")["n"][0]
    assert car.number is not None
    assert {"car", "automobile"} <= set(words.words(car.number)) <= {"car", "auto", "automobile", "motorcar"}
    assert words.entry("hot")["a"][0].opposites == ("cold",)
    assert ENGLISH.stat().st_size < 1_000_000
    licence = (ENGLISH.parent / "LICENCE.WordNet").read_text(encoding="utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in licence


GERMAN = """covary-lexicon\t1
language\tde

Auto Wagen>1
Fahrzeug
schnell rasch flott

auto\tn5.0
wagen\tn3.0
schnell\ta9.2!langsam
rasch\ta3.2

auto\tNNS:autos
"""


@pytest.mark.parametrize("packed", [False, True])
def test_another_language_by_a_lexicon_of_its_own(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("de.txt.gz" if packed else "de.txt")
    path.write_bytes(gzip.compress(GERMAN.encode()) if packed else GERMAN.encode())
    operation = text.SynonymReplacement(1.0, lexicon=str(path))
    seen = {vary(operation, "ein rasch fahrendes Auto", epoch=epoch)["text"] for epoch in range(20)}
    assert "ein rasch fahrendes Auto" not in seen
    assert any("schnell" in each for each in seen)
    up = text.HypernymReplacement(1.0, lexicon=str(path))
    assert "Fahrzeug" in vary(up, "auto", key=1)["text"]


def test_a_file_that_is_no_lexicon_is_refused() -> None:
    with pytest.raises(ValueError, match="words is no lexicon"):
        Lexicon("one two three", "words")


def test_edas_settings_by_size() -> None:
    """Table 5 of the paper: alpha and variations for 500, 2,000, 5,000 and more examples."""
    settings = [(text.auto(size).operations[0].operations[0].alpha.value, text.auto(size).times)
                for size in (500, 2000, 5000, 100_000)]  # fmt: skip
    assert settings == [(0.05, 16), (0.05, 8), (0.1, 4), (0.1, 4)]
    with pytest.raises(ValueError, match="n_samples is 0"):
        text.auto(0)


def test_eda_changes_as_many_words_as_alpha_says() -> None:
    sentence = "the small dog quickly found a large bone near the old house and carried it to the green garden at night"
    count = len(sentence.split())
    for epoch in range(10):
        swaps = vary(text.RandomSwap(0.2), sentence, epoch=epoch)["edits"]
        assert 2 <= len(swaps) <= 2 * int(0.2 * count)
        synonyms = vary(text.SynonymReplacement(0.2), sentence, epoch=epoch)["edits"]
        assert len([edit for edit in synonyms if sentence[edit.start : edit.end] not in ("a", "an")]) <= int(
            0.2 * count
        )
    deleted = vary_all(text.RandomDeletion(0.2), [sentence] * 500).texts
    mean = sum(count - len(each.split()) for each in deleted) / 500
    assert abs(mean - 0.2 * count) < 0.35
