"""Writes certificates and keys of make.sh again in other forms that the field has, and signs them with OpenSSL.

A certificate is SEQUENCE { to be signed, algorithm, signature }; in what is signed the algorithm stands once more and
the subject's key is SEQUENCE { name of the algorithm, point }.
"""

import base64
import subprocess
import sys

OPENSSL = sys.argv[1]
CURVE = bytes.fromhex("06082a811ccf5501822d")
ON_CURVE = bytes.fromhex("06072a8648ce3d0201") + CURVE
TWICE = CURVE + CURVE
SIGNATURE = bytes.fromhex("06082a811ccf55018375")
NULL = bytes.fromhex("0500")


def element(tag, content):
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(length)]) + length + content


def elements(content):
    """The elements one after the other: tag, content."""
    while content:
        tag, length, start = content[0], content[1], 2
        if length >= 128:
            start = 2 + length - 128
            length = int.from_bytes(content[2:start], "big")
        yield tag, content[start : start + length]
        content = content[start + length :]


def replaced(content, old, new):
    """Puts `new` in the place of elements whose content is `old`, at any depth of sequences."""
    found = []
    for tag, inner in elements(content):
        if inner == old:
            inner = new
        elif tag == 0x30:
            inner = replaced(inner, old, new)
        found.append(element(tag, inner))
    return b"".join(found)


def read(path):
    lines = open(path).read().split("-----")
    return lines[1].removeprefix("BEGIN "), base64.b64decode(lines[2])


def write(path, label, der):
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    open(path, "w").write("\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]))


def signed(path, issuer, target, old, new):
    label, der = read(path)
    ((_, outer),) = elements(der)
    (tag, body), (_, algorithm), _ = elements(outer)
    body = element(tag, replaced(body, old, new))
    algorithm = element(0x30, replaced(algorithm, old, new) if algorithm != old else new)
    command = [OPENSSL, "dgst", "-sm3", "-sign", f"{issuer}.key", "-sigopt", "distid:1234567812345678"]
    signature = subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True).stdout
    write(target, label, element(0x30, body + algorithm + element(3, b"\0" + signature)))


signed("client.crt", "agency", "client.null.crt", SIGNATURE, SIGNATURE + NULL)
signed("agency.crl", "agency", "agency.null.crl", SIGNATURE, SIGNATURE + NULL)
signed("agency.crt", "ca", "agency.twice.crt", ON_CURVE, TWICE)
signed("client.crt", "agency", "client.twice.crt", ON_CURVE, TWICE)

label, der = read("client.key")
write("client.twice.key", label, replaced(der, ON_CURVE, TWICE))

# OpenSSL puts "SM2 PRIVATE KEY" above a key in SEC 1; everybody else reads it as what it is.
_, der = read("server.sec1.key")
write("server.sec1.key", "EC PRIVATE KEY", der)
