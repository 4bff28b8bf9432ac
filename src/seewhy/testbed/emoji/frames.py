"""The frames of sentences: texts with slots in braces, filled by `seewhy.testbed.emoji`'s writers.

`{there}` is "there is" or "there are", `{is}` is "is" or "are", `{appear}` is "appears" or
"appear", and so on: the writer makes them agree.
"""

from __future__ import annotations

PROMPTS = (
    (
        "Write a one-sentence caption for this image:",
        "Describe this image in one sentence.",
        "What does this picture show? Answer in one sentence.",
        "Write a short caption.",
        "Give a brief description of the image.",
        "In one sentence, what can you see?",
        "Summarise the picture in a single sentence.",
        "Caption this image.",
        "What is in this image? One sentence, please.",
        "Describe the scene briefly.",
    ),
    (
        "Write a description for this image using around two sentences:",
        "Describe this image in two sentences.",
        "What do you see in this picture? Use two sentences.",
        "Write two sentences about this image.",
        "Give a two-sentence description of the picture.",
        "Tell me about this image in a couple of sentences.",
        "Using two sentences, describe what is shown.",
        "Please describe the photo in about two sentences.",
        "Write a caption of two sentences.",
        "What is shown here? Answer in two sentences.",
    ),
    (
        "Write a description for this image using around three sentences:",
        "Describe this image in three sentences.",
        "Describe the picture in some detail.",
        "What can you see in this image? Use three sentences.",
        "Write three sentences about this picture.",
        "Give a three-sentence description of the image.",
        "Tell me about this picture in about three sentences.",
        "Please describe this scene in three sentences.",
        "Write a longer caption, of three sentences.",
        "Explain what the image shows in three sentences.",
    ),
)
"""Prompts of captions of one, two and three sentences."""

_PICTURES = ("picture", "image", "photo", "scene", "photograph", "shot", "view", "snapshot")
_SHOWS = (
    *("shows", "shows", "contains", "features", "depicts", "displays", "presents", "includes"),
    *("captures", "has", "holds"),
)

OPENINGS = (
    *(f"the {noun} {verb} {{list}}" for noun in _PICTURES for verb in _SHOWS),
    *(f"this {noun} {verb} {{list}}" for noun in _PICTURES[:5] for verb in _SHOWS),
    *(f"{noun} of {{list}}" for noun in ("a picture", "an image", "a photo", "a view", "a shot")),
    *(f"this is {noun} of {{list}}" for noun in ("a picture", "an image", "a photo")),
    *(f"in {the} {noun} {{there}} {{list}}" for the in ("the", "this") for noun in _PICTURES[:5]),
    *(f"in {the} {noun}, {{there}} {{list}}" for the in ("the", "this") for noun in _PICTURES[:5]),
    *(f"in {the} {noun} we see {{list}}" for the in ("the", "this") for noun in _PICTURES[:5]),
    *(
        f"in {the} {noun}, you can see {{list}}"
        for the in ("the", "this")
        for noun in _PICTURES[:3]
    ),
    *(f"{{there}} {{list}} in {the} {noun}" for the in ("the", "this") for noun in _PICTURES[:6]),
    *(
        f"{{list}} {{is}} shown in {the} {noun}"
        for the in ("the", "this")
        for noun in _PICTURES[:4]
    ),
    *(f"{{list}} {{appear}} in {the} {noun}" for the in ("the", "this") for noun in _PICTURES[:5]),
)
"""Sentences that list things and name the picture."""

SHORT_OPENINGS = (
    "{there} {list}",
    "{there} {list}",
    "{there} {list}",
    "{there} {list} here",
    "{list}",
    "{list}",
    "here {is_first} {list}",
    "here we see {list}",
    "here you see {list}",
    "here you can see {list}",
    "we can see {list}",
    "we see {list}",
    "you can see {list}",
    "one can see {list}",
    "i can see {list}",
    "i see {list}",
    "{list} can be seen",
    "{list} can be seen here",
    "{list} {is} visible",
    "{list} {is} shown",
    "{list} {is} shown here",
    "{list} {is} pictured",
    "{list} {is} depicted",
    "shown here {is_first} {list}",
    "pictured here {is_first} {list}",
    "on display {is_first} {list}",
    "a viewer can make out {list}",
    "we are looking at {list}",
    "you are looking at {list}",
)
"""Sentences that list things; the ground may follow them."""

ALL_OPENINGS = (
    "{there} {number} {things} : {list}",
    "{there} {number} {things} in the picture : {list}",
    "{there} {number} {things} in this image : {list}",
    "the picture shows {number} {things} : {list}",
    "this image shows {number} {things} : {list}",
    "the image contains {number} {things} , namely {list}",
    "{number} {things} {is} shown : {list}",
    "we can see {number} {things} : {list}",
    "we count {number} {things} here : {list}",
    "in total , {there} {number} {things} : {list}",
    "the scene consists of {list}",
    "the scene is made up of {list}",
    "this picture is composed of {list}",
    "nothing but {list} can be seen",
    "only {list} {appear} in the picture",
)
"""Sentences that say how many things there are or that there are no others."""

