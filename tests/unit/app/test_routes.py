"""Addresses: exactly those that there are, each with its methods."""

import pytest

from seewhy.app.errors import RequestError
from seewhy.app.routes import ROUTES, found_route
from seewhy.app.sitting import Sitting


def test_every_route_has_an_answer():
    for route in ROUTES:
        assert callable(getattr(Sitting, f"_{route.name}"))


@pytest.mark.parametrize(
    ("method", "path", "name", "parts"),
    [
        ("GET", "/api/state", "state", ()),
        ("POST", "/api/jobs/a-_9/stop", "stop_job", ("a-_9",)),
        ("GET", "/api/entries/x/picture/12", "entry_picture", ("x", "12")),
        ("POST", "/api/entries/import", "import_entry", ()),
        ("DELETE", "/api/entries/import", "remove_entry", ("import",)),
        ("GET", "/api/comparisons/x.html", "comparison", ("x",)),
    ],
)
def test_found_route_names_the_answer_and_the_parts(method, path, name, parts):
    route, found = found_route(method, path)
    assert (route.name, found) == (name, parts)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/api", "/api/", "/api/states", "/api/state/", "//api/state", "/API/state"),
        *("/api/entries/../../etc/passwd", "/api/entries/..", "/api/entries/x/picture/-1"),
        *("/api/entries/x/picture/1e3", "/api/entries/x/picture/99999", "/api/entries/a%2Fb"),
        *(
            "/api/entries/x/folder.zip/..",
            "/api/pictures/a\nb",
            "/api/pictures/ü",
            "/api/pictures/",
        ),
        *("/api/pictures/" + "x" * 65, "/api/entries/x/reportxhtml", "/api/entries/٣/picture/٣"),
    ],
)
def test_found_route_knows_nothing_else(path):
    with pytest.raises(RequestError, match="Expected an address of the app") as refused:
        found_route("GET", path)
    assert refused.value.status == 404


def test_another_method_of_an_address_is_told_which_there_are():
    with pytest.raises(RequestError, match="Expected DELETE, GET for this address") as refused:
        found_route("POST", "/api/entries/x")
    assert (refused.value.status, refused.value.headers["Allow"]) == (405, "DELETE, GET")
