"""Several folds' networks as one: their weights stacked, so that one kernel serves all of them."""

from __future__ import annotations

import torch
from torch.func import functional_call, stack_module_state
from torch.nn import functional

from benchmarks.clock import seconds
from benchmarks.folds import Fold
from mer_utils.training.steps import captured


def images_a_second(fold: Fold, n: int, device: torch.device, steps: int) -> float:
    """Return the training images a second of `n` networks that take their steps at once.

    Gradients are clipped for all of them together, which costs the same.
    """
    classifiers = [fold.classifier(fold.network(k), device) for k in range(n)]
    first = classifiers[0]
    # Batch normalisation of stacked images is not there for channels last.
    networks = [c.network.train().to(memory_format=torch.contiguous_format) for c in classifiers]
    weights, buffers = stack_module_state(networks)
    parameters = list(weights.values())
    rate = torch.tensor(1e-3, device=device)
    optimizer = torch.optim.AdamW(parameters, fused=True, capturable=device.type == "cuda")
    optimizer.param_groups[0]["lr"] = rate
    batch = fold.options.batch_size
    images = first.on_device(fold.images[:batch]).expand(n, *[-1] * 4).contiguous()
    labels = first.on_device(fold.labels[:batch]).long().expand(n, -1)

    def loss(
        own: dict, statistics: dict, shown: torch.Tensor, wanted: torch.Tensor
    ) -> torch.Tensor:
        with first._autocast():
            scores = functional_call(
                first.network, (own, statistics), (first.scaled(shown).contiguous(),)
            )
        return functional.cross_entropy(scores.float(), wanted)

    def work() -> None:
        optimizer.zero_grad(set_to_none=True)
        each = torch.vmap(loss, randomness="different")
        each(weights, buffers, images, labels).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    replayed = captured(work, first.network, device) if device.type == "cuda" else work

    def many() -> None:
        for _step in range(steps):
            replayed()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    many()
    return n * batch * steps / seconds(many)