IN_ORDER = {
    "x": (
        "from left to right , {there} {list}",
        "from left to right , we see {list}",
        "from left to right , the picture shows {list}",
        "{list} {appear} from left to right",
        "seen from left to right , {there} {list}",
        "{list} follow each other from left to right",
    ),
    "y": (
        "from top to bottom , {there} {list}",
        "from top to bottom , we see {list}",
        "from the top down , the picture shows {list}",
        "{list} {appear} from top to bottom",
        "seen from top to bottom , {there} {list}",
    ),
}
"""Sentences that list things in the order of their places."""

ON_GROUND = (
    "on {ground}",
    "on {ground}",
    "against a background of {ground}",
    "in front of {ground}",
    "with {ground} in the background",
    "with {ground} behind {them}",
    "before a background of {ground}",
    "set against {ground}",
)
IN_FRONT_OF_GROUND = (
    "in front of {ground}",
    "in front of {ground}",
    "against {ground}",
    "with {ground} in the background",
    "with {ground} behind {them}",
    "set against {ground}",
    "with {ground} as a backdrop",
)
"""What may follow a list of things; `{them}` is "it" or "them". The latter for upright grounds."""

RELATIONS = {
    "left": ("to the left of", "to the left of", "left of", "on the left of"),
    "right": ("to the right of", "to the right of", "right of", "on the right of"),
    "above": ("above", "above", "over", "higher up than"),
    "below": ("below", "below", "under", "beneath", "underneath", "lower down than"),
    "front": ("in front of",),
    "behind": ("behind", "behind", "partly behind"),
    "near": ("next to", "next to", "near", "close to", "beside"),
    "far": ("far from", "far away from", "a long way from"),
}
"""How relations are said; more than one thing apart."""

LOCATED = (
    *(("is", "are"), ("is", "are"), ("is", "are"), ("is", "are")),
    *(("can be seen", "can be seen"), ("appears", "appear"), ("is located", "are located")),
    *(("is shown", "are shown"), ("is placed", "are placed"), ("is found", "are found")),
    *(("is visible", "are visible"), ("is positioned", "are positioned")),
    *(("shows up", "show up"), ("is situated", "are situated")),
)
"""Verbs of place that are true of everything: of one thing, of several."""

RESTING = (
    *(("sits", "sit"), ("rests", "rest"), ("lies", "lie"), ("has been placed", "have been placed")),
    *(("is lying", "are lying"), ("is resting", "are resting"), ("stays", "stay")),
    *(("has been put", "have been put"), ("has been laid down", "have been laid down")),
)
"""Verbs of place for lifeless things."""

PLACES = {
    ("top", "left"): ("in the top left corner", "in the upper left corner", "at the top left"),
    ("top", "right"): ("in the top right corner", "in the upper right corner", "at the top right"),
    ("bottom", "left"): (
        *("in the bottom left corner", "in the lower left corner", "at the bottom left"),
    ),
    ("bottom", "right"): (
        *("in the bottom right corner", "in the lower right corner", "at the bottom right"),
    ),
    ("left",): (
        *("on the left", "on the left side", "at the left", "at the left edge"),
        *("on the left side of the picture", "in the left part of the image"),
    ),
    ("right",): (
        *("on the right", "on the right side", "at the right", "at the right edge"),
        *("on the right side of the picture", "in the right part of the image"),
    ),
    ("top",): (
        *("at the top", "at the top of the picture", "in the upper part of the image"),
        *("near the top", "in the top part of the picture"),
    ),
    ("bottom",): (
        *("at the bottom", "at the bottom of the picture", "in the lower part of the image"),
        *("near the bottom", "in the bottom part of the picture"),
    ),
    ("middle",): (
        *("in the middle", "in the centre", "in the middle of the picture"),
        *("at the centre of the image", "near the middle"),
    ),
}
"""How places in the picture are said."""

ALSO = (
    "{there} also {list}",
    "{there} also {list}",
    "{list} {is} there , too",
    "{list} can be seen as well",
    "{list} can also be seen",
    "the picture also shows {list}",
    "the image also contains {list}",
    "we also see {list}",
    "you can also find {list}",
    "besides , {there} {list}",
    "besides that , we see {list}",
    "in addition , {there} {list}",
    "apart from that , {there} {list}",
    "moreover , {list} {appear} in the scene",
    "as well as that , {there} {list}",
    "what is more , we see {list}",
)
"""Sentences that list other things, after a first list."""

SIZES = {
    "small": ("small", "small", "little", "tiny"),
    "large": ("large", "large", "big", "big", "sizeable"),
}

SIGN_PHRASES = (
    'that says " {word} "',
    'that says " {word} "',
    'that reads " {word} "',
    'with the word " {word} " on it',
    "with the word {word} on it",
    'saying " {word} "',
    'reading " {word} "',
    'marked " {word} "',
    'with " {word} " written on it',
    'bearing the word " {word} "',
)
