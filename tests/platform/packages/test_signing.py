"""Signatures: whom one trusts, and for which bytes (contract 5.4)."""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="the extra packages is not installed")

from pywasmgk.errors import SignatureError
from pywasmgk.platform.packages import (
    PrivateKey,
    PublicKey,
    Release,
    Trust,
    sign,
    sign_release,
    verify,
)
from pywasmgk.platform.packages.signing import verify_release

case = pytest.mark.case

#: seed, public key, message and signature: tests 1, 2, 3 and 1024 of RFC 8032, section 7.1
VECTORS = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
            "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
            "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
        (
            "08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98fa6e264bf09efe12"
            "ee50f8f54e9f77b1e355f6c50544e23fb1433ddf73be84d879de7c0046dc4996d9e773f4bc9efe57"
            "38829adb26c81b37c93a1b270b20329d658675fc6ea534e0810a4432826bf58c941efb65d57a338b"
            "bd2e26640f89ffbc1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b199ee5d02e82d522c4fe"
            "ba15452f80288a821a579116ec6dad2b3b310da903401aa62100ab5d1a36553e06203b33890cc9b8"
            "32f79ef80560ccb9a39ce767967ed628c6ad573cb116dbefefd75499da96bd68a8a97b928a8bbc10"
            "3b6621fcde2beca1231d206be6cd9ec7aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53"
            "f1d8ac70bdcb7ed185ce81bd84359d44254d95629e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2"
            "d17ba70eb6248e594e1a2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40cc24554119a831a9aad6"
            "079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f27088d78b7e883c8759d2c4f5c65adb7553"
            "878ad575f9fad878e80a0c9ba63bcbcc2732e69485bbc9c90bfbd62481d9089beccf80cfe2df16a2"
            "cf65bd92dd597b0707e0917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128ba"
            "b27af87a71314f318c782b23ebfe808b82b0ce26401d2e22f04d83d1255dc51addd3b75a2b1ae078"
            "4504df543af8969be3ea7082ff7fc9888c144da2af58429ec96031dbcad3dad9af0dcbaaaf268cb8"
            "fcffead94f3c7ca495e056a9b47acdb751fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301"
            "651339e22904cc8c42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8"
            "ca61783aacec57fb3d1f92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34dff7310fdc82aebfd9"
            "04b01e1dc54b2927094b2db68d6f903b68401adebf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7"
            "984a74d37145986780fc0b16ac451649de6188a7dbdf191f64b5fc5e2ab47b57f7f7276cd419c17a"
            "3ca8e1b939ae49e488acba6b965610b5480109c8b17b80e1b7b750dfc7598d5d5011fd2dcc5600a3"
            "2ef5b52a1ecc820e308aa342721aac0943bf6686b64b2579376504ccc493d97e6aed3fb0f9cd71a4"
            "3dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5fb93246f6b1116398a346f1a641f3b041"
            "e989f7914f90cc2c7fff357876e506b50d334ba77c225bc307ba537152f3f1610e4eafe595f6d9d9"
            "0d11faa933a15ef1369546868a7f3a45a96768d40fd9d03412c091c6315cf4fde7cb68606937380d"
            "b2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86aba41c0618983f8741c5ef"
            "68d3a101e8a3b8cac60c905c15fc910840b94c00a0b9d0"
        ),
        (
            "0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350aa5371b1508f9f45"
            "28ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03"
        ),
    ),
)
KEY, OTHER = PrivateKey(bytes(range(32))), PrivateKey(bytes(32))
DATA = b"\0asm\1\0\0\0"


@case("H18")
@pytest.mark.parametrize("vector", VECTORS, ids=["1", "2", "3", "1024"])
def test_keys_sign_as_the_rfc_says(vector: tuple[str, str, str, str]) -> None:
    seed, public, message, signature = vector
    key = PrivateKey(bytes.fromhex(seed))
    assert str(key.public) == public
    assert key.signature(bytes.fromhex(message)).hex() == signature
    assert key.public.verifies(bytes.fromhex(signature), bytes.fromhex(message))
    assert not key.public.verifies(bytes.fromhex(signature), bytes.fromhex(message) + b"\0")


