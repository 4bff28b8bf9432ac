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
from seewhy.core.lexicon import listed, tag_of

FUNCTION_TAGS = listed("CC DT EX MD POS PRP PRP$ UH WDT WP WP$ WRB")
"""As in TAM."""
NOUN_TAGS = listed("NN NNS NNP NNPS")
"""As in TAM."""


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


def nltk_tag(word: str) -> str:
    """NLTK's tag, as in TAM."""
    from nltk import pos_tag  # pyright: ignore[reportMissingImports]

    return pos_tag([word])[0][1]


def textblob_tag(word: str) -> str:
    """The tag of Brill's lexicon in the package textblob."""
    from textblob.en import tag  # pyright: ignore[reportMissingImports]

    tagged = tag(word, tokenize=False)
    return tagged[0][1] if tagged else "."


TAGS = {"builtin": tag_of, "nltk": nltk_tag, "textblob": textblob_tag}
"""Values of the option `tagger`; the first is the default."""

VERSION = "1"
"""Of the lists of `seewhy.core.lexicon`."""


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
