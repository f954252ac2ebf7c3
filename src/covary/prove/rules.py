"""What is known without measuring: which changes do not go with which classes, and with which kinds of data.

Each rule is a declaration: what it speaks of (names of classes, or the purpose of the data), which effects of
operations it forbids, and why. Rules are said apart from measurements: they hold where a probe is too weak to see, and
may be wrong about your data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from covary.ops.base import Operation
from covary.ops.view import Modality
from covary.prove.effects import Effect, Kind, effects_of

Classes: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A declaration.

    Attributes:
        name: for people.
        modality: of the data it speaks of.
        kinds: effects that it forbids.
        reason: why.
        concerns: which of the class names it is about; none: it does not apply.
        purposes: kinds of data that it is about, whatever the classes are called.
    """

    name: str
    modality: Modality
    kinds: frozenset[Kind]
    reason: str
    concerns: Callable[[Classes], Classes] | None = None
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Warning:
    """A rule that an operation breaks.

    Attributes:
        rule: its name.
        classes: that it concerns; empty for all.
        effect: what the operation does.
        words: in full.
    """

    rule: str
    classes: Classes
    effect: Effect
    words: str


def warnings_for(
    operation: Operation, modality: Modality, classes: Classes, purpose: str | None, protect: Sequence[str] = ()
) -> list[Warning]:
    """The rules that an operation breaks on data of these classes and this purpose.

    Args:
        operation: one that is no combinator.
        modality: of the data.
        classes: their names.
        purpose: one of `PURPOSES`, or None.
        protect: of the pipeline: words that it protects are not dropped.
    """
    found = []
    for effect in effects_of(operation):
        if effect.kind == "words dropped" and _negation_protected(protect):
            continue
        for rule in RULES:
            if rule.modality != modality or effect.kind not in rule.kinds:
                continue
            concerned = rule.concerns(classes) if rule.concerns else ()
            if concerned or (purpose in rule.purposes):
                found.append(Warning(rule.name, concerned, effect, _words(rule, effect, concerned)))
    return found


def _words(rule: Rule, effect: Effect, classes: Classes) -> str:
    shown = ", ".join(classes[:6]) + (f" and {len(classes) - 6} more" if len(classes) > 6 else "")
    return f"{rule.reason}{f' ({shown})' if shown else ''}"


def _negation_protected(protect: Sequence[str]) -> bool:
    return any(re.fullmatch(r"word:n[o']?t", item, re.IGNORECASE) or "not" in item.casefold() for item in protect)


# Names of classes


