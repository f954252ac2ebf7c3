"""Make the English lexicon that covary ships from the files of WordNet 3.0.

    apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wordnet
    python tools/build_lexicon.py wordnet/usr/share/wordnet src/covary/ops/text/lexicons/en.txt.gz

The format is described in `covary.ops.text.lexicon`. Left out are terms of several words, names, and what is obscene or
insulting: whole senses that are, and single words wherever they would be a replacement.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")

# A sense with one of these among its words, or in its definition, is left out as a whole.
OBSCENE = set(
    """
arse arsehole asshole blowjob bollock bollocks bonk bugger bullshit clit cocksucker coon cum cunt cunnilingus dago
dildo dyke eff faggot fag fellatio fornicate fornication fuck fucker fucking gook hooker horseshit jism jizz kike
kraut masturbate masturbation motherfucker muff nigga nigger niggra nympho nymphomaniac paki pecker piss pissed poof
poofter pouf pansy prick pussy queer rape raper rapist retard shag shit shite shitty shitter shtup slut slutty smut
snatch spic spick tit titty tits turd twat wank wanker wetback whore whoreson wog wop yid zhlub sleazeball scumbag
dickhead cocotte harlot trollop tart bawd strumpet hussy honkey honky jigaboo darky darkie gringo golliwog lesbo
nance pederast sodomise sodomize sodomy sodomite buggery shlong schlong putz schmuck schmo cooze coitus copulate
copulation orgasm ejaculate semen testicle testis scrotum penis vagina vulva clitoris phallus erection boner
sexual-intercourse dick cock nookie nooky piece-of-ass poontang slattern floozy floozie doxy
""".split()
)
# Good words for some things and insults for others: never a replacement.
NEVER = set(
    """
