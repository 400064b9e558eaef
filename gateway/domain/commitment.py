"""What a room publishes of its draws, signed: nobody can say afterwards that another commitment was the one. Pure.

Ed25519 (RFC 8032) over the document as JSON without its signature: keys sorted, no spaces, ASCII only. The library
for it is an extra, needed only where something is signed or a signature checked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.errors import DrawRefuted, SigningMissing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Document = Mapping[str, Any]
ALGORITHM = "Ed25519"
SAID_BEFORE = ("commitment", "announced_entropy", "freeze_s")  # of a draw: what must not change afterwards


def statement(document: Document) -> bytes:
    """The bytes that are signed."""
    bare = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":")).encode("ascii")


def public_key(key: str) -> str:
    """Hex of the key with which anyone checks what ``sign`` signs with ``key``. Raises SigningMissing."""
    return _private(key).public_key().public_bytes_raw().hex()


def sign(document: Document, key: str) -> dict[str, Any]:
    """The document with its signature, made with one of the secret keys. Raises SigningMissing."""
    value = _private(key).sign(statement(document)).hex()
    return {**document, "signature": {"algorithm": ALGORITHM, "public_key": public_key(key), "value": value}}


def signer(document: Document) -> str:
    """Hex of the public key that signed the document; '' if none did. Raises DrawRefuted, SigningMissing."""
    signature = document.get("signature")
    if signature is None:
        return ""
    try:
        signed_by, value = bytes.fromhex(signature["public_key"]), bytes.fromhex(signature["value"])
    except (KeyError, TypeError, ValueError):
        raise DrawRefuted("the signature is damaged: do not trust this file") from None
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise SigningMissing from None
    try:
        Ed25519PublicKey.from_public_bytes(signed_by).verify(value, statement(document))
    except (InvalidSignature, ValueError):
        raise DrawRefuted("the signature does NOT fit: this file was changed after it was signed") from None
    return signed_by.hex()


def check_against(committed: Document, published: Document) -> None:
    """That the draw is the one that was committed to in another document. Raises DrawRefuted."""
    instance = published.get("instance")
    openings = [committed, *(committed.get("planned") or [])]
    said = next((each.get("draw") for each in openings if each.get("instance") == instance), None)
    now = published.get("draw")
    if not said or not now:
        raise DrawRefuted(f"the commitment file says nothing of the opening {instance}: it is of another one")
    for name in SAID_BEFORE:
        if said.get(name) != now.get(name):
            raise DrawRefuted(f"{name} is NOT what the commitment file says: do not trust this draw")


def _private(key: str) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise SigningMissing from None
    seed = hmac.digest(key.encode(), b"antrean commitment signing key", hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(seed)
