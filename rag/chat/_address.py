"""Where an endpoint is: an address that may be written down, and whether a key sent there could be read on the way."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

# Of this machine or a network of one's own (RFC 1918, 3927, 4193, 4291). `is_private` of the standard library also holds ranges that
# are tunnelled through the Internet (Teredo, addresses mapped from IPv4).
_OWN = [
    ipaddress.ip_network(n)
    for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "0.0.0.0/32", "::1/128", "::/128", "fc00::/7", "fe80::/10")
]
# A name without a dot that is no number in disguise (134744072 and 0x8080808 are 8.8.8.8), or one below a domain that public
# name servers do not have (RFC 6761, RFC 6762, and `internal`, reserved by ICANN in 2024).
_PLAIN = re.compile(r"(?!0x[0-9a-f]*$|\d+$)[a-z0-9_-]+|(?:[a-z0-9_-]+\.)+(?:localhost|local|internal)")


def checked(base_url: str) -> str:
    """Return the address without the slash at its end. Raises `ValueError` for what is none, or may hold a secret."""
    base_url = base_url.strip().rstrip("/")
    try:
        url = urlsplit(base_url)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if host is None or url.scheme not in ("http", "https") or not base_url.isascii() or any(c.isspace() for c in base_url):
        raise ValueError("base_url is no http or https address; write it like https://host/v1")
    if url.username or url.password or url.query or url.fragment:  # not repeated here: it may hold a key
        raise ValueError("base_url holds a user, password, query or fragment; leave it out: a key comes from the variable that api_key_env names")
    return base_url


def exposed(base_url: str) -> bool:
    """Whether what is sent there goes in clear (http) to a host that is neither this machine nor on a network of one's own."""
    url = urlsplit(base_url)
    return url.scheme == "http" and not _local(url.hostname or "")


def _local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _PLAIN.fullmatch(host) is not None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _OWN)
