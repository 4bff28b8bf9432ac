"""Penn tags of English words from lists: function words, and the most frequent others.

A word on no list has the tag of its ending, else that of a noun, like most words of captions.
"""

from __future__ import annotations


def listed(words: str) -> frozenset[str]:
    """The words of a text.

    Example:
        >>> sorted(listed("of in on"))
        ['in', 'of', 'on']
    """
    return frozenset(words.split())


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
    "spoonful mouthful dumpling dumplings duckling ducklings earring earrings family lily belly "
    "jelly butterfly bully hundreds"
)
"""Nouns with the ending of another class."""

ENDINGS = {"ly": "RB", "ing": "VBG", "ed": "VBD", "ous": "JJ", "ful": "JJ", "less": "JJ"}

LEXICON = {
    word: tag for table in (OPEN, CLOSED) for tag, words in table.items() for word in words.split()
}


def tag_of(word: str) -> str:
    """The tag of a word by the lists above, else by its ending, else that of a noun.

    Case is ignored. A contraction has the tag of the part before the apostrophe, if that is on a
    list ("it's"), else that of a noun ("dog's"). Our reading.

    Example:
        >>> [tag_of(word) for word in ("The", "zebras", "it's", "quickly", "7")]
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
