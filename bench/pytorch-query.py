#!/usr/bin/env python3
"""One query of SDFN in PyTorch float32 and NumPy: the peer of the query benchmark.

A query: decode a JPEG (Pillow), resize to 256 px, the middle 224, normalise; embed with a text (no padding: a
text has as many places as words); exact search: the product of all items with the query, the best in order.
Weights and items are random. Prints {"ready": true}, then for each line {"picture": path, "tokens": [...]} on
standard input {"seconds": ...}; at the end of input, medians of both stages.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import List

import numpy as np
import torch
from PIL import Image

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "golden"))

from sdfn_torch import SDFN, FusionNetwork, ImageEncoder, ResNet, TextEncoder  # noqa: E402

VOCABULARY, WORD_DIM, HEADS, LAYERS, SCALE = 5000, 300, 8, 3, 10.0
RESIZE_PX, CROP_PX = 256, 224
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def build(dim: int) -> SDFN:
    backbone = ResNet("resnet50")
    image = ImageEncoder(backbone, backbone.out_channels, dim)
    text = TextEncoder(VOCABULARY, WORD_DIM, dim)
    return SDFN(image, text, FusionNetwork(dim, HEADS, LAYERS, dropout=0.0), SCALE).eval()


def prepare(path: str) -> torch.Tensor:
    """[1, 3, CROP_PX, CROP_PX]"""
    picture = Image.open(path).convert("RGB").resize((RESIZE_PX, RESIZE_PX), Image.LANCZOS)
    start = (RESIZE_PX - CROP_PX) // 2
    middle = np.asarray(picture)[start : start + CROP_PX, start : start + CROP_PX]
    pixels = torch.from_numpy(np.ascontiguousarray(middle)).permute(2, 0, 1).unsqueeze(0)
    return (pixels.float() / 255 - MEAN) / DEVIATION


def embed(model: SDFN, path: str, tokens: List[int]) -> np.ndarray:
    with torch.inference_mode():
        regions = model.image(prepare(path))
        fused = model.query(regions, torch.tensor([tokens]), torch.tensor([len(tokens)]))
        return torch.nn.functional.normalize(fused.q, dim=1)[0].numpy()


def best(items: np.ndarray, query: np.ndarray, count: int) -> np.ndarray:
    scores = items @ query
    top = np.argpartition(-scores, count)[:count]
    return top[np.argsort(-scores[top])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=1024, help="embedding width")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--answers", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = build(options.dim)
    items = np.random.default_rng(0).standard_normal((options.items, options.dim), dtype=np.float32)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    encode, search = [], []
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        query = json.loads(line)
        start = time.perf_counter()
        vector = embed(model, query["picture"], query["tokens"])
        embedded = time.perf_counter()
        assert len(best(items, vector, options.answers)) == options.answers
        end = time.perf_counter()
        encode.append(embedded - start)
        search.append(end - embedded)
        print(json.dumps({"seconds": end - start}), flush=True)
    median = lambda seconds: round(1000 * statistics.median(seconds), 1)  # noqa: E731
    summary = {"encodeP50Ms": median(encode), "searchP50Ms": median(search)}
    print(json.dumps({**summary, "torch": torch.__version__, "numpy": np.__version__}), flush=True)


if __name__ == "__main__":
    main()
