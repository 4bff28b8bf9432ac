"""One answer in the response of every server, whole and streamed."""

from __future__ import annotations

import json

TEXT = "A red cup."


def openai(**more):
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, **more}]}


def chunk(delta, end=None, **more):
    return {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": end, **more}],
    }


STREAM = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "A red"}),
    chunk({"content": " cup."}),
    chunk({}, "stop"),
    {"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 3}},
]

WHOLE = {
    "text": TEXT,
    "chat completions": openai(finish_reason="stop"),
    "parts": {"choices": [{"message": {"content": [{"type": "text", "text": TEXT}]}}]},
    "completions": {"choices": [{"text": TEXT, "finish_reason": "stop"}]},
    "responses": {
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": []},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
            },
        ],
    },
    "responses, text": {"output_text": TEXT, "output": []},
    "vllm": {"text": [TEXT]},
    "vllm, offline": {"prompt": "x", "outputs": [{"index": 0, "text": TEXT, "token_ids": [1]}]},
    "sglang": {"text": TEXT, "meta_info": {"finish_reason": {"type": "stop", "matched": 2}}},
    "ollama": {"message": {"role": "assistant", "content": TEXT}, "done_reason": "stop"},
    "ollama, generate": {"response": TEXT, "done": True},
    "tgi": [{"generated_text": TEXT, "details": {"finish_reason": "eos_token"}}],
    "pipeline": [{"generated_text": [{"role": "user", "content": "What?"},
                                     {"role": "assistant", "content": TEXT}]}],
    "anthropic": {
        "type": "message", "role": "assistant", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": TEXT}],
    },
    "gemini": {"candidates": [{"content": {"role": "model", "parts": [{"text": TEXT}]},
                               "finishReason": "STOP"}]},
    "batch": {"custom_id": "1", "response": {"status_code": 200, "body": openai()}},
    "body as text": json.dumps(openai()),
    "chunks": STREAM,
    "chunks, completions": [
        {"object": "text_completion.chunk", "choices": [{"index": 0, "text": piece}]}
        for piece in ("A red", " cup.")
    ],
    "chunks, responses": [
        {"type": "response.created", "response": {}},
        {"type": "response.output_text.delta", "delta": "A red"},
        {"type": "response.output_text.delta", "delta": " cup."},
    ],
    "chunks, responses at their end": [
        {"type": "response.output_text.delta", "delta": "A red"},
        {"type": "response.completed", "response": {"output_text": TEXT}},
    ],
    "chunks, anthropic": [
        {"type": "message_start", "message": {}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "A red"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": " cup."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ],
    "chunks, ollama": [
        {"message": {"content": "A red"}, "done": False},
        {"message": {"content": " cup."}, "done": False},
        {"message": {"content": ""}, "done": True, "done_reason": "stop"},
    ],
}  # fmt: skip
