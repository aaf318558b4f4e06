# SPDX-License-Identifier: GPL-2.0-or-later
"""A control client: Varlink on DIR/control.sock (src/proto/io.limpet.varlink)."""

import json
import socket

from waiting import unix_socket


class Refused(Exception):
    """The daemon said no: the errno's name and a sentence."""

    def __init__(self, errno, message):
        super().__init__(f"{errno}: {message}")
        self.errno, self.message = errno, message


class Misunderstood(Exception):
    """An error of org.varlink.service: its short name and its parameters."""

    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name, self.parameters = name, parameters


class HungUp(Exception):
    """The daemon closed the connection."""


class Control:
    """One connection. Names of links come first, what is asked of them is keywords."""

    def __init__(self, path):
        self.socket = unix_socket(socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.buffer = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Messages.

    def send(self, method, parameters=None, **flags):
        """Sends a call and waits for nothing; 'flags' are more and oneway."""
        self.send_bytes(call(method, parameters or {}, **flags))

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise HungUp from gone

    def receive(self):
        """The next reply, whole: its parameters, and whether another follows."""
        while b"\0" not in self.buffer:
            try:
                more = self.socket.recv(1 << 18)
            except ConnectionResetError:
                more = b""
            if not more:
                raise HungUp
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        reply = json.loads(text)
        parameters = reply.get("parameters", {})
        if reply.get("error") == "io.limpet.Refused":
            raise Refused(parameters["errno"], parameters["message"])
        if "error" in reply:
            raise Misunderstood(reply["error"].rpartition(".")[2], parameters)
        return parameters, reply.get("continues", False)

    def call(self, method, **parameters):
        self.send(method, parameters)
        return self.receive()[0]

    # Links.

    def add(self, name, /, **change):
        """Returns the name the link got."""
        named = {"name": name} if name else {}
        return self.call("Add", **named, change=change)["name"]

    def add_endpoint(self, name, /, lower="lan0", mode="bridge", up=True, **change):
        return self.add(name, kind="macvtap", lower=lower, mode=mode, up=up, **change)

    def set(self, name, /, **change):
        self.call("Set", name=name, change=change)

    def delete(self, name):
        self.call("Delete", name=name)

    def link(self, name):
        return self.call("List", name=name)["link"]

    def links(self):
        """All of them, by name."""
        self.send("List", more=True)
        links, follows = {}, True
        while follows:
            parameters, follows = self.receive()
            if "link" in parameters:
                links[parameters["link"]["name"]] = parameters["link"]
        return links


def call(method, parameters, **flags):
    """The bytes of a call; io.limpet is meant if no interface is named."""
    if "." not in method:
        method = "io.limpet." + method
    return json.dumps({"method": method, "parameters": parameters, **flags}).encode() + b"\0"
