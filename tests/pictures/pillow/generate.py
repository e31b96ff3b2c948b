"""Writes resized.safetensors: pictures as Pillow resizes and crops them. Needs Pillow (written with 9.4.0), nothing else.

Keys: `input/SIZE` U8 [h, w, 3]; `resize/SIZE/RESAMPLE/WxH` what Image.resize gives; `process/SIZE/RULE` what the steps of
an image processor give (RULES below). RESAMPLE is Pillow's number.
"""

import json
import random
import struct
from pathlib import Path

from PIL import Image, ImageOps

INPUTS = [(23, 17), (5, 31), (64, 48), (1, 7), (13, 13)]
TARGETS = [(7, 5), (23, 11), (40, 37), (64, 3), (9, 31), (13, 13)]
RESAMPLES = [0, 1, 2, 3]


def shorter_side(picture, px, resample):
    width, height = picture.size
    short, long = min(width, height), max(width, height)
    sides = (px, int(px * long / short))
    return picture.resize(sides if width <= height else sides[::-1], resample)


def middle(picture, width, height):
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def target_pad(picture, ratio=1.25):
    width, height = picture.size
    if max(width, height) / min(width, height) < ratio:
        return picture
    side = max(width, height) / ratio
    across, down = max(int((side - width) / 2), 0), max(int((side - height) / 2), 0)
    return ImageOps.expand(picture, (across, down, across, down), fill=0)


RULES = {
    "crop": lambda picture: middle(shorter_side(picture, 16, 3), 16, 16),
    "crop smaller": lambda picture: middle(shorter_side(picture, 18, 3), 11, 15),
    "crop larger": lambda picture: middle(shorter_side(picture, 9, 2), 16, 13),
    "crop only": lambda picture: middle(picture, 16, 16),
    "squash": lambda picture: picture.resize((16, 16), 2),
    "pad": lambda picture: middle(shorter_side(target_pad(picture), 16, 3), 16, 16),
}


def noise(width, height):
    """Half of the values at the ends, so that sharp kernels overshoot."""
    draw = random.Random(width * 1000 + height)
    values = [draw.choice([0, 255, draw.randrange(256), draw.randrange(256)]) for _ in range(width * height * 3)]
    return Image.frombytes("RGB", (width, height), bytes(values))


def main():
    tensors = {}
    for width, height in INPUTS:
        picture = noise(width, height)
        size = f"{width}x{height}"
        tensors[f"input/{size}"] = picture
        for resample in RESAMPLES:
            for target in TARGETS:
                tensors[f"resize/{size}/{resample}/{target[0]}x{target[1]}"] = picture.resize(target, resample)
        for name, rule in RULES.items():
            tensors[f"process/{size}/{name}"] = rule(picture)
    header, body = {"__metadata__": {"pillow": Image.__version__}}, b""
    for name in sorted(tensors):
        data = tensors[name].tobytes()
        shape = [tensors[name].height, tensors[name].width, 3]
        header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    Path(__file__).with_name("resized.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + body)


if __name__ == "__main__":
    main()