@case("H17")
def test_what_was_signed_is_verified() -> None:
    signature = sign(DATA, KEY)
    assert len(signature) == 128
    assert bytes.fromhex(signature) == KEY.signature(sha256(DATA).digest())
    assert verify(DATA, signature, [OTHER.public, KEY.public]) == KEY.public
    assert verify(DATA, signature.upper(), [KEY.public]) == KEY.public


@case("H17")
def test_what_was_not_signed_is_refused() -> None:
    signature = sign(DATA, KEY)
    for data, keys in ((DATA + b"\0", [KEY.public]), (DATA, [OTHER.public]), (DATA, [])):
        with pytest.raises(SignatureError) as found:
            verify(data, signature, keys)
        assert str(found.value) == "signature verification failed: no matching trusted key"
    with pytest.raises(SignatureError, match=r"^invalid signature format: "):
        verify(DATA, "xy" * 64, [KEY.public])
    with pytest.raises(SignatureError, match=r"^invalid signature length: expected 64, got 4$"):
        verify(DATA, "00ff00ff", [KEY.public])
    with pytest.raises(SignatureError, match=r"^invalid signature format: "):
        verify(DATA, signature[:64] + " " + signature[64:], [KEY.public])


@case("H19", "W40")
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  "])
def test_lines_may_end(end: str) -> None:
    assert verify(DATA, sign(DATA, KEY) + end, [KEY.public]) == KEY.public


@case("W40")
def test_keys_of_other_lengths_are_refused() -> None:
    for text in ("", "00", "0" * 63, "0" * 62, "g" * 64, "\u0660" * 64, "00 " * 32):
        with pytest.raises(SignatureError, match=r"^a public key is 64 hexadecimal digits"):
            PublicKey.from_hex(text)
        with pytest.raises(SignatureError, match=r"^a private key is 128 hexadecimal"):
            PrivateKey.from_hex(text)
    with pytest.raises(SignatureError):
        PublicKey(b"short")
    with pytest.raises(SignatureError):
        PrivateKey(b"short")


def test_keys_are_written_as_go_writes_them() -> None:
    text = KEY.hex()
    assert text == bytes(range(32)).hex() + str(KEY.public)
    assert PrivateKey.from_hex(text + "\n").public == KEY.public
    with pytest.raises(SignatureError, match=r"belongs to another key"):
        PrivateKey.from_hex(text[:64] + str(OTHER.public))
    assert text not in repr(KEY)
    # what looks like a public key signs nothing
    with pytest.raises(SignatureError):
        PrivateKey.from_hex(str(KEY.public))
    assert PublicKey.from_hex(f"public: {KEY.public}\n") == KEY.public
    assert PrivateKey.generate().public != PrivateKey.generate().public


# -- releases


@case("W39")
def test_a_release_says_what_it_is_of() -> None:
    text = sign_release(DATA, "stats", "1.2.0", KEY)
    found = verify_release(DATA, text, [OTHER.public, KEY.public])
    assert found == Release("stats", "1.2.0", sha256(DATA).hexdigest(), KEY.public)


@case("W39")
@pytest.mark.parametrize("member", ["name", "version", "sha256", "key", "signature", "format"])
def test_every_word_of_a_release_is_signed(member: str) -> None:
    form = json.loads(sign_release(DATA, "stats", "1.2.0", KEY))
    form[member] = form[member][:-1] + ("1" if form[member][-1] != "1" else "2")
    with pytest.raises(SignatureError):
        verify_release(DATA, json.dumps(form).encode(), [KEY.public])
    del form[member]
    with pytest.raises(SignatureError, match=r"^invalid signature format: expected "):
        verify_release(DATA, json.dumps(form).encode(), [KEY.public])


