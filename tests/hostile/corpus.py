"""The corpus: what a hostile client sends on one connection, what it may be answered, what may reach the origin.

``PASS`` stands for the cookie of somebody inside. Every case says the statuses of all answers that come on its
connection, in order, and the request lines that the origin may see. Whatever the case, nothing that is named
"smuggled" may arrive there.
"""

from __future__ import annotations

from dataclasses import dataclass

PASS = b"@PASS@"
HOST = b"Host: daftar.example"
CLOSE = b"Connection: close"
COOKIE = b"Cookie: antrean-pass-registration=" + PASS
SMUGGLED = b"GET /static/smuggled HTTP/1.1\r\nHost: daftar.example\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
PROGRAM = b"Accept: */*"


@dataclass(frozen=True)
class Case:
    name: str
    wire: bytes
    statuses: tuple[int, ...]
    reaches: tuple[str, ...] = ()
    whole: bool = True  # whether what reaches the origin is complete there


def request(line: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, *fields, b"", body])


def post(*fields: bytes, body: bytes = b"") -> bytes:
    """By somebody inside, so that nothing but the listener stands in its way."""
    return request(b"POST /kirim HTTP/1.1", HOST, COOKIE, PROGRAM, *fields, body=body)


def get(*fields: bytes, path: bytes = b"/form") -> bytes:
    return request(b"GET %b HTTP/1.1" % path, HOST, COOKIE, PROGRAM, *fields)


_ZERO = b"0\r\n\r\n" + SMUGGLED
_OBFUSCATED = (
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: \"chunked\"",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding:\x00chunked",
    b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding\t: chunked", b"Transfer-Encoding:\r\n chunked",
    b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked", b" Transfer-Encoding: chunked",
    b"Transfer_Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked\xa0",
    b"Transfer-Encoding: \xef\xbb\xbfchunked", b"\xffTransfer-Encoding: chunked",
    b"Transfer-Encoding: CHUNKED\x0c",
)  # fmt: skip

