#!/usr/bin/env python3
"""One training step of SDFN in PyTorch float32: the peer of the step benchmark.

A step: forward (references and targets in one backbone pass of 2B images, train mode), the three
losses, backward, gradient clipping by global norm, torch.optim.Adam with weight decay. Data and
weights are random; the numbers of interest are seconds and memory. The last line printed is one
JSON object:

  {"imagesPerSecond": 2B / secondsPerStep, "secondsPerStep": median, "all": [seconds, ...],
   "peakMemoryMb": of the process, "loss": of the last step, "torch": version, ...}

With --interleave the script prints {"ready": true} after the warm-up, then waits for a line "go"
on standard input before each step and prints {"step", "seconds", "loss"} after it, so that a
driver can alternate two programs on a noisy machine; at the end of input comes the last line.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Dict, List, NamedTuple

import torch
from torch import Tensor

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "golden"))

from sdfn_losses import batch_classification, consistency, path_distillation, total_loss  # noqa: E402
from sdfn_torch import SDFN, FusionNetwork, ImageEncoder, Logits, ResNet, TextEncoder  # noqa: E402

# The sizes that the paper states, and the recipe of its nearest published relatives.
VOCABULARY = 5000
WORD_DIM = 300
WORDS = 24
HEADS = 8
LAYERS = 3
MODULES = 4
TAU = 4.0
SCALE = 10.0
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 1e-6
MOST_GRADIENT_NORM = 10.0


class Batch(NamedTuple):
    references: Tensor  # [B, 3, px, px], or feature maps [B, C, h, w] with --frozen
    targets: Tensor
    tokens: Tensor  # [B, T], 0 = padding
    lengths: Tensor  # [B]
    teacher: List[Logits]  # per layer, [B, M, J] by kind


def random_batch(options: argparse.Namespace, channels: int) -> Batch:
    size = options.batch
    cells = -(-options.px // 32)
    shape = (size, channels, cells, cells) if options.frozen else (size, 3, options.px, options.px)
    references, targets = torch.randn(shape), torch.randn(shape)
    if options.frozen:  # what a ResNet's last ReLU gives
        references, targets = references.relu(), targets.relu()
    lengths = torch.randint(3, WORDS + 1, (size,))
    tokens = torch.randint(1, VOCABULARY, (size, WORDS))
    tokens[torch.arange(WORDS)[None, :] >= lengths[:, None]] = 0
    destinations = [MODULES] * (LAYERS - 1) + [1]
    teacher = [
        {kind: torch.randn(size, MODULES, j) for kind in ("image", "text")} for j in destinations
    ]
    return Batch(references, targets, tokens, lengths, teacher)


def build(options: argparse.Namespace) -> SDFN:
    full = ResNet(options.backbone)
    image = ImageEncoder(None if options.frozen else full, full.out_channels, options.dim)
    text = TextEncoder(VOCABULARY, WORD_DIM, options.dim)
    fusion = FusionNetwork(options.dim, HEADS, LAYERS, dropout=options.dropout)
    return SDFN(image, text, fusion, SCALE)


class Trainer:
    """Model, optimizer and data of one benchmark."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(0)
        self.model = build(options).train()
        self.teacher = build(options).eval() if options.teacher else None
        if self.teacher is not None:
            self.teacher.load_state_dict(self.model.state_dict())
        self.parameters = list(self.model.parameters())
        adam = {"lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
        self.optimizer = torch.optim.Adam(self.parameters, foreach=options.foreach, **adam)
        self.batch = random_batch(options, self.model.image.proj.in_channels)

    def taught(self) -> List[Logits]:
        """The teacher's router logits for the batch: given, or from its own forward pass."""
        if self.teacher is None:
            return self.batch.teacher
        with torch.no_grad():
            regions = self.teacher.image(self.batch.references)
            return self.teacher.query(regions, self.batch.tokens, self.batch.lengths).logits

    def step(self) -> float:
        """Returns the loss before the step."""
        references, targets, tokens, lengths, _ = self.batch
        scale = self.model.scale
        fused, t = self.model(references, targets, tokens, lengths)
        bbc = batch_classification(fused.q, t, scale)
        spd = path_distillation(fused.logits, self.taught(), TAU, "mean").loss
        c = consistency(fused.q, fused.u, t, scale).loss
        loss = total_loss(bbc, spd, c, 1.0, 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, MOST_GRADIENT_NORM)
        self.optimizer.step()
        return loss.item()


def summary(options: argparse.Namespace, seconds: List[float], loss: float) -> Dict[str, object]:
    median = statistics.median(seconds) if seconds else float("nan")
    return {
        "imagesPerSecond": round(2 * options.batch / median, 4) if seconds else None,
        "secondsPerStep": round(median, 5) if seconds else None,
        "all": [round(one, 5) for one in seconds],
        "peakMemoryMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "loss": loss,
        "torch": torch.__version__,
        "batch": options.batch,
        "frozen": options.frozen,
        "teacher": options.teacher,
        "backbone": options.backbone,
        "px": options.px,
        "dim": options.dim,
        "threads": options.threads,
    }


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whole = {"type": int, "metavar": "N"}
    parser.add_argument("--batch", default=8, help="triplets of a step; 2B images", **whole)
    parser.add_argument("--frozen", action="store_true", help="given feature maps, no backbone")
    parser.add_argument("--teacher", action="store_true", help="run the teacher's forward pass too")
    parser.add_argument("--steps", default=5, help="timed steps", **whole)
    parser.add_argument("--warmup", default=2, help="steps before the first timed one", **whole)
    parser.add_argument("--backbone", choices=("resnet18", "resnet50"), default="resnet50")
    parser.add_argument("--px", default=224, help="side of the images", **whole)
    parser.add_argument("--dim", default=1024, help="embedding width", **whole)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--threads", default=2, help="threads of an operation", **whole)
    parser.add_argument("--interleave", action="store_true", help='a line "go" starts each step')
    parser.add_argument("--foreach", action="store_true", help="Adam on lists of tensors")
    options = parser.parse_args()
    for name in ("batch", "steps", "px", "dim", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1; got {getattr(options, name)}")
    return options


def main() -> None:
    options = parse_options()
    torch.set_num_threads(options.threads)
    trainer = Trainer(options)
    loss = float("nan")
    for _ in range(options.warmup):
        loss = trainer.step()
    seconds: List[float] = []

    def timed_step() -> None:
        nonlocal loss
        start = time.perf_counter()
        loss = trainer.step()
        seconds.append(time.perf_counter() - start)

    if options.interleave:
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            if line.strip() != "go":
                raise SystemExit(f'--interleave: each line must be "go"; got {line.strip()!r}')
            timed_step()
            print(json.dumps({"step": len(seconds), "seconds": seconds[-1], "loss": loss}), flush=True)
    else:
        for _ in range(options.steps):
            timed_step()
    print(json.dumps(summary(options, seconds, loss)), flush=True)


if __name__ == "__main__":
    main()
