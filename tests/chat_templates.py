"""The tiny Qwen2-VL with other chat templates."""

from __future__ import annotations

from dataclasses import replace

import tiny_models
from seewhy.models import Family, load

#: Writes the words of the first turn and nothing else.
WORDS = "{% for part in messages[0]['content'] if part.type == 'text' %}{{ part.text }}{% endfor %}"


def family_with_template(template: str) -> Family:
    """The family of a processor with this template."""
    model, processor = tiny_models.build()
    return load((model, replace(processor, template=template))).family
