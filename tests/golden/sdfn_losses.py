"""SDFN's three losses in PyTorch (section 2.4, eqs. 4 to 7 of arXiv 2405.15451)."""

from typing import List, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from sdfn_torch import Logits, merge_routes


def similarity(a: Tensor, t: Tensor, scale: Tensor) -> Tensor:
    """scale * cosine of every pair: a, t [B, D], not normalised -> [B, B]."""
    return scale * F.normalize(a, dim=-1) @ F.normalize(t, dim=-1).T


def batch_classification(q: Tensor, t: Tensor, scale: Tensor) -> Tensor:
    """L_bbc: cross-entropy over the batch, the target of query i is image i."""
    return F.cross_entropy(similarity(q, t, scale), torch.arange(len(q)))


class Consistency(NamedTuple):
    loss: Tensor
    kl_q_u: Tensor
    kl_u_q: Tensor


def consistency(q: Tensor, u: Tensor, t: Tensor, scale: Tensor) -> Consistency:
    """L_c (eqs. 5, 6) = mean_i [KL(Pq || Pu) + KL(Pu || Pq)] / 2, P = softmax over the batch."""
    log_pq = similarity(q, t, scale).log_softmax(dim=-1)
    log_pu = similarity(u, t, scale).log_softmax(dim=-1)
    kl_q_u = (log_pq.exp() * (log_pq - log_pu)).sum(dim=-1).mean()
    kl_u_q = (log_pu.exp() * (log_pu - log_pq)).sum(dim=-1).mean()
    return Consistency((kl_q_u + kl_u_q) / 2, kl_q_u, kl_u_q)


class PathDistillation(NamedTuple):
    loss: Tensor
    mean_of_layer_means: Tensor  # the other reading of "mean over layers and destinations"


def path_distillation(
    student: List[Logits], teacher: List[Logits], tau: float, merge: str
) -> PathDistillation:
    """L_spd (eq. 4) = tau^2 * mean over batch, layers and destinations of KL(pT || pS).

    The mean is flat over all (layer, destination) pairs; the teacher gets no gradient.
    """
    divergences = []  # per layer [B, J]
    for ours, theirs in zip(student, teacher):
        p_s = merge_routes(ours, merge, tau)  # [B, source, destination]
        p_t = merge_routes({k: a.detach() for k, a in theirs.items()}, merge, tau)
        divergences.append((p_t * (p_t.log() - p_s.log())).sum(dim=1))
    flat = torch.cat(divergences, dim=1).mean()
    layered = torch.stack([kl.mean() for kl in divergences]).mean()
    return PathDistillation(tau**2 * flat, tau**2 * layered)


def total_loss(bbc: Tensor, spd: Tensor, c: Tensor, lambda1: float, lambda2: float) -> Tensor:
    """Eq. 7: L = L_bbc + lambda1 L_spd + lambda2 L_c."""
    return bbc + lambda1 * spd + lambda2 * c
