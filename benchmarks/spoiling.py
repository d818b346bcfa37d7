"""Good files made bad, so that much of them is still read: for `fuzz.py`."""

import io
import json
import random
import struct
import zipfile
import zlib
from typing import Any

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
ODD = (0, -1, 1e308, -1e308, 10**20, "", "\x00", "../../etc/passwd", None, [], {}, True, "NaN", [[]], "=1+1")


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def spoil(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """A good file, changed so that much of it is still read."""
    kind = dice.random()
    if data[:1] in (b"{", b"[") and kind < 0.7:
        return spoil_json(data, dice)
    if data[:4] == b"PK\x03\x04" and kind < 0.6:
        return spoil_members(data, dice)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and kind < 0.6:
        return spoil_png(data, dice)
    return spoil_bytes(data, others, dice)


def spoil_bytes(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Bits, numbers and pieces changed."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at = dice.randrange(min(len(out), 400) if dice.random() < 0.5 else len(out)) if out else 0
        match dice.randrange(7):
            case 0 if out:
                out[at] ^= 1 << dice.randrange(8)
            case 1:
                number = dice.choice(NUMBERS)
                out[at : at + 4] = struct.pack(dice.choice("<>") + "I", number)
            case 2:
                del out[at : at + dice.randrange(1, 64)]
            case 3:
                out[at:at] = out[at : at + dice.randrange(1, 256)]
            case 4:
                del out[at:]
            case 5:
                other = dice.choice(others)
                out[at:] = other[dice.randrange(len(other)) :]
            case _:
                out[at:at] = dice.randbytes(dice.randrange(1, 16))
    return bytes(out)


def spoil_json(data: bytes, dice: random.Random) -> bytes:
    """A value somewhere in it is another one."""
    found = json.loads(data)
    for _ in range(dice.choice((1, 1, 2, 3))):
        node: Any = found
        while isinstance(node, dict | list) and node:
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = dice.choice(list(keys))
            if dice.random() < 0.25 or not isinstance(node[key], dict | list) or not node[key]:
                if dice.random() < 0.2:
                    del node[key]
                else:
                    node[key] = dice.choice(ODD)
                break
            node = node[key]
    return json.dumps(found).encode()


def spoil_members(data: bytes, dice: random.Random) -> bytes:
    """A file in it is spoiled, or has another name; the zip itself is sound."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = dice.choice(list(files))
    files[name] = spoil(files[name], list(files.values()), dice)
    if dice.random() < 0.2:
        files[dice.choice(("../x.png", "/x.png", "a/" * 50 + "x.png", "=x.png", "original/a.jpg"))] = files.pop(name)
    return zipped(files)


def spoil_png(data: bytes, dice: random.Random) -> bytes:
    """A chunk is changed, and its sum fits again."""
    out, at, chunks = data[:8], 8, []
    while at + 12 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    k = dice.randrange(len(chunks))
    kind, body = chunks[k]
    chunks[k] = (kind, spoil_bytes(body, [data], dice))
    for kind, body in chunks:
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out
