"""HTTP connections to public addresses only, so that a catalogue cannot make the cluster read its own network.

A name is resolved once and the connection is made to the very address that was looked at. Redirects open connections
of their own and are held to the same rule. Proxies of the environment are not used: what a proxy can reach, nobody
here can tell.
"""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.request import HTTPHandler, HTTPSHandler, Request

_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32_BITS = 2**32 - 1


class AddressRefused(OSError):
    """A host has no public address."""


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; one that stands for an IPv4 address counts as that one."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = _embedded(found) or found
    return found.is_global and not found.is_multicast


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & _LOW_32_BITS)
    teredo = None if address.teredo is None else address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or teredo


def connect(host: str, port: int, timeout_s: float | None) -> socket.socket:
    """A connection to a public address of a host.

    Raises:
        AddressRefused: It has none.
        OSError: It cannot be resolved or reached.
    """
    addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    public = sorted(filter(is_public, addresses))
    if not public:
        raise AddressRefused(
            f"{host} is {', '.join(sorted(addresses))}, which is no public address: set "
            "sources.allow_private_addresses if such hosts may be read"
        )
    return socket.create_connection((public[0], port), timeout_s)


class _PublicConnection(HTTPConnection):
    def connect(self) -> None:
        self.sock = connect(self.host, self.port, self.timeout)


class _PublicTlsConnection(HTTPSConnection):
    def connect(self) -> None:
        plain = connect(self.host, self.port, self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


class PublicHTTPHandler(HTTPHandler):
    """Opens http URLs on public hosts."""

    def http_open(self, req: Request) -> HTTPResponse:
        """Called by urllib."""
        return self.do_open(_PublicConnection, req)


class PublicHTTPSHandler(HTTPSHandler):
    """Opens https URLs on public hosts."""

    def https_open(self, req: Request) -> HTTPResponse:
        """Called by urllib."""
        return self.do_open(_PublicTlsConnection, req)