def words_of(name: str) -> tuple[str, ...]:
    """The words in the name of a class: "turnLeft_02" is turn, left, 02."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.casefold()))


def either(*pairs: tuple[str, str]) -> Callable[[Classes], Classes]:
    """Classes whose names hold one of two opposite words; a single letter only where its opposite is a class, too."""

    def concerned(classes: Classes) -> Classes:
        found: list[str] = []
        split = {name: words_of(name) for name in classes}
        known = set(split.values())
        for name, words in split.items():
            for pair in pairs:
                for word, other in (pair, pair[::-1]):
                    swapped = tuple(other if w == word else w for w in words)
                    if word in words and (swapped in known or len(word) > 2):
                        found.append(name)
        return tuple(dict.fromkeys(found))

    return concerned


def both(first: Sequence[str], second: Sequence[str]) -> Callable[[Classes], Classes]:
    """Classes that hold a word of either list, if there are some of each."""

    def concerned(classes: Classes) -> Classes:
        found = [
            [name for name in classes if set(words_of(name)) & set(words)] for words in (tuple(first), tuple(second))
        ]
        return (*found[0], *found[1]) if all(found) else ()

    return concerned


def most(pattern: str, least: int) -> Callable[[Classes], Classes]:
    """All classes, if at least `least` of them and most of them have such a name."""

    def concerned(classes: Classes) -> Classes:
        found = tuple(name for name in classes if re.fullmatch(pattern, name.strip(), re.IGNORECASE))
        return found if len(found) >= least and 2 * len(found) > len(classes) else ()

    return concerned


def any_of(words: str, least: int = 1) -> Callable[[Classes], Classes]:
    """Classes whose names hold one of the words (parted by blanks), if there are enough of them."""
    wanted = set(words.split())

    def concerned(classes: Classes) -> Classes:
        found = tuple(name for name in classes if set(words_of(name)) & wanted)
        return found if len(found) >= least else ()

    return concerned


_DIGIT_WORDS = "zero|one|two|three|four|five|six|seven|eight|nine"
_SIDES = (("left", "right"), ("east", "west"), ("port", "starboard"), ("links", "rechts"), ("gauche", "droite"))
_ENDS = (
    ("up", "down"),
    ("top", "bottom"),
    ("upper", "lower"),
    ("north", "south"),
    ("above", "below"),
    ("oben", "unten"),
    ("haut", "bas"),
)
_TURNS = (("clockwise", "anticlockwise"), ("clockwise", "counterclockwise"), ("cw", "ccw"), ("convex", "concave"))
_COLOURS = "red green blue yellow orange purple brown black white grey gray pink ripe unripe rusty"

TURNED: frozenset[Kind] = frozenset(("half turn", "quarter turn"))
MIRRORED: frozenset[Kind] = frozenset(("mirror", "diagonal mirror"))
UPSIDE_DOWN: frozenset[Kind] = frozenset(("upside down", "half turn"))
ANY_POSE: frozenset[Kind] = TURNED | MIRRORED | UPSIDE_DOWN

RULES: tuple[Rule, ...] = (
    Rule("left and right", "image", MIRRORED | {"half turn"}, "a mirrored left is a right", either(*_SIDES)),
    Rule("up and down", "image", UPSIDE_DOWN, "what points up points down when it is turned over", either(*_ENDS)),
    Rule(
        "directions",
        "image",
        frozenset(("quarter turn", "diagonal mirror")),
        "a quarter turn makes one direction another",
        both([w for pair in _SIDES for w in pair], [w for pair in _ENDS for w in pair]),
    ),
    Rule(
        "sense of rotation",
        "image",
        MIRRORED | {"upside down"},
        "mirroring turns the sense of rotation about",
        either(*_TURNS),
    ),
    Rule(
        "letters that mirror",
        "image",
        MIRRORED,
        "mirrored, one letter is another",
        either(("b", "d"), ("p", "q"), ("s", "z")),
    ),
    Rule(
        "letters upside down",
        "image",
        frozenset(("upside down",)),
        "upside down, one letter is another",
        either(("b", "p"), ("d", "q"), ("m", "w"), ("n", "u"), ("2", "5")),
    ),
    Rule(
        "letters by half turns",
        "image",
        frozenset(("half turn",)),
        "by half a turn, one sign is another",
        either(("6", "9"), ("six", "nine"), ("b", "q"), ("d", "p"), ("m", "w"), ("n", "u")),
    ),
    Rule(
        "letters by quarter turns",
        "image",
        frozenset(("quarter turn",)),
        "by a quarter turn, one letter is another",
        either(("n", "z"), ("c", "u"), ("e", "m")),
    ),
    Rule(
        "digits",
        "image",
        ANY_POSE,
        "a digit that is mirrored or turned over is none, or another",
        most(rf"\D*[0-9]|{_DIGIT_WORDS}", 5),
        frozenset(("digits",)),
    ),
    Rule("letters", "image", ANY_POSE, "a mirrored or turned letter is none, or another", most("[a-z]", 5)),
    Rule(
        "colours",
        "image",
        frozenset(("colour",)),
        "the colour says the class",
        any_of(_COLOURS, least=2),
    ),
    Rule(
        "sizes",
        "image",
        frozenset(("size",)),
        "the size says the class",
        either(("small", "large"), ("small", "big"), ("tiny", "huge"), ("near", "far")),
    ),
    Rule(
        "X-rays",
        "image",
        ANY_POSE | {"inversion"},
        "a body has its heart on the left, its head above, and bones lighter than air; films are never seen otherwise",
        purposes=frozenset(("xray",)),
    ),
    Rule(
        "documents",
        "image",
        ANY_POSE,
        "no page is read mirrored, and turned ones are set upright before they are read",
        purposes=frozenset(("documents",)),
    ),
    Rule(
        "street scenes",
        "image",
        TURNED | UPSIDE_DOWN | {"diagonal mirror"},
        "a road is below the sky; signs and the side of the road are told by their pose",
        purposes=frozenset(("driving",)),
    ),
    Rule(
        "traffic lights and signs",
        "image",
        MIRRORED | {"colour"},
        "signs are read, and lights are told by their colours",
        any_of("sign light stop yield signal", least=2),
    ),
    Rule(
        "faces",
        "image",
        TURNED | UPSIDE_DOWN | {"diagonal mirror", "inversion"},
        "faces are met upright",
        purposes=frozenset(("faces",)),
    ),
    Rule(
        "direction of a sound",
        "audio",
        frozenset(("backwards",)),
        "played backwards, what rises falls",
        either(("rising", "falling"), ("rise", "fall"), ("up", "down"), ("ascending", "descending")),
    ),
    Rule(
        "speech",
        "audio",
        frozenset(("backwards",)),
        "speech played backwards is none",
        most(rf"yes|no|up|down|left|right|on|off|stop|go|backward|forward|{_DIGIT_WORDS}", 2),
        frozenset(("speech",)),
    ),
    Rule(
        "who speaks",
        "audio",
        frozenset(("pitch",)),
        "the pitch of a voice tells who speaks",
        any_of("speaker voice male female man woman child singer soprano bass alto"),
    ),
    Rule(
        "pitch",
        "audio",
        frozenset(("pitch",)),
        "the pitch says the class",
        either(("high", "low"), ("treble", "bass"), ("sharp", "flat")),
    ),
    Rule(
        "sides of a sound",
        "audio",
        frozenset(("channels swapped",)),
        "the channel says the side",
        either(*_SIDES),
    ),
    Rule(
        "opinions",
        "text",
        frozenset(("words dropped", "opposites")),
        'an opinion turns round when "not" is lost or a word is replaced by its opposite; protect negations with '
        'protect: ["word:not"]',
        either(("positive", "negative"), ("pos", "neg"), ("good", "bad"), ("happy", "sad"), ("like", "dislike")),
        frozenset(("opinions",)),
    ),
    Rule(
        "entailment",
        "text",
        frozenset(("words dropped", "opposites", "roles swapped", "numbers changed")),
        "whether one sentence follows from another hangs on every word",
        either(("entailment", "contradiction"), ("true", "false"), ("supported", "refuted"), ("supports", "refutes")),
    ),
    Rule(
        "gender",
        "text",
        frozenset(("gender swapped",)),
        "the gender says the class",
        either(("male", "female"), ("man", "woman"), ("he", "she"), ("masculine", "feminine")),
    ),
)

# Purposes of data, and by which names of classes they are known


@dataclass(frozen=True)
class Hint:
    """What classes of a purpose are often called; `preset` is its name in `covary.presets`."""

    preset: str
    modality: Modality
    concerns: Callable[[Classes], Classes]


HINTS: tuple[Hint, ...] = (
    Hint("digits", "image", most(rf"\D*[0-9]|{_DIGIT_WORDS}", 5)),
    Hint(
        "xray",
        "image",
        any_of(
            "pneumonia effusion cardiomegaly atelectasis pneumothorax fracture covid tuberculosis infiltration xray"
        ),
    ),
    Hint(
        "histology",
        "image",
        any_of("tumor tumour stroma mucosa adenocarcinoma benign malignant lymphocytes metastasis"),
    ),
    Hint(
        "satellite",
        "image",
        any_of(
            "residential airport harbor harbour farmland forest river crop highway industrial",
            least=3,
        ),
    ),
    Hint(
        "documents",
        "image",
        any_of("invoice letter memo form email resume receipt handwritten scientific", least=2),
    ),
    Hint(
        "driving",
        "image",
        any_of("car truck bus pedestrian cyclist motorcycle traffic sign lane stop", least=3),
    ),
    Hint(
        "faces",
        "image",
        any_of(
            "angry happy sad surprised disgust fear neutral smiling face male female",
            least=3,
        ),
    ),
    Hint(
        "industrial",
        "image",
        any_of(
            "scratch dent crack defect defective good ok ng faulty contamination broken",
            least=2,
        ),
    ),
    Hint(
        "speech",
        "audio",
        most(rf"yes|no|up|down|left|right|on|off|stop|go|backward|forward|speaker.*|{_DIGIT_WORDS}", 2),
    ),
    Hint(
        "sounds",
        "audio",
        any_of("dog rain siren engine drilling music alarm birds wind water", least=2),
    ),
)

PURPOSES: tuple[str, ...] = (
    "photos",
    "satellite",
    "xray",
    "histology",
    "documents",
    "driving",
    "faces",
    "industrial",
    "digits",
    "speech",
    "sounds",
    "text",
    "opinions",
)


def hinted_purpose(modality: Modality, classes: Classes) -> str | None:
    """The purpose that the names of the classes hint at, or None."""
    return next((hint.preset for hint in HINTS if hint.modality == modality and hint.concerns(classes)), None)