SMUGGLING = (
    Case("CL.TE", post(b"Content-Length: 5", CHUNKED, body=_ZERO), (400,)),
    Case("TE.CL", post(CHUNKED, b"Content-Length: 5", body=_ZERO), (400,)),
    Case("CL.CL", post(b"Content-Length: 3", b"Content-Length: 60", body=b"abc" + SMUGGLED), (400,)),
    Case("CL list", post(b"Content-Length: 3, 60", body=b"abc" + SMUGGLED), (400,)),
    Case("CL in words", post(b"Content-Length: 0x3", body=b"abc" + SMUGGLED), (400,)),
    Case("CL with a plus", post(b"Content-Length: +3", body=b"abc" + SMUGGLED), (400,)),
    Case("CL with a point", post(b"Content-Length: 3.0", body=b"abc" + SMUGGLED), (400,)),
    Case("CL of another script", post("Content-Length: ３".encode(), body=b"abc" + SMUGGLED), (400,)),
    *(
        Case(f"TE.TE {field!r}", post(b"Content-Length: 4", field, body=b"5c\r\n" + _ZERO), (400,))
        for field in _OBFUSCATED
    ),
    Case("TE.TE twice", post(CHUNKED, b"Transfer-Encoding: identity", body=_ZERO), (400,)),
    Case("TE in HTTP/1.0", request(b"POST /kirim HTTP/1.0", HOST, COOKIE, CHUNKED, body=_ZERO), (400,)),
    Case(
        "CL.0 to the site, refused",
        request(
            b"POST /kirim HTTP/1.1", HOST, PROGRAM, CLOSE, b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED
        ),
        (429,),
    ),
    Case(
        "CL.0 to the pulse",
        request(
            b"POST /_queue/registration/pulse HTTP/1.1", HOST, CLOSE, b"Content-Length: %d" % len(SMUGGLED),
            body=SMUGGLED,
        ),
        (405,),
    ),
    Case(
        "a GET with a body to the pulse",
        request(
            b"GET /_queue/registration/pulse HTTP/1.1", HOST, CLOSE, b"Content-Length: %d" % len(SMUGGLED),
            body=SMUGGLED,
        ),
        (200,),
    ),
    Case(
        "Expect and an early answer",
        request(
            b"POST /kirim HTTP/1.1", HOST, PROGRAM, b"Expect: 100-continue", b"Content-Length: 3",
            body=SMUGGLED,
        ),
        (429,),
    ),
    Case("chunk size with 0x", post(CHUNKED, body=b"0x3\r\nabc\r\n" + _ZERO), (400,), ("POST /kirim",), False),
    Case("chunk size with a sign", post(CHUNKED, body=b"+3\r\nabc\r\n" + _ZERO), (400,), ("POST /kirim",), False),
    Case("chunk size overflows", post(CHUNKED, body=b"1" + b"0" * 16 + b"3\r\nabc\r\n" + _ZERO), (400,),
         ("POST /kirim",), False),
    Case("chunk size with zeros", post(CLOSE, CHUNKED, body=b"0" * 5000 + b"3\r\nabc\r\n0\r\n\r\n"), (200,),
         ("POST /kirim",)),
    Case("chunk size endless", post(CHUNKED, body=b"0" * 200_000), (431,), ("POST /kirim",), False),
    Case("chunk line ends bare", post(CHUNKED, body=b"3\nabc\n0\n\n" + SMUGGLED), (400,),
         ("POST /kirim",), False),
    Case("chunk is longer", post(CHUNKED, body=b"3\r\nabcdef\r\n" + _ZERO), (400,), ("POST /kirim",), False),
    Case("extension ends bare", post(CHUNKED, body=b"3;x\nabc\r\n" + _ZERO), (400,), ("POST /kirim",), False),
    Case("extension holds a CR", post(CHUNKED, body=b"3;x=\r" + SMUGGLED), (400,), ("POST /kirim",), False),
    Case("last chunk ends bare", post(CHUNKED, body=b"3\r\nabc\r\n0\r\n\n" + SMUGGLED), (400,),
         ("POST /kirim",), False),
    Case("extensions go no further", post(CLOSE, CHUNKED, body=b"3;x=y;z\r\nabc\r\n0\r\n\r\n"), (200,),
         ("POST /kirim",)),
    Case("trailers go no further", post(CLOSE, CHUNKED, body=b"0\r\nAntrean-Visitor: smuggled\r\n\r\n"), (200,),
         ("POST /kirim",)),
    Case("a refusal ends what was pipelined", get(HOST) + SMUGGLED, (400,)),
    Case("one answer, then none", get() + get(HOST) + SMUGGLED, (200,), ("GET /form",)),
    Case("h2c is not spoken", get(CLOSE + b", Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"),
         (200,), ("GET /form",)),
    Case("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED, (400,)),
    Case(
        "a websocket without a pass, and a request behind it",
        request(
            b"GET /ws HTTP/1.1", HOST, b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ) + SMUGGLED,
        (403,),
    ),
    Case(
        "a websocket of no version, and a request behind it",
        get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 777",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", path=b"/ws") + SMUGGLED,
        (400,),
    ),
    Case("a websocket by POST", post(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Content-Length: 0") + SMUGGLED, (405,)),
)  # fmt: skip

HEADS = (
    Case("no Host", request(b"GET /form HTTP/1.1", COOKIE), (400,)),
    Case("two Hosts", get(b"Host: vaksin.example"), (400,)),
    Case("two Hosts alike", get(HOST), (400,)),
    Case("an empty Host", request(b"GET /form HTTP/1.1", b"Host:", COOKIE), (400,)),
    Case("a Host with a path", request(b"GET /form HTTP/1.1", b"Host: daftar.example/x", COOKIE), (400,)),
    Case("a Host with a user", request(b"GET /form HTTP/1.1", b"Host: a@daftar.example", COOKIE), (400,)),
    Case("a Host of nobody", request(b"GET /form HTTP/1.1", b"Host: evil.example", COOKIE, CLOSE), (404,)),
    Case("absolute form, another host", get(path=b"http://vaksin.example/form"), (400,)),
    Case("absolute form, a user in it", get(path=b"http://vaksin.example@daftar.example/form"), (400,)),
    Case("absolute form, another scheme", get(path=b"file:///etc/passwd"), (400,)),
    Case("absolute form of this site", get(CLOSE, path=b"http://daftar.example/form"), (200,), ("GET /form",)),
    Case("asterisk form", request(b"OPTIONS * HTTP/1.1", HOST, COOKIE), (400,)),
    Case("CONNECT", request(b"CONNECT 127.0.0.1:22 HTTP/1.1", HOST, COOKIE), (405,)),
    Case("TRACE", request(b"TRACE /form HTTP/1.1", HOST, PROGRAM, CLOSE), (429,)),
    Case("obs-fold", get(b"X-A: a\r\n b"), (400,)),
    Case("obs-fold first", request(b"GET /form HTTP/1.1", b" X: y", HOST, COOKIE), (400,)),
    Case("bare LF after the line", get().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"), (400,)),
    Case("bare LF between fields", get(b"X-A: a\nX-B: b"), (400,)),
    Case("bare LF at the end", get().replace(b"\r\n\r\n", b"\r\n\n"), (400,)),
    Case("bare CR in a value", get(b"X-A: a\rX-B: b"), (400,)),
    Case("NUL in a value", get(b"X-A: a\0b"), (400,)),
    Case("NUL in a name", get(b"X\0A: a"), (400,)),
    Case("DEL in a value", get(b"X-A: a\x7fb"), (400,)),
    Case("a bell in a value", get(b"X-A: a\x07b"), (400,)),
    Case("an escape in a name", get(b"X\x1bA: a"), (400,)),
    Case("a name without a value", get(b"X-A"), (400,)),
    Case("a value without a name", get(b": a"), (400,)),
    Case("an umlaut in a name", get("Ä: a".encode()), (400,)),
    Case("a tab in the target", get(path=b"/a\tb"), (400,)),
    Case("a NUL in the target", get(path=b"/a\0b"), (400,)),
    Case("a byte beyond ASCII in the target", get(path=b"/\xc0\xae"), (400,)),
    Case("a fragment in the target", get(path=b"/form#x"), (400,)),
    Case("an underscore in a name", get(b"Antrean_Visitor: smuggled"), (400,)),
    Case("a bomb of fields", get(*(b"X-%d: a" % n for n in range(2000))), (431,)),
    Case("a bomb of one field", get(b"X-A: " + b"a" * 1_000_000), (431,)),
    Case("a bomb of cookies", get(b"Cookie: " + b"a=b; " * 20_000), (431,)),
    Case("a huge address", get(path=b"/" + b"a" * 1_000_000), (414,)),
    Case("a huge query", get(path=b"/?" + b"a=b&" * 5000), (414,)),
    Case("an unknown method", request(b"BREW /form HTTP/1.1", HOST, COOKIE), (400,)),
    Case("HTTP/0.9", request(b"GET /form"), (505,)),
    Case("a handshake of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40), (400,)),
)  # fmt: skip

# By somebody inside: what is believed of these, and what of them arrives. See test_corpus.
SPOOFS = (
    b"Antrean-Visitor: smuggled", b"antrean-VISITOR:smuggled", b"Antrean-Pass-Expires: 9999999999",
    b"Antrean-Finished: 1", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 127.0.0.1, 6.6.6.6",
    b"X-Real-IP: 6.6.6.6",
    b"Forwarded: for=6.6.6.6;host=evil.example", b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: https",
    b"X-Forwarded-Server: evil.example", b"X-Forwarded-Prefix: /evil", b"X-Forwarded-Port: 666",
    b"X-Forwarded-Uri: /static/x", b"X-Original-URI: /static/x", b"Proxy: http://evil.example",
    b"Proxy-Authorization: Basic eDp5", b"Connection: close, Antrean-Visitor, Antrean-Pass-Expires, Host",
    b"Connection: close, Content-Length, Cookie", b"Keep-Alive: timeout=99", b"TE: trailers",
    b"Trailer: Antrean-Visitor",
)  # fmt: skip

# Without a pass: whatever an origin makes of these, none of them reaches one. Paths below /static/ are free.
DETOURS = (
    b"/static/../form", b"/static/%2e%2e/form", b"/static/%2E%2E/form", b"/static/.%2e/form", b"/static/..%2fform",
    b"/static/%2e%2e%2fform", b"/static/..%5cform", b"/static/%252e%252e/form", b"/static/%25252e%25252e/form",
    b"/static/..;/form", b"/static/..;x=y/form", b"/static/.;/../form", b"/static/..\\form", b"/static\\..\\form",
    b"/static/x/../../form", b"/static//../form", b"/static/./../form", b"/static/..//form", b"//static/x",
    b"/%2fstatic/x", b"/.%2fstatic/x", b"/STATIC/x", b"/Static/x", b"/static./x", b"/static%20/x", b"/static%00/x",
    b"/static%2f../form", b"/%73tatic/../form", b"/form;/static/x", b"/form/..;/static/x/..;/..;/form",
    b"/form?/static/x", b"/form%3f/static/x", b"/form%23/static/x", b"/static", b"/staticx/y", b"/form/static/x",
    b"/%e2%80%ae/static/x", b"/static/%c0%ae%c0%ae/form", b"/static/%uff0e%uff0e/form", b"/static/..%c0%afform",
    b"/static/..%252fform", b"/static/%2e%2e;/form", b"/static/x/%2e%2e/%2e%2e/form", b"/_queue/../form",
    b"/_queue/registration/../../form", b"/_QUEUE/x", b"/_queue", b"/_queue//registration/pulse",
)  # fmt: skip
# These are read as a free path by every origin, and go on as they came.
FREE = (b"/static/x", b"/static/a/../b", b"/static/%41", b"/static/x?/../form", b"/static/a;b=c", b"/static/a..b")
