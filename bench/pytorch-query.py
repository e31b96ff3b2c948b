#!/usr/bin/env python3
"""One query of SDFN in PyTorch float32 and NumPy: the peer of the query benchmark.

A query: decode a JPEG (Pillow), resize to 256 px, the middle 224, normalise; embed with a text (no padding: a
text has as many places as words); exact search: the product of all items with the query, the best in order.
Weights and items are random. Served over HTTP by Python's own server, kept alive: a form with the picture and the tokens as
JSON in, the best items as JSON out. Prints {"ready": true, "address": ...}; at the end of standard input, medians of both stages.
"""

import argparse
import email.parser
import email.policy
import io
import json
import statistics
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, Dict, List, Union

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


def prepare(picture: Union[str, BinaryIO]) -> torch.Tensor:
    """[1, 3, CROP_PX, CROP_PX]"""
    image = Image.open(picture).convert("RGB").resize((RESIZE_PX, RESIZE_PX), Image.LANCZOS)
    start = (RESIZE_PX - CROP_PX) // 2
    middle = np.asarray(image)[start : start + CROP_PX, start : start + CROP_PX]
    pixels = torch.from_numpy(np.ascontiguousarray(middle)).permute(2, 0, 1).unsqueeze(0)
    return (pixels.float() / 255 - MEAN) / DEVIATION


def embed(model: SDFN, picture: Union[str, BinaryIO], tokens: List[int]) -> np.ndarray:
    with torch.inference_mode():
        regions = model.image(prepare(picture))
        fused = model.query(regions, torch.tensor([tokens]), torch.tensor([len(tokens)]))
        return torch.nn.functional.normalize(fused.q, dim=1)[0].numpy()


def best(items: np.ndarray, query: np.ndarray, count: int) -> List[Dict[str, object]]:
    scores = items @ query
    top = np.argpartition(-scores, count)[:count]
    return [{"id": f"item-{i}", "score": float(scores[i])} for i in top[np.argsort(-scores[top])]]


def form_of(content_type: str, body: bytes) -> Dict[str, bytes]:
    """Parts of a multipart form by name."""
    head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body).iter_parts()
    return {str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True) for part in parts}


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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            form = form_of(self.headers["content-type"], body)
            start = time.perf_counter()
            vector = embed(model, io.BytesIO(form["picture"]), json.loads(form["request"])["tokens"])
            embedded = time.perf_counter()
            found = best(items, vector, options.answers)
            end = time.perf_counter()
            encode.append(embedded - start)
            search.append(end - embedded)
            answer = json.dumps({"items": found}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"ready": True, "address": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    for _ in sys.stdin:
        pass
    median = lambda seconds: round(1000 * statistics.median(seconds), 1)  # noqa: E731
    summary = {"encodeP50Ms": median(encode), "searchP50Ms": median(search)}
    print(json.dumps({**summary, "torch": torch.__version__, "numpy": np.__version__}), flush=True)


if __name__ == "__main__":
    main()
