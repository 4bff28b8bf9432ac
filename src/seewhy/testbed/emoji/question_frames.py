"""The frames of questions and their answers: texts with slots in braces."""

from __future__ import annotations

COLOUR_QUESTIONS = (
    "what colour is {the} ?",
    "what is the colour of {the} ?",
    "which colour does {the} have ?",
    "what colour does {the} have ?",
    "tell me the colour of {the} .",
    "can you tell which colour {the} has ?",
    "in which colour is {the} shown ?",
    "name the colour of {the} .",
    "what colour would you say {the} is ?",
    "how is {the} coloured ?",
    "the {kind} in the picture : what colour is it ?",
    "which colour is {the} in this image ?",
)
COLOUR_ANSWERS = (
    "{the} is {colour}",
    "{the} is {colour}",
    "it is {colour}",
    "the colour of {the} is {colour}",
    "{the} has {a} {colour} colour",
    "its colour is {colour}",
    "{colour}",
    "it is {coloured}",
    "{the} looks {colour}",
    "i see {coloured}",
)

COUNT_QUESTIONS = (
    "how many {kinds} are there ?",
    "how many {kinds} are in the picture ?",
    "how many {kinds} can you see ?",
    "how many {kinds} do you see ?",
    "count the {kinds} .",
    "what is the number of {kinds} ?",
    "can you count the {kinds} in this image ?",
    "how many {kinds} does the image show ?",
    "tell me how many {kinds} there are .",
    "please count all {kinds} in the picture .",
    "how many {kinds} appear in the scene ?",
    "give the number of {kinds} .",
)
SOME_ANSWERS = (
    "{there} {number} {kinds}",
    "{there} {number} {kinds}",
    "{there} {number} {kinds} in the picture",
    "i can see {number} {kinds}",
    "i count {number} {kinds}",
    "{number} {kinds} {is} shown",
    "{number}",
    "the image shows {number} {kinds}",
    "{number} {kinds}",
    "in this picture , {there} {number} {kinds}",
)
NONE_ANSWERS = (
    "there are no {many}",
    "there is no {kind}",
    "i can see no {many}",
    "there are zero {many}",
    "zero",
    "none ; there is no {kind} in the picture",
    "the picture shows no {many}",
    "there are no {many} in this image",
    "the image does not show any {many}",
    "no {many} are shown",
)

PRESENCE_QUESTIONS = (
    "is there {one} ?",
    "is there {one} in the picture ?",
    "can you see {one} ?",
    "do you see {one} here ?",
    "does the image show {one} ?",
    "does this picture contain {one} ?",
    "are there any {kinds} ?",
    "are any {kinds} shown ?",
    "is {one} visible in this scene ?",
    "can {one} be seen ?",
    "tell me whether there is {one} in the image .",
    "do you find {one} in this photo ?",
)
YES_ANSWERS = (
    "yes , {there} {list}",
    "yes , {there} {list}",
    "yes , {there} {list} in the picture",
    "yes , i can see {list}",
    "yes , the image shows {list}",
    "yes , {list} {is} shown",
    "yes , {list} can be seen",
    "indeed , {there} {list}",
    "yes , we see {list}",
    "yes , the picture has {list}",
)
NO_ANSWERS = (
    "no , there is no {kind}",
    "no , there is no {kind}",
    "no , there are no {kinds}",
    "no , there is no {kind} in the picture",
    "no , i can see no {kind}",
    "no , the image shows no {kind}",
    "no , no {kind} can be seen",
    "no , the picture does not show {list}",
    "no , i do not see {list}",
    "no , {list} is not shown",
)

PLACE_QUESTIONS = (
    "where is {the} ?",
    "where is {the} in the picture ?",
    "where can you see {the} ?",
    "in which part of the image is {the} ?",
    "where in the image is {the} located ?",
    "what is the position of {the} ?",
    "tell me where {the} is .",
    "where do you find {the} ?",
    "at what place in the picture is {the} ?",
    "where should i look for {the} ?",
    "whereabouts is {the} ?",
    "can you say where {the} is ?",
)
PLACE_ANSWERS = (
    "{the} is {place}",
    "{the} is {place}",
    "it is {place}",
    "it is {place}",
    "you can see {the} {place}",
    "you find {the} {place}",
    "{place} is {the}",
    "{place}",
    "{the} is located {place}",
    "look for {it} {place}",
)

