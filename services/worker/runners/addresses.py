"""Which addresses a step may reach: the public ones, and what the worker's operator allows."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from services.worker.runners.runner import CannotRun

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address


class AddressRefused(CannotRun):
    """The host has an address that steps must not reach."""


class AddressBook:
    """Looks hosts up and refuses private, loopback, link-local, multicast and reserved addresses.

    `allowed` are host names (any address of theirs), addresses and networks.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[Network] = []
        for one in allowed:
            try:
                self._networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError:
                self._hosts.add(_plain(one))

    async def find(self, host: str, port: int) -> list[str]:
        """The host's addresses, to be connected to as they are: a second look-up may say something else.

        Raises:
            CannotRun: the host is unknown.
            AddressRefused: one of its addresses is not allowed.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            told = getattr(error, "strerror", None) or error
            raise CannotRun(f"The host {host!r} can't be found: {told}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._check(host, address)
        return addresses

    def _check(self, host: str, text: str) -> None:
        address = ipaddress.ip_address(text)
        if _plain(host) in self._hosts or any(address in network for network in self._networks):
            return
        inner = _inner(address)
        if any(inner in network for network in self._networks):
            return
        if not (_is_public(address) and _is_public(inner)):
            raise AddressRefused(
                f"The host {host!r} has the address {text}, which steps may not reach; "
                "the worker's setting HEADRACE_WORKER_HTTP_ALLOW can allow it"
            )


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one, where there is one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address


def _plain(host: str) -> str:
    return host.lower().rstrip(".")
