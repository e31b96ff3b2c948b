#!/usr/bin/env python3
"""Writes the golden files of this folder, or checks a folder of existing ones. See README.md."""

import argparse
import json
import re
import sys
import zlib
from pathlib import Path
from typing import Dict, Tuple

import torch

from cases import CASES, train
from draw import draw_file
from safetensors_file import read_tensors, write_tensors
from sizes import metadata_of
from tensors import Metadata, Tensors, below, named

# How far float32 may be from float64 after five steps for a draw of `adam` to be usable; the
# tests allow ten times that.
MOST_LOSS_DEVIATION = 1e-5
MOST_FINAL_DEVIATION = 3e-5
MOST_ATTEMPTS = 100

SUMS = ("output/loss", "output/eval/loss", "output/train/loss")

# Gradients that are zero in exact arithmetic: of a bias that a norm or a softmax takes out again.
ZERO_GRADIENTS = re.compile(r"^fuse\.bias$|^train/blocks\.\d+\.conv\.bias$|^(layers\.\d\.attention|aggregate\.\d|match_layers\.\d)\.key\.bias$")

# Stored values are rounded to float32; 1e-6 leaves room for other versions of PyTorch.
TOLERANCE = 1e-6


def in_float64(tensors: Tensors) -> Tensors:
    """Fresh copies, floating point in float64."""
    return {n: t.double() if t.dtype.is_floating_point else t.clone() for n, t in tensors.items()}


def compute(name: str, inputs: Tensors, params: Tensors, metadata: Metadata) -> Tensors:
    """Everything in the file that is neither input nor parameter, in float64."""
    return CASES[name](in_float64(inputs), in_float64(params), metadata)


def float32_deviation(
    inputs: Tensors, params: Tensors, metadata: Metadata, separate: bool
) -> Tuple[float, Dict[str, float]]:
    """Largest |float32 run - float64 run| of the losses, and of every final tensor by name."""
    exact, exact_final = train(
        in_float64(inputs), in_float64(params), metadata, separate, torch.float64
    )
    single, single_final = train(inputs, params, metadata, separate, torch.float32)
    losses = (exact["output/losses"] - single["output/losses"].double()).abs().max().item()
    final = {
        name: (tensor - single_final[name].double()).abs().max().item()
        for name, tensor in exact_final.items()
    }
    return losses, final


def is_stable(inputs: Tensors, params: Tensors, metadata: Metadata) -> bool:
    """Whether float32 and float64 runs of `adam` agree; the deviations go into the metadata.

    Many draws do not: batch norm on few samples, kinks of ReLU and Adam's division by a second
    moment near zero amplify rounding.
    """
    losses, final = float32_deviation(inputs, params, metadata, separate=False)
    separate_losses, separate_final = float32_deviation(inputs, params, metadata, separate=True)
    metadata["f32_loss_deviation"] = str(losses)
    metadata["f32_separate_loss_deviation"] = str(separate_losses)
    moved = {tensor: float(f"{by:.1e}") for tensor, by in final.items() if by > 2e-6}
    metadata["f32_final_deviation_over_2e6"] = json.dumps(moved)
    metadata["f32_note"] = (
        "max |float32 run - float64 run| of the same torch code: Adam amplifies rounding "
        "where the true gradient is ~0 (key bias of every attention)"
    )
    worst = max([*final.values(), *separate_final.values()])
    return max(losses, separate_losses) < MOST_LOSS_DEVIATION and worst < MOST_FINAL_DEVIATION


def usable_draw(name: str, seed: int, metadata: Metadata) -> Tensors:
    """The tensors of a file, from the first draw that tests something in every tensor.

    Refused are draws where a whole gradient is zero (a router whose ReLU units are all off would
    hide a wrong rule), where a sum of many terms happens to end near zero (its relative error
    would be rounding only), and for `adam` those that float32 cannot follow.
    """
    for attempt in range(MOST_ATTEMPTS):
        # From name and seed, so that no file's values depend on another's.
        file_seed = zlib.crc32(f"{seed}/{name}/{attempt}".encode())
        inputs, params = draw_file(name, file_seed, metadata)
        computed = compute(name, inputs, params, metadata)
        gradients = below("grad/", computed).items()
        if any(t.abs().max() < 1e-9 for n, t in gradients if not ZERO_GRADIENTS.search(n)):
            continue
        if any(abs(computed.get(key, 1.0)) < 0.9 for key in SUMS):
            continue
        if name == "adam" and not is_stable(inputs, params, metadata):
            continue
        if name == "adam":
            metadata["adam_seed"] = str(file_seed)
        return {**named("input/", inputs), **named("param/", params), **computed}
    raise RuntimeError(f"{name}: no usable draw in {MOST_ATTEMPTS}; try another --seed than {seed}")


def generate(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    total_bytes = 0
    for name in CASES:
        metadata = metadata_of(name, seed)
        tensors = usable_draw(name, seed, metadata)
        path = folder / f"{name}.safetensors"
        size_bytes = write_tensors(path, tensors, metadata)
        total_bytes += size_bytes
        print(f"{path.name:32} {len(tensors):4} tensors {size_bytes:9,} bytes")
    print(f"{total_bytes:,} bytes in {folder}")


def verify_file(path: Path) -> Tuple[Dict[str, float], list]:
    """Largest deviation of outputs and of gradients, relative to each tensor's largest element.

    -> ({"output": deviation, "grad": deviation}, complaints about names and shapes).
    """
    stored, metadata = read_tensors(path)
    computed = compute(path.stem, below("input/", stored), below("param/", stored), metadata)
    expected = {n: t for n, t in stored.items() if not n.startswith(("input/", "param/"))}
    complaints = [f"not computed: {name}" for name in sorted(set(expected) - set(computed))]
    complaints += [f"not in the file: {name}" for name in sorted(set(computed) - set(expected))]
    worst = {"output": 0.0, "grad": 0.0}
    for name in sorted(set(expected) & set(computed)):
        ours, theirs = computed[name].detach().double(), expected[name].double()
        if ours.shape != theirs.shape:
            complaints.append(f"{name}: shape {list(ours.shape)}, stored {list(theirs.shape)}")
            continue
        # A tensor of zeros has no scale of its own: its deviation counts as it is.
        scale = theirs.abs().max().item()
        deviation = (ours - theirs).abs().max().item() / (scale if scale > 1e-12 else 1.0)
        kind = "output" if name.startswith("output/") else "grad"
        worst[kind] = max(worst[kind], deviation)
    return worst, complaints


def verify(folder: Path) -> bool:
    """Prints one line per file; true when all agree within TOLERANCE."""
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise FileNotFoundError(f"--verify: no .safetensors file in {folder}")
    all_agree = True
    for path in paths:
        if path.stem not in CASES:
            print(f"{path.stem:18} unknown: one of {', '.join(CASES)}")
            all_agree = False
            continue
        worst, complaints = verify_file(path)
        agrees = not complaints and max(worst.values()) <= TOLERANCE
        all_agree = all_agree and agrees
        verdict = "ok" if agrees else "DIFFERS"
        print(f"{path.stem:18} outputs {worst['output']:.1e}  gradients {worst['grad']:.1e}  {verdict}")
        for complaint in complaints:
            print(f"  {complaint}")
    return all_agree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument("--seed", type=int, default=29, help="every random number follows from it")
    parser.add_argument(
        "--verify", type=Path, metavar="FOLDER", help="recompute the files in FOLDER, write nothing"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)  # the same order of summation on every machine
    if options.verify:
        return 0 if verify(options.verify) else 1
    generate(options.out, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
