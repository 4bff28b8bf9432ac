"""Ports, and the end by a signal."""

import os
import signal
import socket
import threading

import pytest

from seewhy.app.access import Access
from seewhy.app.service import Service
from seewhy.app.serving import PORT, bound_socket, serve
from seewhy.core.errors import ParameterError


def test_a_named_port_is_taken_or_refused():
    with bound_socket("127.0.0.1", None) as first:
        port = first.getsockname()[1]
        with pytest.raises(ParameterError, match=rf"got {port} \(is taken\): name another"):
            bound_socket("127.0.0.1", port)
        with bound_socket("127.0.0.1", None) as second:
            assert second.getsockname()[1] not in (port, 0)


def test_the_usual_port_is_tried_first_and_the_next_ones_after_it(monkeypatch):
    tried = []

    class Taken(socket.socket):
        def bind(self, address):
            tried.append(address[1])
            raise OSError(98 if address[1] else 13, "No")

    monkeypatch.setattr("seewhy.app.serving.socket.socket", Taken)
    with pytest.raises(ParameterError, match="got 0 "):
        bound_socket("127.0.0.1", None)
    assert tried[:3] == [PORT, PORT + 1, PORT + 2]
    assert tried[-1] == 0


@pytest.mark.parametrize("host", ["no.such.host.invalid", "999.1.1.1", "a" * 300, "\0"])
def test_an_address_that_is_none_of_this_machine_is_refused(host):
    with pytest.raises(ParameterError, match="Expected"):
        bound_socket(host, None)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(ParameterError, match="Expected a free port at 192.0.2.1"):
        bound_socket("192.0.2.1", 8765)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_server_and_not_the_program(tmp_path, number):
    before = signal.getsignal(number)
    with (
        Service(folder=tmp_path, prepare=lambda: None) as service,
        bound_socket("127.0.0.1", None) as listening,
    ):
        access = Access("127.0.0.1", listening.getsockname()[1], None)
        ready = threading.Event()

        def when_ready():
            ready.set()
            os.kill(os.getpid(), number)

        serve(service, listening, access, when_ready)
        assert ready.is_set()
    assert signal.getsignal(number) is before
    assert os.listdir(tmp_path) == []
