"""TIRG, FiLM, ARTEMIS, CoSMo and AMC in PyTorch: the yardstick of their golden files.

Written from the docstrings of src/models and the papers they name; no line is the authors'.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from method_parts import (
    Metadata,
    Method,
    Tensors,
    add_gated_layers,
    gated_residual,
    heads_apart,
    own_is_class,
)


class Tirg(Method):
    INPUTS = {"x": "BD", "s": "BD"}
    OUTPUTS = {"q": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        add_gated_layers(self, self.dim)

    def forward(self, inputs: Tensors) -> Tensors:
        return {"q": gated_residual(self, inputs["x"], inputs["s"])}


class FilmBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim + 2, dim)
        self.conv = nn.Conv2d(dim, dim, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(dim, affine=False)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """x [B, D, h, w], gamma, beta [B, D]."""
        across = torch.linspace(-1, 1, x.shape[3], dtype=x.dtype).expand(x.shape[2:])
        down = torch.linspace(-1, 1, x.shape[2], dtype=x.dtype).unsqueeze(1).expand(x.shape[2:])
        coordinates = torch.stack([across, down]).expand(len(x), -1, -1, -1)
        with_place = torch.cat([x, coordinates], dim=1).permute(0, 2, 3, 1)
        y = F.relu(self.project(with_place)).permute(0, 3, 1, 2)
        changed = gamma[:, :, None, None] * self.norm(self.conv(y)) + beta[:, :, None, None]
        return y + F.relu(changed)


class Film(Method):
    """Perez et al. 2018: blocks of a convolution whose channels the text scales and shifts."""

    INPUTS = {"x": "BND", "s": "BD"}
    OUTPUTS = {"q": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        count = self.number("blocks")
        self.film = nn.Linear(self.dim, 2 * self.dim * count)
        self.blocks = nn.ModuleList(FilmBlock(self.dim) for _ in range(count))

    def forward(self, inputs: Tensors) -> Tensors:
        x = inputs["x"]
        side = math.isqrt(x.shape[1])
        y = x.transpose(1, 2).reshape(len(x), self.dim, side, side)
        pairs = self.film(inputs["s"]).chunk(2 * len(self.blocks), dim=1)
        for block, gamma, beta in zip(self.blocks, pairs[0::2], pairs[1::2]):
            y = block(y, 1 + gamma, beta)
        return {"q": y.mean(dim=(2, 3))}


class Artemis(Method):
    """Delmas et al. 2022: each target's channels are weighed by the text, pair by pair."""

    INPUTS = {"r": "BD", "m": "BD", "t": "BD", "gallery": "GD"}
    OUTPUTS = {"scores": "BB", "gallery_scores": "BG"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        for name in ("transform", "explicit1", "explicit2", "implicit1", "implicit2"):
            setattr(self, name, nn.Linear(self.dim, self.dim))
        self.log_scale = nn.Parameter(torch.tensor(0.0))

    def terms(self, inputs: Tensors, targets: Tensor):
        r, m, t = (F.normalize(v, dim=-1) for v in (inputs["r"], inputs["m"], targets))
        by_text = self.explicit2(F.relu(self.explicit1(m))).softmax(dim=1)
        by_both = self.implicit2(F.relu(self.implicit1(m))).softmax(dim=1)
        wanted = F.normalize(self.transform(m), dim=-1)
        explicit = F.normalize(by_text[:, None] * t[None], dim=-1)  # [B, targets, D]
        implicit = F.normalize(by_both[:, None] * t[None], dim=-1)
        kept = F.normalize(by_both * r, dim=-1)
        return (wanted[:, None] * explicit).sum(-1), (kept[:, None] * implicit).sum(-1)

    def forward(self, inputs: Tensors) -> Tensors:
        explicit, implicit = self.terms(inputs, inputs["t"])
        of_gallery = self.terms(inputs, inputs["gallery"])
        return {
            "scores": explicit + implicit,
            "gallery_scores": of_gallery[0] + of_gallery[1],
            "aux.explicit": explicit,
            "aux.implicit": implicit,
        }

    def loss(self, inputs: Tensors) -> Tensor:
        explicit, implicit = self.terms(inputs, inputs["t"])
        return own_is_class(self.log_scale.exp() * (explicit + implicit))


class Cosmo(Method):
    """CoSMo, this project's reconstruction: content and style are changed apart."""

    INPUTS = {"x": "BND", "s": "BD"}
    OUTPUTS = {"map": "BND", "q": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        dim = self.dim
        self.heads = self.number("heads")
        self.fuse = nn.Linear(2 * dim, dim)
        self.query = nn.Linear(dim, dim, bias=False)
        self.key = nn.Linear(dim, dim, bias=False)
        self.unary = nn.Linear(dim, self.heads, bias=False)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.style = nn.Linear(dim, 2 * dim)

    def forward(self, inputs: Tensors) -> Tensors:
        x, s = inputs["x"], inputs["s"]
        mean = x.mean(dim=1, keepdim=True)
        deviation = (x.var(dim=1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        c = (x - mean) / deviation
        f = self.fuse(torch.cat([c, s[:, None].expand_as(c)], dim=2))
        q, k, v = (heads_apart(y, self.heads) for y in (self.query(f), self.key(f), self.value(c)))
        q, k = (y - y.mean(dim=2, keepdim=True) for y in (q, k))
        pairwise = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3])).softmax(dim=3)
        alone = self.unary(f).transpose(1, 2).softmax(dim=2)  # [B, heads, N]
        mixed = (pairwise + alone[:, :, None]) @ v
        content = c + self.out(mixed.transpose(1, 2).reshape(x.shape))
        scale, shift = self.style(s).chunk(2, dim=1)
        z = deviation * (1 + scale[:, None]) * content + mean + shift[:, None]
        return {"map": z, "q": z.mean(dim=1), "aux.content": content}


class AmcLayer(nn.Module):
    """Zhu et al. 2023: three experts, each with a gate of its own."""

    def __init__(self, dim: int, heads: int, router: int, ffn: int) -> None:
        super().__init__()
        self.heads = heads
        self.router = nn.ModuleDict(
            {
                "fc1": nn.Linear(2 * dim, router, bias=False),
                "norm": nn.LayerNorm(router),
                "fc2": nn.Linear(router, 3, bias=False),
            }
        )
        linear = {name: nn.Linear(dim, dim) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict(
            {
                "linear": nn.Linear(2 * dim, dim),
                "norm1": nn.LayerNorm(dim),
                **linear,
                "norm2": nn.LayerNorm(dim),
                "ffn1": nn.Linear(dim, ffn),
                "ffn2": nn.Linear(ffn, dim),
            }
        )
        self.style = nn.ModuleDict({"gamma": nn.Linear(dim, dim), "beta": nn.Linear(dim, dim)})

    def forward(self, x: Tensor, s: Tensor):
        both = torch.cat([x, s[:, None].expand_as(x)], dim=2)
        hidden = self.router["norm"](self.router["fc1"](both.mean(dim=1)))
        gates = torch.sigmoid(self.router["fc2"](F.relu(hidden)))  # [B, 3]
        experts = (x, self.attended(both), x * self.style["gamma"](s)[:, None] + self.style["beta"](s)[:, None])
        normed = torch.stack([F.layer_norm(e, x.shape[2:]) for e in experts], dim=1)
        return (gates[:, :, None, None] * normed).sum(dim=1), gates

    def attended(self, both: Tensor) -> Tensor:
        part = self.attention
        m = part["norm1"](part["linear"](both))
        q, k, v = (heads_apart(part[name](m), self.heads) for name in ("query", "key", "value"))
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3])).softmax(dim=3)
        a = (weights @ v).transpose(1, 2).reshape(m.shape)
        return a + part["ffn2"](F.relu(part["ffn1"](part["norm2"](a))))


class Amc(Method):
    INPUTS = {"x": "BND", "s": "BD"}
    OUTPUTS = {"y.0": "BND", "q.0": "BD", "y.1": "BND", "q.1": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        heads, router, ffn = (self.number(key) for key in ("heads", "router", "ffn"))
        self.layers = nn.ModuleList(AmcLayer(self.dim, heads, router, ffn) for _ in range(2))

    def forward(self, inputs: Tensors) -> Tensors:
        x = inputs["x"]
        outputs: Tensors = {}
        for k, layer in enumerate(self.layers):
            x, gates = layer(x, inputs["s"])
            outputs.update({f"y.{k}": x, f"q.{k}": x.mean(dim=1), f"aux.gates.{k}": gates})
        return outputs
