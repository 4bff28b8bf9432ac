"""What a client is told of an error: this package's words, and nothing of any other."""

import pytest

from seewhy.app.errors import (
    INTERNAL,
    NO_MEMORY,
    NO_SPACE,
    RequestError,
    kind_of,
    message_of,
    not_found,
    status_of,
    too_large,
)
from seewhy.core.errors import (
    ImageError,
    MemoryLimitError,
    ModelError,
    OutputError,
    SchemaError,
    UnknownNameError,
    UnsupportedInputError,
)


@pytest.mark.parametrize(
    ("error", "status", "kind", "message"),
    [
        (ImageError("Expected  a\npicture."), 422, "image", "Expected a picture."),
        (UnknownNameError("no such"), 422, "unknown-name", "no such"),
        (SchemaError("damaged"), 422, "schema", "damaged"),
        (UnsupportedInputError("no clips"), 422, "unsupported-input", "no clips"),
        (ModelError("broken"), 422, "model", "broken"),
        (MemoryLimitError("8 GB"), 507, "memory-limit", "8 GB"),
        (MemoryError("somewhere"), 507, "memory-limit", NO_MEMORY),
        (OutputError("cannot write /tmp/secret/x"), 507, "output", NO_SPACE),
        (OutputError("Expected matplotlib, got none."), 507, "output", "Expected matplotlib"),
        (OSError("/home/me/x"), 507, "storage", NO_SPACE),
        (KeyError("words of a user"), 500, "internal", INTERNAL),
        (RecursionError("deep"), 500, "internal", INTERNAL),
        (not_found("a job"), 404, "not-found", "Expected a job of this sitting"),
        (too_large("a zip", 5), 413, "too-large", "at most 5 bytes, got more"),
    ],
)
def test_errors_have_a_status_a_kind_and_a_plain_text(error, status, kind, message):
    assert (status_of(error), kind_of(error)) == (status, kind)
    assert message in message_of(error, "/tmp/secret")
    assert "secret" not in message_of(error, "/tmp/secret")


def test_headers_tell_when_to_try_again_and_which_methods_there_are():
    assert RequestError(429, "busy", "wait", retry_after=0.2).headers == {"Retry-After": "1"}
    assert RequestError(405, "method", "no", allow="GET").headers == {"Allow": "GET"}
