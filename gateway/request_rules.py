"""Which requests are served: one host, one length, a path; none that two servers could read differently."""

from __future__ import annotations

from functools import lru_cache

from gateway.forwarding import HOST

_LONGEST_HOST = 262  # bytes: the longest name, and a port


class Refused(Exception):
    """A request that is not served: the status, and one line that says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def the_host(value: bytes, before: bytes | None) -> bytes:
    """The request's host. Raises Refused when there was one ``before``, or when it cannot be one."""
    if before is not None or len(value) > _LONGEST_HOST or not _is_host(value):
        raise Refused(400, "exactly one Host is needed, a name or address with or without a port")
    return value


@lru_cache(1024)
def _is_host(value: bytes) -> bool:
    return HOST.fullmatch(value) is not None


def the_framing(name: bytes, value: bytes, before: bytes) -> bytes:
    """The header that tells the body's length. Raises Refused when two do, or when it is no plain one."""
    if before:
        raise Refused(400, "the length of the body is given twice")
    if name == b"transfer-encoding" and value.lower() != b"chunked":
        raise Refused(400, "the only Transfer-Encoding served is chunked")
    return name


def expects_continue(value: bytes) -> bool:
    """True for ``Expect: 100-continue``; raises Refused for any other expectation."""
    if value.lower() != b"100-continue":
        raise Refused(417, "nothing but 100-continue can be expected")
    return True


def check_head(method: bytes, version: str, host: bytes | None, framing: bytes) -> None:
    """Raise Refused for a head whose parts do not go together."""
    if version not in ("1.0", "1.1"):
        raise Refused(505, "HTTP/1.0 and HTTP/1.1 are served here")
    if host is None and version == "1.1":
        raise Refused(400, "a Host is needed")
    if framing == b"transfer-encoding" and version == "1.0":
        raise Refused(400, "HTTP/1.0 knows no Transfer-Encoding")
    if method == b"CONNECT":
        raise Refused(405, "this is no proxy for other sites")


def path_of(target: bytes, host: bytes | None) -> bytes:
    """The path with the query that ``target`` asks for, whatever form it came in. Raises Refused."""
    if b"#" in target:
        raise Refused(400, "an address may not have a fragment here")
    if target[:1] == b"/":
        return target
    scheme, _, rest = target.partition(b"://")
    authority, slash, path = rest.partition(b"/")
    if scheme.lower() not in (b"http", b"https") or b"?" in authority:
        raise Refused(400, "the address has to be a path")
    if host is None or authority.lower() != host.lower():
        raise Refused(400, "the address and the Host name different sites")
    return (slash or b"/") + path
