"""Penn tags of single words, to tell nouns from function words as TAM does.

TAM tags each word alone with NLTK's averaged perceptron, whose weights must be downloaded. With
them, `tagger=nltk` gives TAM's tags. `tagger=textblob` reads Brill's lexicon from the package
textblob. The default needs neither: closed classes are listed here, and a word on no list is a
noun, like most words of captions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from seewhy.core.errors import DatasetError


def listed(words: str) -> frozenset[str]:
    """The words of a text.

    Example:
        >>> sorted(listed("of in on"))
        ['in', 'of', 'on']
    """
    return frozenset(words.split())


FUNCTION_TAGS = listed("CC DT EX MD POS PRP PRP$ UH WDT WP WP$ WRB")
"""As in TAM."""
NOUN_TAGS = listed("NN NNS NNP NNPS")
"""As in TAM."""

CLOSED = {
    "CC": "and or but nor yet",
    "DT": "a an the this that these those some any no each every another both all either neither",
    "EX": "there",
    "MD": "can could may might must shall should will would ought cannot",
    "POS": "'s ’s ' ’",
    "PRP": (
        "i you he she it we they me him us them myself yourself himself herself itself ourselves "
        "yourselves themselves mine yours hers ours theirs oneself"
    ),
    "PRP$": "my your his her its our their",
    "UH": "yes yeah oh ah hey hello hi wow okay ok please alas oops",
    "WDT": "which whichever whatever",
    "WP": "who whom what whoever whomever",
    "WP$": "whose",
    "WRB": "when where why how whenever wherever however",
}
"""Function words by tag; for words with several tags, the most frequent one in captions."""

OPEN = {
    "TO": "to",
    "IN": (
        "of in on at by with from for as if than into onto upon over under above below behind "
        "beside besides between beyond near through throughout across along alongside around "
        "against among amongst amid before after during until since without within toward towards "
        "underneath beneath inside outside atop per via while because although though like about "
        "next off past aboard despite"
    ),
    "RP": "up down out",
    "RB": (
        "not very too also just only together away back here now then so almost quite "
        "rather still again ahead apart aside even ever never often once else well maybe perhaps "
        "close n't forward indoors outdoors upside sideways"
    ),
    "CD": (
        "zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty "
        "fifty hundred thousand"
    ),
    "JJ": (
        "red yellow green blue purple pink brown black white grey gray orange golden beige dark "
        "bright colorful colourful small large big little tiny huge giant tall short long young "
        "old older younger new high low wide narrow open full empty many several few other same "
        "various different multiple much more most first second last such own wooden "
        "brick stone plastic metallic electric female male asian cute nice beautiful pretty clean "
        "dirty wet dry hot cold fresh busy sunny cloudy snowy grassy sandy rocky dusty rusty "
        "fluffy furry hairy sliced cooked decorative antique modern vintage double single whole "
        "ready asleep blurry fancy flat half adult urban rural public professional soft hard warm"
    ),
    "VB": (
        "be have do go get make take sit stand hold ride look wear eat fly jump swing throw catch "
        "carry cut lie see say show let try hit use give keep prepare pose"
    ),
    "VBZ": (
        "is has does goes gets makes takes sits stands holds rides looks wears eats flies jumps "
        "swings throws catches carries lies lays sees shows hits uses gives keeps prepares poses "
        "seems appears contains features includes depicts captures"
    ),
    "VBP": "are am",
    "VBD": "was were had did went got made took sat stood held rode wore ate flew threw caught lay",
    "VBN": "been done seen shown taken worn eaten thrown driven ridden drawn given laid built set",
}
"""Other words by tag: a few hundred of the most frequent in captions."""

NOUNS = listed(
    "bed shed seed sled steed weed reed feed speed breed thing things something anything "
    "nothing everything building buildings ceiling ceilings railing railings painting "
    "paintings clothing awning awnings string strings ring rings morning evening crossing "
    "wing wings king wedding icing topping toppings frosting lettering parking housing "
    "lighting spring sibling siblings pudding dressing landing flooring stuffing handful "
    "spoonful mouthful family lily belly jelly butterfly bully hundreds"
)
"""Nouns with the ending of another class."""

ENDINGS = {"ly": "RB", "ing": "VBG", "ed": "VBD", "ous": "JJ", "ful": "JJ", "less": "JJ"}

LEXICON = {
    word: tag for table in (OPEN, CLOSED) for tag, words in table.items() for word in words.split()
}


@dataclass(frozen=True)
class Tagger:
    """Gives a single word its Penn tag.

    Attributes:
        name: with the version, for fingerprints: other tags give other samples.
        tag: from a word to its tag.
    """

    name: str
    tag: Callable[[str], str]

    def is_noun(self, word: str) -> bool:
        """Whether the tag is one of TAM's noun tags."""
        return self.tag(word) in NOUN_TAGS

    def is_function(self, word: str) -> bool:
        """Whether the tag is one of TAM's function tags."""
        return self.tag(word) in FUNCTION_TAGS


