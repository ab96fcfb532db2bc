"""Makes the files of this folder again: needs Pillow, c2pa-python, cryptography, and the command exiftool.

They are committed, since tests know what is in them. No mark is written by code of this library: credentials
are signed by the C2PA project's own tool with a certificate made here, XMP and IPTC are written by exiftool.
What no tool writes is put together by hand, and read back by those tools.
"""

import datetime
import hashlib
import io
import json
import struct
import subprocess
from pathlib import Path

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from PIL import Image

here = Path(__file__).parent
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def plain(kind, **options):
    rgb = bytes(value for y in range(8) for x in range(12) for value in (x * 20, y * 30, 128))
    out = io.BytesIO()
    Image.frombytes("RGB", (12, 8), rgb).save(out, kind, **options)
    return out.getvalue()


PLAIN = {"png": plain("png"), "jpg": plain("jpeg", quality=60), "webp": plain("webp", lossless=True)}
TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


def certificates():
    """A chain of two, as the signing tool wants it, and the key of the first, which nobody keeps."""
    start = datetime.datetime(2026, 1, 1)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "nanobanana tests"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
            ]
        )
        for name in ("signer", "authority")
    ]
    chain = []
    for at, is_authority in ((0, False), (1, True)):
        unused = ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
        usage = dict.fromkeys([*unused, "encipher_only", "decipher_only"], False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[at])
            .issuer_name(names[1])
            .public_key(keys[at].public_key())
            .serial_number(at + 1)
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[at].public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[1].public_key()), critical=False
            )
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, **usage
                ),
                critical=True,
            )
        )
        if not is_authority:
            purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purpose, critical=False)
        chain.append(builder.sign(keys[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())
    return "".join(chain), keys[0]


def by(key, data):
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(kind, signer):
    manifest = {
        "claim_generator_info": [{"name": "Google C2PA Core Generator Library", "version": "1"}],
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": TRAINED}]},
            }
        ],
    }
    out = io.BytesIO()
    c2pa.Builder(json.dumps(manifest)).sign(signer, TYPES[kind], io.BytesIO(PLAIN[kind]), out)
    return out.getvalue()


def segments(jpeg):
    """The segments of a JPEG up to its picture, and the rest."""
    at, found = 2, []
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
        found.append(jpeg[at:end])
        at = end
    return found, jpeg[at:]


def segment(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def in_pieces(jpeg):
    """The same credentials in three segments, as a tool splits those that are longer than 64 KB."""
    found, rest = segments(jpeg)
    parts = []
    for one in found:
        if one[1] != 0xEB:
            parts.append(one)
            continue
        head, box = one[4:8], one[12:]
        body = box[8:]
        third = len(body) // 3
        cuts = [body[:third], body[third : 2 * third], body[2 * third :]]
        for number, piece in enumerate(cuts, 1):
            parts.append(segment(0xEB, head + struct.pack(">I", number) + box[:8] + piece))
    return jpeg[:2] + b"".join(parts) + rest


def extended(jpeg, packet):
    """XMP in two extension segments, the later one first."""
    name = hashlib.md5(packet).hexdigest().upper().encode()
    main = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
        b'xmpNote:HasExtendedXMP="' + name + b'"/></rdf:RDF></x:xmpmeta>'
    )
    half = len(packet) // 2
    parts = [segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main)]
    for at, piece in ((half, packet[half:]), (0, packet[:half])):
        place = name + struct.pack(">II", len(packet), at)
        parts.append(segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + place + piece))
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


def tagged(name, *tags):
    path = here / name
    path.write_bytes(PLAIN[path.suffix[1:]])
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-n", *tags, path], check=True)


AI = [
    f"-XMP-iptcExt:DigitalSourceType={TRAINED}",
    "-XMP-photoshop:Credit=Made with Google AI",
    "-XMP-xmp:CreatorTool=Nano Banana",
]

for kind, data in PLAIN.items():
    (here / f"plain.{kind}").write_bytes(data)
certificate, key = certificates()
signer = c2pa.Signer.from_callback(lambda data: by(key, data), c2pa.C2paSigningAlg.ES256, certificate)
for kind in PLAIN:
    (here / f"c2pa.{kind}").write_bytes(signed(kind, signer))
pieces = in_pieces((here / "c2pa.jpg").read_bytes())
(here / "c2pa-in-pieces.jpg").write_bytes(pieces)
assert "trainedAlgorithmicMedia" in c2pa.Reader("image/jpeg", io.BytesIO(pieces)).json()

tagged("xmp.png", *AI)
tagged("xmp.jpg", *AI)
packet = subprocess.run(["exiftool", "-b", "-XMP", here / "xmp.jpg"], check=True, capture_output=True).stdout
(here / "xmp.webp").write_bytes(plain("webp", lossless=True, xmp=packet))
long = extended(PLAIN["jpg"], packet)
(here / "xmp-extended.jpg").write_bytes(long)
told = subprocess.run(
    ["exiftool", "-s3", "-Credit", here / "xmp-extended.jpg"], capture_output=True, text=True
)
assert told.stdout.strip() == "Made with Google AI", told
tagged("iptc.jpg", "-IPTC:Credit=Made with Google AI", "-IPTC:Headline=A boat")
tagged("camera.jpg", f"-XMP-iptcExt:DigitalSourceType={CAPTURED}", "-XMP-photoshop:Credit=Ai Weiwei")