@case("W39")
def test_a_release_of_other_bytes_is_refused() -> None:
    text = sign_release(DATA, "stats", "1.2.0", KEY)
    with pytest.raises(SignatureError, match=r"the release is of other bytes"):
        verify_release(DATA + b"\0", text, [KEY.public])
    with pytest.raises(SignatureError, match=r"no matching trusted key"):
        verify_release(DATA, text, [OTHER.public])


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"[]", b"[" * 4000, b'{"name":1}', b'{"a":' * 800, b"1e999"]
)
def test_what_is_no_release_is_refused(text: bytes) -> None:
    with pytest.raises(SignatureError, match=r"^invalid signature format"):
        verify_release(DATA, text, [KEY.public])


# -- trust


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stats.wasm"
    path.write_bytes(DATA)
    return path


def beside(path: Path, suffix: str, text: str | bytes) -> None:
    Path(f"{path}{suffix}").write_bytes(text.encode() if isinstance(text, str) else text)


def test_the_environment_says_whom_to_trust() -> None:
    both = f" {KEY.public},\n{OTHER.public} "
    trust = Trust.from_environment({"GOATFLOW_TRUSTED_KEYS": both})
    assert (trust.keys, trust.required) == ((KEY.public, OTHER.public), False)
    assert Trust.from_environment({"GOATFLOW_REQUIRE_SIGNATURES": "1"}).required
    assert not Trust.from_environment({"GOATFLOW_REQUIRE_SIGNATURES": "true"}).required
    with pytest.raises(SignatureError):
        Trust.from_environment({"GOATFLOW_TRUSTED_KEYS": "abc"})


def test_signatures_are_looked_for_beside_the_file(path: Path) -> None:
    beside(path, ".sig", sign(DATA, KEY))
    assert Trust((KEY.public,)).verify(path, DATA) == KEY.public
    with pytest.raises(SignatureError, match=r"no matching trusted key"):
        Trust((OTHER.public,)).verify(path, DATA)
    with pytest.raises(SignatureError, match=r"^failed to read signature file: no stats.wasm.sig"):
        Trust((KEY.public,), releases=True).verify(path, DATA)
    beside(path, ".sig.json", sign_release(DATA, "stats", "1", KEY))
    found = Trust((KEY.public,), releases=True).verify(path, DATA)
    assert isinstance(found, Release) and found.version == "1"


def test_what_is_not_signed_is_said_or_refused(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert Trust((KEY.public,)).verify(path, DATA) is None
    assert "stats.wasm is not signed" in caplog.text
    with pytest.raises(SignatureError, match=r"^failed to read signature file: "):
        Trust((KEY.public,), required=True).verify(path, DATA)


def test_without_trusted_keys_a_signature_is_told_of(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beside(path, ".sig", sign(DATA, KEY))
    with caplog.at_level(logging.WARNING):
        assert Trust().verify(path, DATA) is None
    assert "stats.wasm is signed, but no key is trusted" in caplog.text
    beside(path, ".sig.json", sign_release(DATA, "stats", "1", KEY))
    assert Trust().verify(path, DATA) is None
    with pytest.raises(SignatureError, match=r"of other bytes$"):
        Trust().verify(path, DATA + b"\0")


@case("W37", "W38")
def test_the_bytes_at_hand_are_verified_not_the_file(path: Path) -> None:
    beside(path, ".sig", sign(DATA, KEY))
    path.write_bytes(b"swapped")
    assert Trust((KEY.public,)).verify(path, DATA) == KEY.public
    with pytest.raises(SignatureError):
        Trust((KEY.public,)).verify(path, path.read_bytes())


def test_signature_files_of_any_size_or_kind(path: Path) -> None:
    trust = Trust((KEY.public,))
    beside(path, ".sig", "0" * 5000)
    with pytest.raises(SignatureError, match=r"over 4096 bytes"):
        trust.verify(path, DATA)
    Path(f"{path}.sig").unlink()
    Path(f"{path}.sig").mkdir()
    with pytest.raises(SignatureError, match=r"^failed to read signature file: "):
        trust.verify(path, DATA)
