"""Makes key pairs for the tests: `python keys.py DIRECTORY`.

The user has public.pem; private.pem opens it, locked.pem with the passphrase below, and stranger.pem does not.
"""

import pathlib
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PASSPHRASE = b"correct-horse-battery"

directory = pathlib.Path(sys.argv[1])
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, encryption):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


(directory / "private.pem").write_bytes(pem(key, serialization.NoEncryption()))
(directory / "locked.pem").write_bytes(pem(key, serialization.BestAvailableEncryption(PASSPHRASE)))
(directory / "stranger.pem").write_bytes(pem(stranger, serialization.NoEncryption()))
(directory / "public.pem").write_bytes(
    key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