RELATION_QUESTIONS = (
    "where is {the} , seen from {other} ?",
    "where is {the} in relation to {other} ?",
    "where is {the} relative to {other} ?",
    "what is the position of {the} with respect to {other} ?",
    "compared with {other} , where is {the} ?",
    "starting at {other} , where is {the} ?",
    "where does {the} lie , if you start at {other} ?",
    "describe the place of {the} relative to {other} .",
    "from {other} , where do you find {the} ?",
)

KIND_OF_QUESTIONS = (
    "what kind of thing is {the} ?",
    "what sort of thing is {the} ?",
    "what is {the} ?",
    "to what group of things does {the} belong ?",
    "how would you classify {the} ?",
    "which category does {the} belong to ?",
    "what type of thing is {the} ?",
    "give a general word for {the} .",
    "what is a more general name for {the} ?",
    "what do we call things such as {the} ?",
)
KIND_OF_ANSWERS = (
    "{the} is {hypernym}",
    "it is {hypernym}",
    "it is {hypernym}",
    "{the} is {hypernym} , of course",
    "that is {hypernym}",
    "{hypernym}",
    "i would call it {hypernym}",
)

HYPERNYM_QUESTIONS = (
    "which {kinds} are there ?",
    "which {kinds} can you see ?",
    "what {kinds} does the picture show ?",
    "what {kinds} are in the image ?",
    "name the {kinds} .",
    "list the {kinds} in the picture .",
    "which {kinds} are shown here ?",
    "tell me which {kinds} you see .",
    "can you name all {kinds} in this image ?",
    "what are the {kinds} in this scene ?",
)

SIGN_QUESTIONS = (
    "what does {the} say ?",
    "what is written on {the} ?",
    "what word is on {the} ?",
    "which word can be read on {the} ?",
    "read {the} .",
    "what can you read on {the} ?",
    "please read the word on {the} .",
    "what does it say on {the} ?",
    "which word does {the} show ?",
    "what is the text on {the} ?",
    "can you read {the} ?",
)
SIGN_ANSWERS = (
    '{the} says " {word} "',
    'it says " {word} "',
    'it reads " {word} "',
    'the word on {the} is " {word} "',
    'the word is " {word} "',
    '" {word} "',
    "{word}",
    'the text is " {word} "',
    'on {the} is the word " {word} "',
    '{the} reads " {word} "',
)

FACT_QUESTIONS = (
    "what do you know about {the} ?",
    "what is {one} for , or what does it do ?",
    "tell me something about {the} .",
    "what is typical of {one} ?",
    "what can you say about {the} ?",
    "give me a fact about {the} .",
    "do you know anything about {the} ?",
    "what should I know about {one} ?",
    "what is known about {the} ?",
    "please explain what {one} is .",
)
FACT_ANSWERS = (
    "{one} {fact}",
    "{one} {fact}",
    "it {fact}",
    "it is {hypernym} that {fact}",
    "{the} is {hypernym} that {fact}",
    "as we know , {one} {fact}",
    "it is known that {one} {fact}",
    "in general , {one} {fact}",
)

ADJECTIVE_QUESTIONS = (
    "what is {the} like ?",
    "describe {the} .",
    "how would you describe {the} ?",
    "which words describe {the} ?",
    "can you describe {the} ?",
    "what does {the} look like ?",
    "find some words for {the} .",
    "how does {the} look ?",
    "give a short description of {the} .",
    "say what {the} is like .",
)
ADJECTIVE_ANSWERS = (
    "it is {adjectives}",
    "{the} is {adjectives}",
    "{the} is {adjectives}",
    "it is {described}",
    "{adjectives}",
    "i would call it {adjectives}",
)
