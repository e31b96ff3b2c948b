#!/usr/bin/env python3
"""Catalogue pictures to embeddings in PyTorch float32: the peer of the indexing benchmark.

A DataLoader decodes (Pillow), resizes to 256 px, takes the middle 224 and normalises in worker processes; SDFN's image encoder
(ResNet-50, random weights) embeds batches; the rows are saved as .npy. No thumbnails, no index: less than `sdfn index`
does. Prints {"ready": true}, then for each line {"pictures": [paths]} on standard input {"seconds": ...}.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import List

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

query = importlib.import_module("pytorch-query")


class Pictures(Dataset):
    def __init__(self, paths: List[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> torch.Tensor:
        return query.prepare(self.paths[i])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=1024, help="embedding width")
    parser.add_argument("--batch", type=int, default=8, help="the fastest of 1, 8, 16 and 64 here")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that decode")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = query.build(options.dim)
    print(json.dumps({"ready": True}), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, line in enumerate(sys.stdin):
            start = time.perf_counter()
            loader = DataLoader(
                Pictures(json.loads(line)["pictures"]), batch_size=options.batch, num_workers=options.workers
            )
            rows = []
            with torch.inference_mode():
                for images in loader:
                    regions = model.image(images)
                    rows.append(torch.nn.functional.normalize(regions.mean(dim=1), dim=1).numpy())
            np.save(Path(folder) / f"{number}.npy", np.concatenate(rows))
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
    print(json.dumps({"torch": torch.__version__}), flush=True)


if __name__ == "__main__":
    main()
