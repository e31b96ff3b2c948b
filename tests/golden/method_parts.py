"""What the golden files of other methods share in PyTorch: their form, losses, one block.

A method's forward takes the tensors of `input/` and gives those of `output/`, by name. `INPUTS`
and `OUTPUTS` say their shapes by letters (B batch, N regions, T words, D width, G gallery); outputs
that are not there have no cotangent. Parameter names are those of the golden files.
"""

import math
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Tensors = Dict[str, Tensor]
Metadata = Dict[str, str]


class Method(nn.Module):
    """One method of a golden file. `loss` is the whole training loss, where the file has one."""

    INPUTS: Dict[str, str] = {}
    OUTPUTS: Dict[str, str] = {}

    def __init__(self, metadata: Metadata) -> None:
        super().__init__()
        self.metadata = metadata
        self.dim = int(metadata["D"])

    def number(self, key: str) -> int:
        return int(self.metadata[key])

    def loss(self, inputs: Tensors) -> Optional[Tensor]:
        return None


def cosines(a: Tensor, b: Tensor) -> Tensor:
    return F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T


def own_is_class(scores: Tensor) -> Tensor:
    """Mean cross-entropy of the rows, the diagonal being the class."""
    return F.cross_entropy(scores, torch.arange(len(scores)))


def classification(q: Tensor, t: Tensor, scale: Tensor) -> Tensor:
    return own_is_class(scale * cosines(q, t))


def pool(scores: Tensor, values: Tensor, padding: Optional[Tensor] = None) -> Tensor:
    """scores [B, L], values [B, L, D] -> [B, D]."""
    if padding is not None:
        scores = scores.masked_fill(padding, -math.inf)
    return (scores.softmax(dim=1).unsqueeze(2) * values).sum(dim=1)


def heads_apart(x: Tensor, heads: int) -> Tensor:
    """[B, N, D] -> [B, heads, N, D / heads]."""
    return x.reshape(len(x), x.shape[1], heads, -1).transpose(1, 2)


class Block(nn.Module):
    """Attention and a feed-forward network, each added to its input and normalised."""

    def __init__(self, dim: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(dim)
        self.ffn1 = nn.Linear(dim, ffn)
        self.ffn2 = nn.Linear(ffn, dim)
        self.norm2 = nn.LayerNorm(dim)

    def forward(self, q: Tensor, k: Tensor, padding: Optional[Tensor] = None) -> Tensor:
        attended, _ = self.attention(q, k, k, key_padding_mask=padding, need_weights=False)
        a = self.norm1(q + attended)
        return self.norm2(a + self.ffn2(F.relu(self.ffn1(a))))


def block_of(method: Method) -> Block:
    return Block(method.dim, method.number("heads"), method.number("ffn"))


def add_gated_layers(module: nn.Module, dim: int) -> None:
    """The layers of TIRG's composition (Vo et al. 2019), as fields of `module`."""
    module.gateNorm = nn.BatchNorm1d(2 * dim)
    module.gate = nn.Linear(2 * dim, dim)
    module.residualNorm = nn.BatchNorm1d(2 * dim)
    module.residual1 = nn.Linear(2 * dim, 2 * dim)
    module.residual2 = nn.Linear(2 * dim, dim)
    module.gateWeight = nn.Parameter(torch.tensor(1.0))
    module.residualWeight = nn.Parameter(torch.tensor(10.0))


def gated_residual(layers: nn.Module, x: Tensor, s: Tensor) -> Tensor:
    both = torch.cat([x, s], dim=1)
    gate = torch.sigmoid(layers.gate(F.relu(layers.gateNorm(both))))
    hidden = F.relu(layers.residual1(F.relu(layers.residualNorm(both))))
    return layers.gateWeight * gate * x + layers.residualWeight * layers.residual2(hidden)