def builtin_tag(word: str) -> str:
    """The tag of a word by the lists above, else by its ending, else that of a noun.

    Case is ignored. A contraction has the tag of the part before the apostrophe, if that is on a
    list ("it's"), else that of a noun ("dog's"). Our reading.

    Example:
        >>> [builtin_tag(word) for word in ("The", "zebras", "it's", "quickly", "7")]
        ['DT', 'NNS', 'PRP', 'RB', 'CD']
    """
    lower = word.lower().replace("’", "'")
    if lower in LEXICON:
        return LEXICON[lower]
    stem, apostrophe, rest = lower.partition("'")
    if apostrophe and rest == "t":
        stem = stem.removesuffix("n")
        return LEXICON.get(stem, "MD" if stem in ("ca", "wo", "sha") else "VB")
    if apostrophe:
        return LEXICON.get(stem, "NN")
    if lower[:1].isdigit():
        return "CD"
    if not lower[:1].isalpha():
        return "."
    if lower not in NOUNS and len(lower) > 4:
        for ending, tag in ENDINGS.items():
            if lower.endswith(ending):
                return tag
    plural = lower.endswith("s") and len(lower) > 3 and not lower.endswith(("ss", "us", "is"))
    return "NNS" if plural else "NN"


def nltk_tag(word: str) -> str:
    """NLTK's tag, as in TAM."""
    from nltk import pos_tag  # pyright: ignore[reportMissingImports]

    return pos_tag([word])[0][1]


def textblob_tag(word: str) -> str:
    """The tag of Brill's lexicon in the package textblob."""
    from textblob.en import tag  # pyright: ignore[reportMissingImports]

    tagged = tag(word, tokenize=False)
    return tagged[0][1] if tagged else "."


TAGS = {"builtin": builtin_tag, "nltk": nltk_tag, "textblob": textblob_tag}
"""Values of the option `tagger`; the first is the default."""

VERSION = "1"
"""Of the lists above."""


def open_tagger(name: str) -> Tagger:
    """The tagger of one of the names in `TAGS`.

    Raises:
        DatasetError: if its package, or NLTK's data, is not installed.
    """
    tag = TAGS[name]
    if name == "builtin":
        return Tagger(f"builtin {VERSION}", tag)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # textblob leaves its lexicon open
            tag("dog")
    except ImportError as error:
        raise DatasetError(
            f"Expected the package {name} for tagger={name}, got none: "
            "pip install 'seewhy[tags]', or leave the option out."
        ) from error
    except LookupError as error:
        raise DatasetError(
            f"Expected the data of {name}'s tagger for tagger={name}, got none: run "
            '"python -m nltk.downloader averaged_perceptron_tagger_eng", or leave the option out.'
        ) from error
    return Tagger(f"{name} {version(name)}", tag)
