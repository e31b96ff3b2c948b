"""MCR, EER, DATIR, FashionVLP and LIMN, this project's reconstructions, in PyTorch: the yardstick of their golden files.

Written from the docstrings of src/models/methods. All but LIMN's file have the whole training loss too.
"""

import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from method_parts import (
    Metadata,
    Method,
    Tensors,
    add_gated_layers,
    block_of,
    classification,
    cosines,
    gated_residual,
    heads_apart,
    own_is_class,
    pool,
)


class GuidedPool(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.key = nn.Linear(dim, dim, bias=False)
        self.guide = nn.Linear(dim, dim)

    def forward(self, x: Tensor, guidance: Tensor, padding: Optional[Tensor] = None) -> Tensor:
        scores = (self.key(x) * self.guide(guidance)[:, None]).sum(-1) / math.sqrt(x.shape[2])
        return pool(scores, x, padding)


class Mcr(Method):
    INPUTS = {"x": "BND", "target": "BND", "w": "BTD", "s": "BD", "scale": ""}
    OUTPUTS = {"q": "BD", "relative": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        self.layers = nn.ModuleList(
            nn.ModuleDict({"image": block_of(self), "text": block_of(self)})
            for _ in range(self.number("layers"))
        )
        self.imagePool = GuidedPool(self.dim)
        self.textPool = GuidedPool(self.dim)
        self.relative1 = nn.Linear(2 * self.dim, self.dim)
        self.relative2 = nn.Linear(self.dim, self.dim)

    def forward(self, inputs: Tensors) -> Tensors:
        x, w, padding = inputs["x"], inputs["w"], inputs["pad_mask"]
        reference, target = x.mean(dim=1), inputs["target"].mean(dim=1)
        for layer in self.layers:
            x, w = layer["image"](x, w, padding), layer["text"](w, x)
        q = self.imagePool(x, inputs["s"]) + self.textPool(w, reference, padding)
        step = torch.cat([target, reference], dim=1)
        return {"q": q, "relative": self.relative2(F.relu(self.relative1(step)))}

    def loss(self, inputs: Tensors) -> Tensor:
        outputs, scale = self(inputs), inputs["scale"]
        m = scale * cosines(inputs["s"], outputs["relative"])
        captions = (own_is_class(m) + own_is_class(m.T)) / 2
        ranking = classification(outputs["q"], inputs["target"].mean(dim=1), scale)
        return ranking + float(self.metadata["consistencyWeight"]) * captions


class Eer(Method):
    INPUTS = {"x": "BND", "target": "BND", "w": "BTD", "s": "BD", "scale": ""}
    OUTPUTS = {"q": "BD", "erased": "BD", "added": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        dim, count = self.dim, self.number("semantics")
        self.mix = nn.Linear(dim, count)
        self.suppressImage = nn.Linear(dim, count * dim)
        self.suppressText = nn.Linear(dim, count * dim, bias=False)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim, bias=False)
        self.gate = nn.Linear(2 * dim, dim)
        self.value = nn.Linear(dim, dim)

    def forward(self, inputs: Tensors) -> Tensors:
        x, w, s = inputs["x"], inputs["w"], inputs["s"]
        shares = self.mix(s).softmax(dim=1)
        gates = torch.sigmoid(self.suppressImage(x) + self.suppressText(s)[:, None])
        keep = sum(share[:, None, None] * gate for share, gate in zip(shares.T, gates.split(self.dim, dim=2)))
        kept = keep * x
        scores = self.query(kept) @ self.key(w).transpose(1, 2) / math.sqrt(self.dim)
        chosen = scores.masked_fill(inputs["pad_mask"][:, None], -math.inf).softmax(dim=2) @ w
        added = torch.sigmoid(self.gate(torch.cat([chosen, kept], dim=2))) * self.value(chosen)
        erased, added = kept.mean(dim=1), added.mean(dim=1)
        return {"q": erased + added, "erased": erased, "added": added, "aux.keep": keep}

    def loss(self, inputs: Tensors) -> Tensor:
        outputs, scale, t = self(inputs), inputs["scale"], inputs["target"].mean(dim=1)
        q, erased, added = (classification(outputs[name], t, scale) for name in ("q", "erased", "added"))
        return q + float(self.metadata["alignmentWeight"]) * (erased + added) / 2


class Critic(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.left = nn.Linear(dim, dim)
        self.right = nn.Linear(dim, dim)

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        """u [B, D], v [B, N, D] -> Jensen-Shannon bound of Deep InfoMax, as a loss."""
        scores = torch.einsum("id,jnd->ijn", self.left(u), self.right(v)) / math.sqrt(u.shape[1])
        own = torch.eye(len(u), dtype=torch.bool)
        return F.softplus(-scores[own]).mean() + F.softplus(scores[~own]).mean()


class GatedResidual(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        add_gated_layers(self, dim)


class Datir(Method):
    INPUTS = {"x": "BND", "target": "BND", "s": "BD", "scale": ""}
    OUTPUTS = {"q": "BD", "difference": "BD", "attention_loss": "", "hierarchy_loss": ""}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        self.fusion = GatedResidual(self.dim)
        self.query = nn.Linear(self.dim, self.dim)
        self.referenceType = nn.Parameter(torch.zeros(self.dim))
        self.targetType = nn.Parameter(torch.zeros(self.dim))
        self.difference = block_of(self)
        self.textCritic = Critic(self.dim)
        self.regionCritic = Critic(self.dim)
        self.embeddingCritic = Critic(self.dim)

    def forward(self, inputs: Tensors) -> Tensors:
        x, target, s = inputs["x"], inputs["target"], inputs["s"]
        reference, t = x.mean(dim=1), target.mean(dim=1)
        q = gated_residual(self.fusion, reference, s)
        memory = torch.cat([x + self.referenceType, target + self.targetType], dim=1)
        difference = self.difference(self.query(t - reference)[:, None], memory)[:, 0]
        of_query = self.regionCritic(q, target) + self.embeddingCritic(q, t[:, None])
        return {
            "q": q,
            "difference": difference,
            "attention_loss": self.textCritic(s, difference[:, None]),
            "hierarchy_loss": of_query / 2,
        }

    def loss(self, inputs: Tensors) -> Tensor:
        outputs = self(inputs)
        ranking = classification(outputs["q"], inputs["target"].mean(dim=1), inputs["scale"])
        by_attention, by_hierarchy = (
            float(self.metadata[f"{name}Weight"]) * outputs[f"{name}_loss"]
            for name in ("attention", "hierarchy")
        )
        return ranking + by_attention + by_hierarchy


class FashionVlp(Method):
    INPUTS = {"x": "BND", "target": "BND", "w": "BTD", "scale": ""}
    OUTPUTS = {"q": "BD", "t": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        dim = self.dim
        self.parts = nn.Parameter(torch.zeros(self.number("parts"), dim))
        for name in ("cls", "wordType", "regionType", "partType"):
            setattr(self, name, nn.Parameter(torch.zeros(dim)))
        self.inputNorm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(block_of(self) for _ in range(self.number("layers")))
        self.contextHidden = nn.Linear(dim, dim)
        for name in ("position", "partScore", "contextScore"):
            setattr(self, name, nn.Linear(dim, 1, bias=False))
        self.project = nn.Linear(dim, dim)

    def parts_of(self, x: Tensor) -> Tensor:
        return (self.parts @ x.transpose(1, 2) / math.sqrt(self.dim)).softmax(dim=2) @ x

    def query_of(self, inputs: Tensors) -> Tensor:
        x, w, padding = inputs["x"], inputs["w"], inputs["pad_mask"]
        cls = self.cls.expand(len(x), 1, -1)
        parts = self.parts_of(x) + self.partType
        state = self.inputNorm(torch.cat([cls, w + self.wordType, x + self.regionType, parts], dim=1))
        others = torch.zeros(len(x), x.shape[1] + parts.shape[1], dtype=torch.bool)
        mask = torch.cat([others[:, :1], padding, others], dim=1)
        for layer in self.layers:
            state = layer(state, state, mask)
        return state[:, 0]

    def target_of(self, y: Tensor) -> Tensor:
        parts = self.parts_of(y)
        whole = pool(self.position(y)[:, :, 0], y)
        part = pool(self.partScore(parts)[:, :, 0], parts)
        both = torch.stack([whole, part], dim=1)
        return self.project(pool(self.contextScore(torch.tanh(self.contextHidden(both)))[:, :, 0], both))

    def forward(self, inputs: Tensors) -> Tensors:
        return {"q": self.query_of(inputs), "t": self.target_of(inputs["target"])}

    def loss(self, inputs: Tensors) -> Tensor:
        outputs = self(inputs)
        return classification(outputs["q"], outputs["t"], inputs["scale"])


class LimnLayer(nn.Module):
    """A block whose query, key and value are layers of their own."""

    def __init__(self, dim: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.heads = heads
        for name in ("query", "key", "value", "out"):
            setattr(self, name, nn.Linear(dim, dim))
        self.norm1 = nn.LayerNorm(dim)
        self.ffn1 = nn.Linear(dim, ffn)
        self.ffn2 = nn.Linear(ffn, dim)
        self.norm2 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, padding: Optional[Tensor] = None) -> Tensor:
        q, k, v = (heads_apart(layer(x), self.heads) for layer in (self.query, self.key, self.value))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        if padding is not None:
            scores = scores.masked_fill(padding[:, None, None], -math.inf)
        attended = (scores.softmax(dim=3) @ v).transpose(1, 2).reshape(x.shape)
        a = self.norm1(x + self.out(attended))
        return self.norm2(a + self.ffn2(F.relu(self.ffn1(a))))


class Limn(Method):
    INPUTS = {"x": "BND", "target": "BND", "words": "BTD", "s": "BD"}
    OUTPUTS = {"q.factors": "BKD", "q.match": "BD", "t.factors": "BKD", "t.match": "BD"}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__(metadata)
        heads, ffn = self.number("heads"), self.number("ffn")
        self.factors = nn.Parameter(torch.zeros(self.number("K"), self.dim))
        self.match = nn.Parameter(torch.zeros(self.dim))
        self.token_type = nn.Embedding(2, self.dim)
        self.aggregate = nn.ModuleList(LimnLayer(self.dim, heads, ffn) for _ in range(2))
        self.match_layers = nn.ModuleList([LimnLayer(self.dim, heads, ffn)])

    def gather(self, tokens: Tensor, padding: Tensor) -> Tensors:
        factors = self.factors.expand(len(tokens), -1, -1)
        state = torch.cat([factors, tokens], dim=1)
        before = torch.zeros(len(tokens), state.shape[1] - padding.shape[1], dtype=torch.bool)
        for layer in self.aggregate:
            state = layer(state, torch.cat([before, padding], dim=1))
        factors = state[:, : factors.shape[1]]
        state = torch.cat([self.match.expand(len(tokens), 1, -1), factors], dim=1)
        for layer in self.match_layers:
            state = layer(state)
        return {"factors": factors, "match": state[:, 0]}

    def forward(self, inputs: Tensors) -> Tensors:
        of_image, of_text = self.token_type.weight

        def with_mean(x: Tensor) -> Tensor:
            return torch.cat([x.mean(dim=1, keepdim=True), x], dim=1) + of_image

        text = torch.cat([inputs["s"][:, None], inputs["words"]], dim=1) + of_text
        tokens = torch.cat([with_mean(inputs["x"]), text], dim=1)
        query = self.gather(tokens, inputs["pad_mask"])
        target = self.gather(with_mean(inputs["target"]), inputs["pad_mask"][:, :0])
        return {
            **{f"q.{name}": value for name, value in query.items()},
            **{f"t.{name}": value for name, value in target.items()},
        }
