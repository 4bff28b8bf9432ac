"""Whether a chat template can be used at all, before a prompt is written with it."""

from __future__ import annotations

import re

from jinja2 import TemplateSyntaxError
from jinja2.ext import loopcontrols
from jinja2.sandbox import SandboxedEnvironment

from seewhy.core.errors import ModelError, ParameterError

#: Given as `chat_template`: prompts without a chat template.
PLAIN = "plain"

#: Marks of transformers' own, which stand around the model's words.
_GENERATION = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")


def expect_template(template: str, name: str) -> None:
    """Expect a template that Jinja can read.

    Args:
        template: Jinja.
        name: of the model, for errors.

    Raises:
        ModelError: if it cannot; it names the line.
    """
    environment = SandboxedEnvironment(extensions=[loopcontrols])
    try:
        environment.parse(_GENERATION.sub("", template))
    except (TemplateSyntaxError, RecursionError) as error:
        place = f" in line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        raise ModelError(
            f"Expected a chat template in {name!r} that Jinja can read, got {error}{place}: "
            "download the checkpoint again, or pass another as chat_template."
        ) from error


def chosen_template(chat_template: object) -> str | None:
    """The template that a user gave; None for `"plain"`.

    Raises:
        ParameterError: if it is no text, or blank.
    """
    if not isinstance(chat_template, str) or not chat_template.strip():
        raise ParameterError(
            f"Expected chat_template as Jinja, or {PLAIN!r} for none, got {chat_template!r}: give "
            "the template's text."
        )
    return None if chat_template == PLAIN else chat_template


def no_template(name: str) -> ModelError:
    """The error for a checkpoint without a chat template."""
    return ModelError(
        f"Expected a chat template in {name!r} (chat_template.jinja, or in tokenizer_config.json), "
        "got none: download the checkpoint again, pass one as chat_template, or "
        f"chat_template={PLAIN!r} if the model was trained without."
    )
