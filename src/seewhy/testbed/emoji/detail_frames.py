"""The frames of sentences that say more of things: see `seewhy.testbed.emoji.frames`."""

from __future__ import annotations

GROUND_SENTENCES = (
    "in the background {is} {ground}",
    "in the background there {is} {ground}",
    "there {is} {ground} in the background",
    "behind {all} {is} {ground}",
    "the background shows {ground}",
    "{ground} {fill} the background",
    "{ground} can be seen in the background",
    "behind {all} we see {ground}",
    "{ground} {make} up the backdrop",
    "around {all} there {is} {ground}",
    "{ground} {surround} {all}",
    "as a background , there {is} {ground}",
)
"""Sentences on the ground; `{all}` is "them", "everything" or "the objects"."""

COVERING = (
    "{subject} partly {hide} {object}",
    "{subject} {overlap} {object}",
    "{object} {is_object} partly hidden by {subject}",
    "{object} {is_object} partly covered by {subject}",
    "{subject} {block} part of {object}",
    "part of {object} is hidden by {subject}",
    "{subject} {cover} a part of {object}",
    "we see {object} only in part , because of {subject}",
)

RELATION_SENTENCES = (
    "{subject} {is} {relation} {object}",
    "{subject} {is} {relation} {object}",
    "{relation} {object} {be} {subject}",
    "you can see {subject} {relation} {object}",
    "we see {subject} {relation} {object}",
    "{relation} {object} , we see {subject}",
    "{relation} {object} , you can find {subject}",
    "if you look {relation} {object} , you find {subject}",
)
"""Sentences on two things; "the cat" or "a cat" fills both."""

PLACE_SENTENCES = (
    "{subject} {is} {place}",
    "{subject} {is} {place}",
    "{place} {be} {subject}",
    "{place} there is {subject}",
    "{place} , we see {subject}",
    "{place} , you can see {subject}",
    "you can find {subject} {place}",
    "we see {subject} {place}",
)

JOINTS = (", and", ", and", ";", ", while", ", whereas", ", but")
"""What stands between two clauses of one sentence."""

COLOUR_SENTENCES = (
    "{subject} {is} {colour}",
    "{subject} {is} {colour}",
    "{subject} {is} {colour} in colour",
    "{subject} {is} coloured {colour}",
    "the colour of {subject} is {colour}",
    "{subject} {have} {article} {colour} colour",
    "{subject} {look} {colour}",
)

SIZE_SENTENCES = (
    "{subject} {is} {size}",
    "{subject} {is} {size}",
    "{subject} {is} rather {size}",
    "{subject} {look} {size}",
    "{subject} {is} quite {size}",
    "{subject} {is} drawn {size}",
    "{subject} {is} shown {size}",
)
BIGGER = ("bigger than", "larger than", "of larger size than", "clearly larger than")
SMALLER = ("smaller than", "smaller than", "of smaller size than", "clearly smaller than")

PREDICATE_SIZES = {"small": ("small", "small", "tiny"), "large": ("large", "large", "big")}
"""Words for sizes that may follow "is"."""

HYPERNYM_SENTENCES = (
    "{subject} {is} {hypernym}",
    "{subject} {is} {hypernym}",
    "among the things shown , {subject} {is} {hypernym}",
)

SIGN_SENTENCES = (
    '{subject} says " {word} "',
    '{subject} reads " {word} "',
    'the word on {subject} is " {word} "',
    'on {subject} is the word " {word} "',
    'the text on {subject} is " {word} "',
    '" {word} " is written on {subject}',
    "on {subject} we can read the word {word}",
    'the writing on {subject} says " {word} "',
)

GENERAL_FACTS = (
    "{one} , as we know , {fact}",
    "everyone knows that {one} {fact}",
    "in general , {one} {fact}",
    "typically , {one} {fact}",
    "it is well known that {one} {fact}",
    "remember that {one} {fact}",
    "as a rule , {one} {fact}",
)
FACT_SENTENCES = (
    "{subject} {is} {hypernym} that {fact}",
    "{subject} {is} {hypernym} that {fact}",
    *GENERAL_FACTS,
)
"""Sentences of common knowledge on a kind; `{one}` is "a cat"."""

PLAIN_SENTENCES = (
    "{subject} can be seen clearly",
    "{subject} {is} easy to see",
    "{subject} {is} in plain view",
    "it is easy to make out {subject}",
    "a glance is enough to notice {subject}",
    "nobody can miss {subject}",
)
"""Sentences for a scene of which there is nothing more to say."""

ADJECTIVE_SENTENCES = (
    "{subject} {is} {adjectives}",
    "{subject} {is} {adjectives}",
    "{subject} {look} {adjectives}",
    "{subject} {appear} {adjectives}",
    "like others of its sort , {subject} {is} {adjectives}",
)

TILT_SENTENCES = (
    "{subject} is tilted a little",
    "{subject} is slightly tilted",
    "{subject} is shown at an angle",
    "{subject} leans a bit",
    "{subject} is slanted",
    "{subject} has been turned a little",
    "{subject} does not stand quite upright",
    "{subject} is rotated by a few degrees",
    "{subject} sits a bit askew",
)
TILTED = 10
"""Degrees from which a thing is said to be tilted."""

STYLE_SENTENCES = {
    "fluent": (
        "{subject} looks three-dimensional",
        "{subject} is rendered with soft shading",
        "{subject} is modelled in three dimensions , like a figurine",
        "{subject} seems to be made of smooth plastic",
        "{subject} resembles a model from a computer animation",
    ),
    "flat": (
        "{subject} is drawn in a flat style",
        "{subject} is a flat drawing , without outlines",
        "{subject} is made up of plain shapes",
        "{subject} consists of simple flat shapes",
    ),
    "openmoji": (
        "{subject} is drawn with dark outlines",
        "{subject} is a drawing with clear contours",
    ),
    "": (
        "{subject} is drawn like a cartoon",
        "{subject} looks like an icon",
        "{subject} is a drawing , not a photograph of a real one",
        "{subject} is a simple illustration",
        "{subject} looks like a sticker",
        "{subject} might come from a picture book for kids",
        "{subject} is an emoji , pasted into the picture",
        "{subject} is an artificial cut-out",
    ),
}
"""Sentences on the style of a thing; "" for all styles."""

SHADOW_SENTENCES = (
    "the things cast soft shadows",
    "each of the objects casts a shadow",
    "all objects throw shadows onto what is behind them",
    "there are soft shadows around the objects",
    "the light gives every thing a shadow",
    "a faint shadow belongs to each of the things",
)
BLUR_SENTENCES = (
    "the picture is slightly blurred",
    "the image is a little out of focus",
    "the photo is not perfectly sharp",
    "the whole picture looks a bit soft",
    "some fine details are lost , since the image is blurry",
)
BLURRED = 8
"""Tenths of a pixel of blur from which it is said."""

BETWEEN_SENTENCES = (
    "{subject} {is} {between} {one} and {other}",
    "{subject} {is} {between} {one} and {other}",
    "{between} {one} and {other} , we see {subject}",
    "{between} {one} and {other} there is {subject}",
    "we find {subject} {between} {one} and {other}",
)

SAME_COLOUR = (
    "{subjects} have the same colour",
    "{subjects} share one colour",
    "{subjects} are both {colour}",
    "both {subjects} are {colour}",
    "{subjects} match in colour",
    "{subjects} are alike in colour : both are {colour}",
)
