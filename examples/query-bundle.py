#!/usr/bin/env python3
"""One picture and one text, embedded by a bundle that `sdfn export` wrote, without sdfn.

  pip install onnxruntime numpy pillow
  python3 examples/query-bundle.py bundles/first photo.jpg "is red with long sleeves"

Prints the query's embedding as JSON. The steps are those that manifest.json states; docs/bundle.md explains them.
"""

import json
import sys
import unicodedata
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def words_of(text):
    """Letters, marks and digits make words; every other visible character is a word of its own."""
    text = unicodedata.normalize("NFC", text)
    for mark in "\u2018\u2019\u00b4`":
        text = text.replace(mark, "'")
    words, is_open = [], False
    for character in unicodedata.normalize("NFC", text.lower()):
        kind = unicodedata.category(character)[0]
        if kind in "LMN" and is_open:
            words[-1] += character
        elif kind in "LMN" or (not character.isspace() and kind != "C"):
            words.append(character)
        is_open = kind in "LMN"
    return words


def tokens_of(text, vocabulary, rules):
    """tokens [1, words] and lengths [1]; a text without words is one unknown word."""
    numbers = {word: i + rules["firstWordToken"] for i, word in enumerate(vocabulary)}
    known = [numbers.get(word, rules["unknownToken"]) for word in words_of(text)] or [rules["unknownToken"]]
    known = known[: rules["maxWords"]]
    return np.array([known], np.int64), np.array([len(known)], np.int64)


def pixels_of(path, rules):
    """uint8 [1, cropPx, cropPx, 3]"""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    side, crop = rules["resizePx"], rules["cropPx"]
    kernel = {"lanczos3": Image.LANCZOS, "cubic": Image.BICUBIC, "linear": Image.BILINEAR}[rules["filter"]]
    if rules["fit"] == "squash":
        square = picture.resize((side, side), kernel)
    else:
        square = ImageOps.pad(picture, (side, side), kernel, color="white")
    start = (side - crop) // 2
    return np.asarray(square)[None, start : start + crop, start : start + crop]


def main():
    if len(sys.argv) != 4:
        raise SystemExit(f"usage: {sys.argv[0]} BUNDLE PICTURE TEXT")
    bundle, picture, text = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert manifest["format"] == 2, manifest["format"]
    vocabulary = json.loads((bundle / "vocabulary.json").read_text("utf-8"))["words"]
    rules = manifest["preprocessing"]

    def run(graph, feeds):
        described = manifest["graphs"][graph]
        session = onnxruntime.InferenceSession(str(bundle / described["file"]))
        used = {name: value for name, value in feeds.items() if name in described["inputs"]}
        return dict(zip([output.name for output in session.get_outputs()], session.run(None, used)))

    encoded = run("images", {"images": pixels_of(picture, rules["image"])})
    tokens, lengths = tokens_of(text, vocabulary, rules["text"])
    # Everything but the embeddings is what a query needs of its picture.
    feeds = {**encoded, "tokens": tokens, "lengths": lengths}
    print(json.dumps(run("queries", feeds)["embeddings"][0].tolist()))


if __name__ == "__main__":
    main()
