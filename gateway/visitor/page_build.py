"""Building the waiting page's bytes once, at start: stripped sources, policy, compressed pieces."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import brotli

from gateway.i18n import languages
from gateway.visitor.page_minify import minified

_HERE = Path(__file__).parent.parent
TEMPLATES, STATIC = _HERE / "templates", _HERE / "static"

_WINDOW = 32_768  # bytes that deflate can look back
# What RFC 1952 wants before the deflate stream: no name, no time, "unknown" system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@lru_cache(maxsize=2048)
def choose_encoding(accept_encoding: bytes) -> str:
    """``br``, ``gzip`` or ``identity`` for an ``Accept-Encoding`` header.

    ``br`` only to those who take gzip as well (every browser does): a page with a visitor's own numbers is
    joined from pieces deflated at start, and only gzip can be joined.
    """
    accepted = {
        part.partition(b";")[0].strip().lower()
        for part in accept_encoding.split(b",")
        if not re.search(rb";\s*q=0(\.0*)?\s*$", part)
    }
    if b"gzip" not in accepted:
        return "identity"
    return "br" if b"br" in accepted else "gzip"


def source(name: str) -> str:
    """A file of ``static/``."""
    return (STATIC / name).read_text("utf-8")


@lru_cache(maxsize=1)
def draw_script() -> str:
    """The script that knows the order of a draw: the waiting page puts it into itself when there is one."""
    notices = {
        code: [language.text(key) for key in ("draw.notice", "order.fifo", "draw.how")]
        for code, language in languages().items()
    }
    texts = f"var NOTICE={json.dumps(notices, ensure_ascii=False)};"
    return minified(f"(function(w,d){{'use strict';{texts}\n{source('draw.js')}tell();}})(window,document);")


def as_stripped(style: str, direction: str) -> str:
    """A style sheet without comments, needless space, and what only the other writing direction needs."""
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    if direction == "ltr":
        style = re.sub(r"\[dir=rtl\][^{}]*\{[^{}]*\}", "", style)
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", style)).replace(": ", ":").strip()


def content_security_policy(style: str, *script_hashes: str, images: str = "data:") -> bytes:
    """Nothing from anywhere but this site; inline only exactly this style and these scripts."""
    allowed = " ".join(script_hashes) or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
        f"connect-src 'self'; img-src {images}; style-src {script_hash(style)}; script-src {allowed}"
    ).encode()


def brotli_compressed(body: bytes, *, best: bool) -> bytes:
    """``body`` as small as it can be: slow, for start only. Not ``best``: 4 % larger in no time."""
    return bytes(brotli.compress(body, quality=11 if best else 5, mode=brotli.MODE_TEXT))


@dataclass(frozen=True, slots=True)
class Frame:
    """Fixed bytes before and after a part that changes; joined without compressing the fixed ones again."""

    before: bytes
    after: bytes
    before_deflated: bytes
    after_deflated: bytes
    before_crc: int

    @classmethod
    def around(cls, before: bytes, after: bytes) -> Frame:
        return cls(before, after, _deflate(before, last=False), _deflate(after, last=True), zlib.crc32(before))

    def join(self, middle: bytes, encoding: str) -> bytes:
        """The whole, as gzip (RFC 1952) or as it is; about 0.1 ms."""
        if encoding == "identity":
            return self.before + middle + self.after
        crc = zlib.crc32(self.after, zlib.crc32(middle, self.before_crc))
        size = len(self.before) + len(middle) + len(self.after)
        trailer = crc.to_bytes(4, "little") + size.to_bytes(4, "little")
        pieces = (
            _GZIP_HEADER,
            self.before_deflated,
            _deflate(middle, last=False, after=self.before),
            self.after_deflated,
            trailer,
        )
        return b"".join(pieces)


# Style, texts and script use the alphabet in their own ways: a block for each saves about a hundredth.
_KINDS = re.compile(rb"(?<=</style>)|(?<=\};)(?=\nC\.plural)")


def _deflate(data: bytes, *, last: bool, after: bytes = b"") -> bytes:
    """A raw deflate stream; unless ``last``, cut at a byte so that another stream can follow it.

    It may repeat what the reader has just read: ``after``.
    """
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_DEFAULT_STRATEGY, after[-_WINDOW:])
    first, *rest = _KINDS.split(data)
    out = [stream.compress(first)]
    for kind in rest:
        out += (stream.flush(zlib.Z_BLOCK), stream.compress(kind))
    return b"".join(out) + stream.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def script_hash(text: str) -> str:
    """How a policy names exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
