"""SDFN in PyTorch, written from docs/model.md: the yardstick of the golden files and the benchmark.

Source: Wu et al., Self-distilled Dynamic Fusion Network for Language-based Fashion Retrieval,
ICASSP 2024 (arXiv 2405.15451); equation numbers are the paper's. Shapes: B batch, N image
regions, T words, D embedding width, M operation modules, L layers, J destinations of a layer.
Parameter names are those of the golden files and of the TypeScript model.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

RESNETS = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
}

Logits = Dict[str, Tensor]  # router kind ("image", "text", "shared") -> [B, M, J]


class ResNet(torchvision.models.ResNet):
    """torchvision's ResNet up to its last feature map, every stage `width` times as wide.

    x [B, 3, S, S] -> [B, 512 * width * expansion, ceil(S / 32), ceil(S / 32)].
    """

    def __init__(self, name: str, width: float = 1.0) -> None:
        block, depths = RESNETS[name]
        super().__init__(block, depths)
        channels = int(64 * width)
        self.out_channels = 8 * channels * block.expansion
        if width != 1.0:
            self.inplanes = channels
            self.conv1 = nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.layer1 = self._make_layer(block, channels, depths[0])
            self.layer2 = self._make_layer(block, 2 * channels, depths[1], stride=2)
            self.layer3 = self._make_layer(block, 4 * channels, depths[2], stride=2)
            self.layer4 = self._make_layer(block, 8 * channels, depths[3], stride=2)
        del self.avgpool, self.fc

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class ImageEncoder(nn.Module):
    """Section 2.1: last feature map -> 1x1 convolution to D -> regions [B, N, D].

    Without a backbone (None) the input is the feature map itself, [B, C, h, w].
    """

    def __init__(self, backbone: Optional[ResNet], channels: int, dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.proj = nn.Conv2d(channels, dim, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        features = images if self.backbone is None else self.backbone(images)
        return self.proj(features).flatten(2).transpose(1, 2)  # [B, N, D]


class TextEncoder(nn.Module):
    """Section 2.1: tokens [B, T] -> words W [B, T, D], zero at padding; sentence s [B, D].

    Word vectors -> one-layer LSTM; s is the maximum over the valid words.
    """

    def __init__(self, vocabulary: int, word_dim: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, word_dim)
        self.lstm = nn.LSTM(word_dim, dim, batch_first=True)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        padding = padding_mask(lengths, tokens.shape[1]).unsqueeze(-1)  # [B, T, 1]
        # Padding stands at the end, so a forward LSTM's valid states do not depend on it.
        states, _ = self.lstm(self.embedding(tokens))
        sentence = states.masked_fill(padding, -torch.inf).amax(dim=1)
        return states.masked_fill(padding, 0.0), sentence


def padding_mask(lengths: Tensor, word_count: int) -> Tensor:
    """[B] -> [B, T], true at padding."""
    return torch.arange(word_count)[None, :] >= lengths[:, None]


class Text(NamedTuple):
    words: Tensor  # W [B, T, D]
    sentence: Tensor  # s [B, D]
    padding: Tensor  # [B, T], true at padding


class JointReasoningModule(nn.Module):
    """JRM (eq. 1): H = Linear([X ; s]); A = LN(H + MHA(H, H, H)); JRM(X) = LN(A + FFN(A))."""

    def __init__(self, dim: int, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * dim, dim)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(dim)
        self.ffn1 = nn.Linear(dim, ffn)
        self.ffn2 = nn.Linear(ffn, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, text: Text) -> Tensor:
        repeated = text.sentence.unsqueeze(1).expand_as(x)  # [B, N, D]
        h = self.linear(torch.cat([x, repeated], dim=-1))
        attended, _ = self.attention(h, h, h, need_weights=False)
        a = self.norm1(h + self.dropout(attended))
        return self.norm2(a + self.dropout(self.ffn2(F.relu(self.ffn1(a)))))


class CrossAttentionModule(nn.Module):
    """CAM (eq. 2): CAM(X) = LN(X + MHA(Q = X, K = W, V = W)), padding words masked out."""

    def __init__(self, dim: int, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, text: Text) -> Tensor:
        attended, _ = self.attention(
            x, text.words, text.words, key_padding_mask=text.padding, need_weights=False
        )
        return self.norm(x + self.dropout(attended))


class GlobalTransformModule(nn.Module):
    """GTM: gamma = s Wg, beta = s Wb (each with bias); GTM(X) = gamma * X + beta."""

    def __init__(self, dim: int, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()
        self.gamma = nn.Linear(dim, dim)
        self.beta = nn.Linear(dim, dim)
        nn.init.ones_(self.gamma.bias)
        nn.init.zeros_(self.beta.bias)

    def forward(self, x: Tensor, text: Text) -> Tensor:
        return self.gamma(text.sentence).unsqueeze(1) * x + self.beta(text.sentence).unsqueeze(1)


class ResidualModule(nn.Module):
    """RCM: RCM(X) = X."""

    def __init__(self, dim: int, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()

    def forward(self, x: Tensor, text: Text) -> Tensor:
        return x


OPERATION_MODULES = {
    "jrm": JointReasoningModule,
    "cam": CrossAttentionModule,
    "gtm": GlobalTransformModule,
    "rcm": ResidualModule,
}


class Router(nn.Module):
    """Linear -> ReLU -> Linear on a pooled vector: [B, in_dim] -> logits [B, J].

    Image router: in_dim D, pooled X. Shared router: in_dim 2 D, [pooled X ; s].
    """

    def __init__(self, in_dim: int, hidden: int, destinations: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_dim, hidden)
        self.fc2 = nn.Linear(hidden, destinations)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.fc2(F.relu(self.fc1(pooled)))


class TextRouter(Router):
    """Words are pooled by softmax(v . tanh(U w + b)) over the valid ones, then as Router."""

    def __init__(self, dim: int, hidden: int, destinations: int) -> None:
        super().__init__(dim, hidden, destinations)
        self.att_u = nn.Linear(dim, hidden)
        self.att_v = nn.Linear(hidden, 1, bias=False)

    def pool(self, words: Tensor, padding: Tensor) -> Tensor:
        scores = self.att_v(torch.tanh(self.att_u(words))).squeeze(-1)  # [B, T]
        weights = scores.masked_fill(padding, -torch.inf).softmax(dim=-1)
        return torch.einsum("bt,btd->bd", weights, words)


def merge_routes(logits: Logits, merge: str, tau: float = 1.0) -> Tensor:
    """Route weights [B, source, destination]; over the sources they sum to 1 (section 2.3).

    mean: (softmax(a_img / tau) + softmax(a_txt / tau)) / 2; product: the logits are summed.
    """
    scaled = [a / tau for a in logits.values()]
    if merge == "product":
        return torch.stack(scaled).sum(dim=0).softmax(dim=1)
    return torch.stack([a.softmax(dim=1) for a in scaled]).mean(dim=0)


class FusionLayer(nn.Module):
    """One layer (eq. 3): y_j = sum_i p[i -> j] * module_i(x_i)."""

    def __init__(
        self,
        dim: int,
        heads: int,
        destinations: int,
        modules: Sequence[str] = ("jrm", "cam", "gtm", "rcm"),
        router: str = "modality-specific",
        merge: str = "mean",
        ffn: Optional[int] = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.names, self.destinations, self.router, self.merge = modules, destinations, router, merge
        hidden = dim // 4
        for name in modules:
            setattr(self, name, OPERATION_MODULES[name](dim, heads, ffn or 2 * dim, dropout))
        count = range(len(modules))
        if router == "modality-specific":
            self.image_routers = nn.ModuleList(Router(dim, hidden, destinations) for _ in count)
            self.text_routers = nn.ModuleList(TextRouter(dim, hidden, destinations) for _ in count)
        elif router == "shared":
            self.shared_routers = nn.ModuleList(Router(2 * dim, hidden, destinations) for _ in count)
        elif router != "none":
            raise ValueError(f"router must be modality-specific, shared or none; got {router}")

    def logits(self, xs: Sequence[Tensor], text: Text) -> Logits:
        """Each [B, source, destination]; nothing for the router "none"."""
        means = [x.mean(dim=1) for x in xs]
        if self.router == "modality-specific":
            image = [route(mean) for route, mean in zip(self.image_routers, means)]
            words = [route(route.pool(text.words, text.padding)) for route in self.text_routers]
            return {"image": torch.stack(image, dim=1), "text": torch.stack(words, dim=1)}
        if self.router == "shared":
            joined = [torch.cat([mean, text.sentence], dim=-1) for mean in means]
            shared = [route(both) for route, both in zip(self.shared_routers, joined)]
            return {"shared": torch.stack(shared, dim=1)}
        return {}

    def forward(self, xs: Sequence[Tensor], text: Text) -> Tuple[List[Tensor], Tensor, Logits]:
        logits = self.logits(xs, text)
        if logits:
            p = merge_routes(logits, self.merge)
        else:
            p = xs[0].new_full((len(xs[0]), len(xs), self.destinations), 1 / len(xs))
        outputs = torch.stack([getattr(self, name)(x, text) for name, x in zip(self.names, xs)], 1)
        mixed = torch.einsum("bij,bind->jbnd", p, outputs)  # [J, B, N, D]
        return list(mixed), p, logits


class Fused(NamedTuple):
    map: Tensor  # [B, N, D]
    q: Tensor  # query embedding [B, D], not normalised
    u: Tensor  # sum of the last layer's pooled inputs [B, D], not normalised (eq. 5)
    routes: List[Tensor]  # per layer [B, M, J]
    logits: List[Logits]  # per layer


class FusionNetwork(nn.Module):
    """L layers; every module of the first one sees the reference's regions."""

    def __init__(self, dim: int, heads: int, layers: int = 3, **layer_options) -> None:
        super().__init__()
        modules = layer_options.get("modules", ("jrm", "cam", "gtm", "rcm"))
        self.module_count = len(modules)
        widths = [self.module_count] * (layers - 1) + [1]
        self.layers = nn.ModuleList(FusionLayer(dim, heads, j, **layer_options) for j in widths)

    def forward(self, regions: Tensor, text: Text) -> Fused:
        xs: List[Tensor] = [regions] * self.module_count
        routes, logits = [], []
        for layer in self.layers:
            last_inputs = xs
            xs, p, a = layer(xs, text)
            routes.append(p)
            logits.append(a)
        u = torch.stack([x.mean(dim=1) for x in last_inputs]).sum(dim=0)
        return Fused(xs[0], xs[0].mean(dim=1), u, routes, logits)


class SDFN(nn.Module):
    """The whole network: encoders, fusion network and the learned scale of the similarity."""

    def __init__(
        self, image: ImageEncoder, text: TextEncoder, fusion: FusionNetwork, scale: float
    ) -> None:
        super().__init__()
        self.image, self.text, self.fusion = image, text, fusion
        self.scale = nn.Parameter(torch.tensor(scale))

    def query(self, regions: Tensor, tokens: Tensor, lengths: Tensor) -> Fused:
        words, sentence = self.text(tokens, lengths)
        padding = padding_mask(lengths, tokens.shape[1])
        return self.fusion(regions, Text(words, sentence, padding))

    def forward(
        self,
        references: Tensor,
        targets: Tensor,
        tokens: Tensor,
        lengths: Tensor,
        separate_passes: bool = False,
    ) -> Tuple[Fused, Tensor]:
        """Images (or feature maps) and text -> the fused query and t [B, D].

        Batch norm sees references and targets as one batch, unless separate_passes.
        """
        if separate_passes:
            regions, target_regions = self.image(references), self.image(targets)
        else:
            regions, target_regions = self.image(torch.cat([references, targets])).chunk(2)
        return self.query(regions, tokens, lengths), target_regions.mean(dim=1)