abo ass balls bang bastard bed bitch bonehead boob booby broad bum butt chink coloured colored cracker crap cripple
crippled damn damned darn dork dumb dumbass fairy fart fatso freak frog goddam goddamn goddamned hag hell hoe homo
hore hump idiot idiotic imbecile jap jerk jerk-off job john jugs knocker knockers lay make mammy mick midget mongol
mongoloid moron moronic mulatto nance nazi negress negro nip nut nuts oriental peter poop poo prat pee jazz know rod
roger screw screwed screwing sissy skank slag slave sod spade spastic squaw stud suck sucker tool tramp tranny turd
urinate wench wiener willy gyp gypsy jew jewess heathen savage cretin crone crotch bosom breast lunatic loony kook
""".split()
)
GLOSS = re.compile(
    r"obscene|vulgar|ethnic slur|offensive (?:term|name|word|terms)|disparaging|derogatory|insulting|taboo|sexual"
    r"|copulat|genital|prostitut|masturbat|fecal|feces|excrement|defecat|urinat|penis|vagina|breasts"
)
# Usages whose members are left out: (file, one word of the synset that names the usage).
USAGES = {
    ("n", "ethnic_slur"), ("n", "disparagement"), ("n", "obscenity"), ("n", "vulgarism"), ("n", "slang"),
    ("n", "archaism"), ("n", "trademark"), ("n", "dirty_word"),
}  # fmt: skip

# Principal parts that differ from the rules or that WordNet's exceptions do not tell apart.
VERBS = """
arise arose arisen|awake awoke awoken|bear bore borne|beat beat beaten|become became become|befall befell befallen
beget begot begotten|begin began begun|behold beheld beheld|bend bent bent|beset beset beset|bet bet bet|bid bid bid
bind bound bound|bite bit bitten|bleed bled bled|blow blew blown|break broke broken|breed bred bred
bring brought brought|broadcast broadcast broadcast|build built built|burst burst burst|buy bought bought
cast cast cast|catch caught caught|choose chose chosen|cling clung clung|come came come|cost cost cost
creep crept crept|cut cut cut|deal dealt dealt|dig dug dug|do did done|draw drew drawn|drink drank drunk
drive drove driven|dwell dwelt dwelt|eat ate eaten|fall fell fallen|feed fed fed|feel felt felt|fight fought fought
find found found|flee fled fled|fling flung flung|fly flew flown|forbid forbade forbidden|forecast forecast forecast
foresee foresaw foreseen|forget forgot forgotten|forgive forgave forgiven|forgo forwent forgone
forsake forsook forsaken|freeze froze frozen|get got got|give gave given|go went gone|grind ground ground
grow grew grown|hang hung hung|have had had|hear heard heard|hide hid hidden|hit hit hit|hold held held|hurt hurt hurt
keep kept kept|kneel knelt knelt|know knew known|lead led led|leave left left|lend lent lent|let let let|lie lay lain
light lit lit|lose lost lost|make made made|mean meant meant|meet met met|mislead misled misled
mistake mistook mistaken|misunderstand misunderstood misunderstood|mow mowed mown|offset offset offset
outdo outdid outdone|outgrow outgrew outgrown|overcome overcame overcome|overdo overdid overdone
overhear overheard overheard|override overrode overridden|overrun overran overrun|oversee oversaw overseen
overtake overtook overtaken|overthrow overthrew overthrown|partake partook partaken|pay paid paid|prove proved proven
put put put|quit quit quit|read read read|rebuild rebuilt rebuilt|redo redid redone|repay repaid repaid
retell retold retold|rid rid rid|ride rode ridden|ring rang rung|rise rose risen|run ran run|say said said
see saw seen|seek sought sought|sell sold sold|send sent sent|set set set|sew sewed sewn|shake shook shaken
shear sheared shorn|shed shed shed|shine shone shone|shoot shot shot|show showed shown|shrink shrank shrunk
shut shut shut|sing sang sung|sink sank sunk|sit sat sat|slay slew slain|sleep slept slept|slide slid slid
sling slung slung|slit slit slit|sow sowed sown|speak spoke spoken|speed sped sped|spend spent spent|spin spun spun
spit spat spat|split split split|spread spread spread|spring sprang sprung|stand stood stood|steal stole stolen
stick stuck stuck|sting stung stung|stink stank stunk|stride strode stridden|strike struck struck|string strung strung
strive strove striven|swear swore sworn|sweep swept swept|swell swelled swollen|swim swam swum|swing swung swung
take took taken|teach taught taught|tear tore torn|tell told told|think thought thought|throw threw thrown
thrust thrust thrust|tread trod trodden|undergo underwent undergone|understand understood understood
undertake undertook undertaken|undo undid undone|uphold upheld upheld|upset upset upset|wake woke woken|wear wore worn
weave wove woven|wed wed wed|weep wept wept|win won won|wind wound wound|withdraw withdrew withdrawn
withhold withheld withheld|withstand withstood withstood|wring wrung wrung|write wrote written
rewrite rewrote rewritten|foretell foretold foretold|mishear misheard misheard|outrun outran outrun
bespeak bespoke bespoken|unwind unwound unwound|rend rent rent|beseech besought besought|foreknow foreknew foreknown
interweave interwove interwoven
"""


@dataclass
class Synset:
    part: str
    words: list[str]
    gloss: str
    above: tuple[str, int] | None = None
    usages: list[tuple[str, int, int]] = field(default_factory=list)  # the word (0: all), and the synset of its usage
    opposites: list[tuple[int, str, int, int]] = field(default_factory=list)


@dataclass
class Sense:
    synset: tuple[str, int]
    count: int


def read_synsets(folder: Path) -> dict[tuple[str, int], Synset]:
    synsets = {}
    for name, part in PARTS.items():
        for line in (folder / f"data.{name}").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(" "):
                continue
            head, _, gloss = line.partition(" | ")
            fields = head.split()
            count = int(fields[3], 16)
            words = [re.sub(r"\(\w+\)$", "", word) for word in fields[4 : 4 + 2 * count : 2]]
            synset = Synset(part, words, gloss)
            at = 4 + 2 * count
            for _ in range(int(fields[at])):
                symbol, offset, other, places = fields[at + 1 : at + 5]
                source, target = int(places[:2], 16), int(places[2:], 16)
                if symbol == "@" and synset.above is None:
                    synset.above = (other, int(offset))
                elif symbol == ";u":
                    synset.usages.append((other, int(offset), source))
                elif symbol == "!":
                    synset.opposites.append((source, other, int(offset), target))
                at += 4
            synsets[part, int(fields[0])] = synset
    return synsets


def read_counts(folder: Path) -> dict[tuple[str, str, int], int]:
    """(lemma, part, number of the sense) -> how often it was met in the tagged texts."""
    kinds = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
    counts = {}
    for line in (folder / "cntlist.rev").read_text(encoding="ascii").splitlines():
        key, number, count = line.split()
        lemma, _, rest = key.partition("%")
        counts[lemma, kinds[rest[0]], int(number)] = int(count)
    return counts


def read_senses(folder: Path) -> dict[tuple[str, str], list[Sense]]:
    counts = read_counts(folder)
    senses = {}
    for name, part in PARTS.items():
        for line in (folder / f"index.{name}").read_text(encoding="ascii").splitlines():
            if line.startswith(" "):
                continue
            fields = line.split()
            offsets = [int(offset) for offset in fields[-int(fields[2]) :]]
            senses[fields[0], part] = [
                Sense((part, offset), counts.get((fields[0], part, number), 0))
                for number, offset in enumerate(offsets, start=1)
            ]
    return senses


def is_decent(synset: Synset, synsets: dict[tuple[str, int], Synset]) -> bool:
    """Whether a sense may be used at all."""
    definition = synset.gloss.partition('"')[0]
    lowered = {word.lower().replace("_", "-") for word in synset.words}
    by_usage = any(
        (part, word) in USAGES
        for part, offset, source in synset.usages
        if source == 0
        for word in synsets[part, offset].words
    )
    return not (lowered & OBSCENE or GLOSS.search(definition) or by_usage)


def fit_words(key: tuple[str, int], synset: Synset, senses: dict[tuple[str, str], list[Sense]]) -> Iterator[str]:
    """The words of a synset that may stand for each other in it, the frequent ones first.

    A word fits where it was met in this sense, or where the sense is one of its first two. Words that were never met at
    all do not stand for words that were.
    """
    totals = {word: sum(sense.count for sense in senses.get((word, synset.part), [])) for word in synset.words}
    least = 1 if any(totals.values()) else 0
    ranked = []
    for place, word in enumerate(synset.words, start=1):
        if not WORD.fullmatch(word) or word in NEVER or word in OBSCENE or len(word) < 3:
            continue
        if any(source == place for _, _, source in synset.usages) or is_plural(word, synset.part, senses):
            continue
        if len(word) <= 4 and any(other != word and other.startswith(word) for other in synset.words):
            continue  # short for another: "min" for "minute"
        own = senses.get((word, synset.part), [])
        rank = next((rank for rank, sense in enumerate(own) if sense.synset == key), None)
        if rank is None or (rank > 1 and own[rank].count == 0):
            continue
        if totals[word] < least or (rank > 0 and own[rank].count < 0.1 * totals[word]):
            continue
        ranked.append((-own[rank].count, place, word))
    for _, _, word in sorted(ranked):
        yield word


def is_plural(word: str, part: str, senses: dict[tuple[str, str], list[Sense]]) -> bool:
    """Whether a noun is the plural of another, such as "papers"; it has no singular to stand for one."""
    stems = {word[:-1], word[:-2], word[:-3] + "y"}
    return part == "n" and word.endswith("s") and any((stem, "n") in senses for stem in stems)


def irregular_forms(folder: Path, senses: dict[tuple[str, str], list[Sense]]) -> dict[str, dict[str, list[str]]]:
    """lemma -> tag -> its irregular forms; tags are those of the Penn Treebank."""
    forms: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    known = {}
    for entry in VERBS.strip().replace("\n", "|").split("|"):
        lemma, past, participle = entry.split()
        known[lemma] = (past, participle)
        forms[lemma]["VBD"].append(past)
        forms[lemma]["VBN"].append(participle)
    for form, lemma in exceptions(folder, "verb"):
        if (lemma, "v") not in senses:
            continue
        if form.endswith("ing"):
            forms[lemma]["VBG"].append(form)
        elif form.endswith("s") and not form.endswith("ss"):
            forms[lemma]["VBZ"].append(form)
        elif lemma not in known:
            tags = ("VBN",) if form.endswith(("en", "own", "awn")) else ("VBD", "VBN")
            for tag in tags:
                forms[lemma][tag].append(form)
    for form, lemma in exceptions(folder, "noun"):
        if (lemma, "n") in senses:
            forms[lemma]["NNS"].append(form)
    for name in ("adj", "adv"):
        for form, lemma in exceptions(folder, name):
            if (lemma, PARTS[name]) in senses:
                tag = {"adj": "JJ", "adv": "RB"}[name] + ("S" if form.endswith("st") else "R")
                forms[lemma][tag].append(form)
    return {lemma: {tag: list(dict.fromkeys(each)) for tag, each in tags.items()} for lemma, tags in forms.items()}


def exceptions(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    for line in (folder / f"{name}.exc").read_text(encoding="ascii").splitlines():
        form, *lemmas = line.split()
        for lemma in lemmas:
            if WORD.fullmatch(form) and WORD.fullmatch(lemma) and form != lemma:
                yield form, lemma


def write(folder: Path, target: Path) -> None:
    synsets, senses = read_synsets(folder), read_senses(folder)
    decent = {key: synset for key, synset in synsets.items() if is_decent(synset, synsets)}
    members = {key: list(fit_words(key, synset, senses)) for key, synset in decent.items()}
    needed = needed_senses(senses, synsets, members)
    order = sorted(needed, key=lambda key: ("nvar".index(key[0]), key[1]))
    numbers = {key: number for number, key in enumerate(order)}

    out = io.StringIO()
    out.write("covary-lexicon\t1\nlanguage\ten\nsource\tWordNet 3.0, see LICENCE.WordNet\n\n")
    for key in order:
        above = synsets[key].above
        known = numbers.get(above) if above is not None else None
        out.write(" ".join(members[key]) + ("" if known is None else f">{known}") + "\n")
    out.write("\n")
    entries = entry_lines(senses, synsets, decent, numbers)
    out.write("\n".join(entries) + "\n\n")
    lemmas = irregular_forms(folder, senses)
    lines = [
        f"{lemma}\t" + " ".join(f"{tag}:{','.join(f)}" for tag, f in tags.items())
        for lemma, tags in sorted(lemmas.items())
    ]
    out.write("\n".join(lines) + "\n")
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=9, mtime=0, filename="") as packed,
    ):
        packed.write(out.getvalue().encode("utf-8"))
    size = target.stat().st_size
    print(f"{target}: {size:,} bytes, {len(order):,} senses, {len(entries):,} words, {len(lines):,} irregular")


def needed_senses(
    senses: dict[tuple[str, str], list[Sense]],
    synsets: dict[tuple[str, int], Synset],
    members: dict[tuple[str, int], list[str]],
) -> set[tuple[str, int]]:
    """Senses with words to choose from; those met in the tagged texts that have a more general one; and the latter."""
    met = {sense.synset for own in senses.values() for sense in own if sense.count}
    needed = {key for key, words in members.items() if len(words) > 1 or (words and key in met)}
    above = {synsets[key].above for key in needed if key in met}
    return needed | {key for key in above if key is not None and members.get(key)}


def entry_lines(
    senses: dict[tuple[str, str], list[Sense]],
    synsets: dict[tuple[str, int], Synset],
    decent: dict[tuple[str, int], Synset],
    numbers: dict[tuple[str, int], int],
) -> list[str]:
    lines: dict[str, list[str]] = {}
    for lemma in sorted({lemma for lemma, _ in senses if WORD.fullmatch(lemma)}):
        if len(lemma) < 2:
            continue
        parts = []
        for part in "nvar":
            own = senses.get((lemma, part))
            if own is None or all(is_name(lemma, synsets[sense.synset]) for sense in own):
                continue
            items = []
            for sense in own:
                if sense.synset not in decent or is_name(lemma, synsets[sense.synset]):
                    items.append(f"{sense.count or ''}")
                    continue
                number = numbers.get(sense.synset)
                opposite = "".join(f"!{word}" for word in opposites(lemma, synsets[sense.synset], synsets, decent))
                items.append(f"{sense.count or ''}{'' if number is None else f'.{number}'}{opposite}")
            while len(items) > 1 and not items[-1]:
                items.pop()
            parts.append(part + ",".join(items))
        if parts:
            lines[lemma] = parts
    return [f"{lemma}\t{' '.join(parts)}" for lemma, parts in lines.items()]


def is_name(lemma: str, synset: Synset) -> bool:
    """Whether the synset writes this word with a capital only."""
    return lemma not in synset.words


def opposites(
    lemma: str, synset: Synset, synsets: dict[tuple[str, int], Synset], decent: dict[tuple[str, int], Synset]
) -> Iterator[str]:
    for source, part, offset, target in synset.opposites:
        key = ("a" if part == "s" else part, offset)
        if source and synset.words[source - 1] == lemma and key in decent:
            word = synsets[key].words[target - 1]
            if WORD.fullmatch(word) and word not in NEVER and word not in OBSCENE:
                yield word


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
