"""Which addresses steps may reach."""

import pytest

from services.worker.runners.addresses import AddressBook, AddressRefused
from services.worker.runners.runner import CannotRun


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ],
)
async def test_addresses_of_the_worker_and_its_network_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="which steps may not reach"):
        await AddressBook().find(host, 80)


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888"])
async def test_public_addresses_are_reached(host: str) -> None:
    assert await AddressBook().find(host, 443) == [host]


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("10.1.0.0/16", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.0.0/16", "::ffff:10.1.2.3"),
        ("LocalHost.", "localhost"),
        ("fd00::/8", "fd00::1"),
    ],
)
async def test_what_the_operator_allows_is_reached(allowed: str, host: str) -> None:
    assert await AddressBook([allowed]).find(host, 80)


async def test_what_is_beside_the_allowed_stays_refused() -> None:
    with pytest.raises(AddressRefused):
        await AddressBook(["10.1.0.0/16", "localhost"]).find("10.2.0.1", 80)
    with pytest.raises(AddressRefused):
        await AddressBook(["localhost"]).find("127.0.0.1", 80)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a" * 300])
async def test_an_unknown_host_is_told(host: str) -> None:
    with pytest.raises(CannotRun):
        await AddressBook().find(host, 80)
