"""Who vouches for a release: a signature over its manifest, made with this house's own signing key.

A manifest names every file by its sha256, so whoever changes a file and the manifest together is not noticed by hashes
alone. The signature stands beside the manifest; the public half of the key lies beside the releases, and a consumer
keeps the copy (or the fingerprint) that the data centre gave it by another way. What a manifest says is the business of
`layout`.

Ed25519 by `cryptography`. The library has no SM2; `algorithm` is written down so that another can follow.
"""

import base64
import binascii
import hashlib
import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipelines import keys
from pipelines.releases.layout import MANIFEST, ReleaseError
from pipelines.settings import Settings

SIGNATURE = "manifest.sig"
PUBLIC_KEY = "signing-key.pub"
ALGORITHM = "ed25519"
_PURPOSE = b"xingfuyun release manifest\0"
"""Stands before what is signed, so that a signature made for anything else is none for a release."""


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The house's signing key. Raises KeyProblem."""
    return Ed25519PrivateKey.from_private_bytes(keys.opened(settings, keys.SIGNING).secret)


def fingerprint(key: Ed25519PublicKey) -> str:
    """How people name a key: the first 16 hexadecimal digits of the sha256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(folder: Path, key: Ed25519PrivateKey) -> None:
    """Writes the signature of `folder`'s manifest beside it. The same manifest and key give the same bytes."""
    signature = key.sign(_PURPOSE + (folder / MANIFEST).read_bytes())
    body = {
        "algorithm": ALGORITHM,
        "key": fingerprint(key.public_key()),
        "signature": base64.b64encode(signature).decode(),
    }
    (folder / SIGNATURE).write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def publish_key(releases: Path, key: Ed25519PublicKey) -> Path:
    """Puts the public half beside the releases, as PEM, where it is not there yet."""
    path = releases / PUBLIC_KEY
    text = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not path.is_file() or path.read_bytes() != text:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(text)
        fresh.replace(path)
    return path


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. Raises ReleaseError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{path} is no public key in PEM form ({type(error).__name__})") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ReleaseError(f"{path} is a public key of another kind; releases are signed with {ALGORITHM}")
    return key


def signature_problem(folder: Path, key: Ed25519PublicKey) -> str | None:
    """What is wrong with the signature of a release, or None where `key` vouches for its manifest as it stands."""
    path = folder / SIGNATURE
    if not path.is_file() or path.is_symlink():
        return "is missing: nobody vouches for this manifest"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        algorithm, named, signature = body["algorithm"], body["key"], base64.b64decode(body["signature"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        return "is no signature"
    if algorithm != ALGORITHM:
        return f"is made by {algorithm!r}, which this version does not check"
    known = fingerprint(key)
    if named != known:
        return f"is made with key {named}, not with {known}"
    try:
        key.verify(signature, _PURPOSE + (folder / MANIFEST).read_bytes())
    except (InvalidSignature, OSError):
        return f"does not fit {MANIFEST}: the manifest is not as key {known} signed it"
    return None
