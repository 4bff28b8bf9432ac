"""The settings of a request: each is obeyed, told in a note, or refused; none is dropped unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seewhy.chats.parts import FRAMES
from seewhy.chats.parts import SETTINGS as SIZES
from seewhy.chats.turns import is_blank, shown
from seewhy.core.errors import PromptError

HARMLESS = frozenset(
    (
        *("stream", "stream_options", "user", "metadata", "store", "service_tier", "request_id"),
        *("id", "object", "created", "created_at", "custom_id", "url", "method", "endpoint", "rid"),
        *("cache_salt", "prompt_cache_key", "safety_identifier", "include", "background"),
        *("parallel_tool_calls", "tool_choice", "function_call", "timeout", "extra_headers"),
        *(
            "extra_query",
            "timestamp",
            "time",
            "priority",
            "return_token_ids",
            "return_hidden_states",
        ),
        *("return_tokens_as_token_ids", "kv_transfer_params", "keep_alive", "source", "dataset"),
        *("headers", "log_metrics", "bootstrap_host", "status_code", "max_tool_calls", "type"),
        *("anthropic_version", "safetySettings", "safety_settings", "context_management"),
    )
)
"""Fields that change neither what the model saw nor how it answered."""

SAMPLING = frozenset(
    (
        *("temperature", "top_p", "top_k", "min_p", "top_a", "typical_p", "repetition_penalty"),
        *("presence_penalty", "frequency_penalty", "length_penalty", "no_repeat_ngram_size", "n"),
        *("best_of", "num_return_sequences", "seed", "stop", "stop_sequences", "stop_token_ids"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens"),
        *("min_tokens", "min_new_tokens", "ignore_eos", "do_sample", "num_beams", "early_stopping"),
        *("use_beam_search", "include_stop_str_in_output", "skip_special_tokens", "options"),
        *("spaces_between_special_tokens", "sampling_params", "generation_config", "echo"),
        *("generationConfig", "parameters", "logprobs", "top_logprobs", "prompt_logprobs"),
        *(
            "return_logprob",
            "top_logprobs_num",
            "logprob_start_len",
            "sampling_seed",
            "no_stop_trim",
        ),
        *("stop_regex", "verbosity", "thinking_budget", "thinking_token_budget"),
    )
)
"""How an answer is drawn: without effect on an answer that is given."""

CONSTRAINTS = frozenset(
    (
        *("response_format", "guided_json", "guided_regex", "guided_choice", "guided_grammar"),
        *("guided_decoding_backend", "structured_outputs", "structural_tag", "regex", "ebnf"),
        *("json_schema", "logit_bias", "bad_words", "allowed_token_ids", "logits_processors"),
        *("custom_logit_processor", "format", "guided_whitespace_pattern"),
    )
)
"""What an answer may hold: it changes what the model could say, not what it saw."""

REFUSED = {
    **dict.fromkeys(("tools", "functions"), "descriptions of tools become a part of the prompt"),
    "prompt": "a stored prompt or a prompt as numbers has no turns here: give `messages`",
    "documents": "documents become a part of the prompt",
    "chat_template": "the answer was made with another template than the model's own; load the "
    "model with a processor that has this template",
    **dict.fromkeys(
        ("prompt_token_ids", "input_ids", "prompt_embeds", "input_embeds"),
        "a prompt as numbers has no turns: give `messages`, or use seewhy.trace",
    ),
    **dict.fromkeys(
        ("previous_response_id", "conversation_id"),
        "earlier turns are on the server: write them into the request",
    ),
    "truncate_prompt_tokens": "the model saw a part of the prompt only",
    "audio": "sound is not supported",
    "audio_data": "sound is not supported",
    "use_audio_in_video": "sound is not supported",
    "add_special_tokens": "the model saw special tokens twice",
    "return_dict": "it is no setting of a request",
    "tokenize": "it is no setting of a request",
}
"""Fields that change what the model saw in a way that is not followed, each with the reason."""

VARIABLES = ("enable_thinking", "reasoning_effort")
"""Fields that servers hand to the chat template."""
OF_MEDIA = ("max_dynamic_patch", "min_dynamic_patch", *(n for n in SIZES if n != "detail"))
"""Fields of a request that set the size of all its pictures."""


@dataclass(eq=False)
class Settings:
    """What a request sets.

    Attributes:
        template: variables of the chat template.
        processor: settings of the image processor, for all pictures and clips.
        frames: which frames of clips were taken.
        sampling, constraints: names of settings that have no effect on a given answer.
        model: the name of the model that was asked; empty if the request has none.
        continues: whether the last turn is the beginning of the answer.
        unused: names that are not known here.
    """

    template: dict[str, Any] = field(default_factory=dict)
    processor: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, Any] = field(default_factory=dict)
    sampling: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    model: str = ""
    continues: bool = False
    unused: list[str] = field(default_factory=list)

    def notes(self, *, is_given: bool) -> Iterator[str]:
        """What a reader of the explanation must know of the settings.

        Raises:
            PromptError: if the model is to answer, and the request restricts its answer.
        """
        if self.sampling and is_given:
            yield (
                f"Settings of sampling in the request ({', '.join(self.sampling)}) have no effect: "
                "the answer is given, and probabilities are those without them."
            )
        elif self.sampling:
            yield (
                f"Settings of sampling in the request ({', '.join(self.sampling)}) were not used: "
                "the answer is the model's own, by the options of this call."
            )
        if self.constraints and not is_given:
            raise PromptError(
                f"Expected the answer of a request that restricts it ({self.constraints[0]}), got "
                "none: give the logged response, or leave this setting out."
            )
        if self.constraints:
            yield (
                f"The server restricted the answer ({', '.join(self.constraints)}): probabilities "
                "are those of the model without that."
            )
        if self.unused:
            names = ", ".join(self.unused[:12]) + (", ..." if len(self.unused) > 12 else "")
            yield f"Fields of the request that were not used: {names}."


def read_settings(request: Mapping[str, Any], known: frozenset[str]) -> Settings:
    """Read all fields of a request that are not its turns.

    Args:
        request: the whole request.
        known: names of the fields that hold turns, pictures and answers.

    Raises:
        PromptError: if a field changes what the model saw in a way that is not followed.
    """
    found = Settings()
    for name, value in request.items():
        name = str(name)
        if name not in known:
            _read(found, name, value)
    if request.get("add_generation_prompt") is False and not found.continues:
        raise PromptError(
            "Expected a request whose prompt ends where the answer begins, got "
            "add_generation_prompt = false: leave it out, or set continue_final_message."
        )
    return found


def _read(found: Settings, name: str, value: Any) -> None:
    if name == "model":
        found.model = value if isinstance(value, str) else ""
    elif name == "continue_final_message":
        found.continues = bool(value)
    elif name == "add_generation_prompt" or is_blank(value) or _is_neutral(name, value):
        return
    elif name in REFUSED:
        raise refused(name)
    elif name == "chat_template_kwargs":
        found.template |= _variables(value)
    elif name == "reasoning" and isinstance(value, Mapping):
        found.template |= {"reasoning_effort": value["effort"]} if value.get("effort") else {}
    elif name in VARIABLES or (name == "thinking" and isinstance(value, bool)):
        found.template[name] = value
    elif name in ("mm_processor_kwargs", "processor_options", "media_io_kwargs"):
        _read_media(found, name, value)
    elif name in OF_MEDIA:
        found.processor[name] = value
    elif name in SAMPLING:
        found.sampling.append(name)
    elif name in CONSTRAINTS:
        found.constraints.append(name)
    elif name not in HARMLESS:
        found.unused.append(name[:40])


def refused(name: str) -> PromptError:
    """The error for a field that is not followed."""
    return PromptError(f"Expected a request without {name!r}, got one: {REFUSED[name]}.")


def _is_neutral(name: str, value: Any) -> bool:
    """Whether a field has the value that is usual, and changes nothing."""
    if name == "response_format":
        return isinstance(value, Mapping) and value.get("type") == "text"
    if name == "truncation":
        return value == "disabled"
    if name == "modalities":
        return value == ["text"]
    if name == "text" and isinstance(value, Mapping):  # settings of OpenAI's responses
        form = value.get("format")
        return form is None or (isinstance(form, Mapping) and form.get("type") == "text")
    return False


def _variables(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise PromptError(
            f"Expected an object as chat_template_kwargs, got {shown(value)}: write names with "
            "values."
        )
    variables = {str(name): one for name, one in value.items()}
    for name in variables:
        if name in REFUSED and not is_blank(variables[name]):
            raise refused(name)
        if name in ("add_generation_prompt", "continue_final_message"):
            raise PromptError(
                f"Expected variables of the template in chat_template_kwargs, got {name!r}: write "
                "it into the request itself."
            )
    return {name: one for name, one in variables.items() if name not in REFUSED}


def _read_media(found: Settings, name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise PromptError(f"Expected an object as {name}, got {shown(value)}: write names, values.")
    if name == "media_io_kwargs":
        others = [f"{kind}.{one}" for kind, of_kind in value.items() for one in of_kind or ()
                  if kind != "video" or one not in FRAMES]  # fmt: skip
        if others:
            raise PromptError(
                f"Expected frames of clips (video.num_frames) in media_io_kwargs, got {others[0]}: "
                "it changes what the model saw in a way that is not followed."
            )
        found.frames |= value.get("video") or {}
        return
    for one, setting in value.items():
        if one in ("images_kwargs", "videos_kwargs") and isinstance(setting, Mapping):
            found.processor |= setting
        elif one in REFUSED and not is_blank(setting):
            raise refused(str(one))
        elif one in FRAMES:
            found.frames[str(one)] = setting
        elif setting is not None:
            found.processor[str(one)] = setting
