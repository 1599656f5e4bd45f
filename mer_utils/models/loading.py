"""Load a file of weights into a network: every tensor but the head's, or nothing.

Files from other programs hold the same tensors under longer names (``module.conv1.weight``), in
wrappers (``{"state_dict": ...}``), or in half precision. What is well known is undone and said;
what does not fit is refused, as a network is never silently left untrained in part.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_utils.errors import MerError

if TYPE_CHECKING:
    import torch
    from torch import nn

    Tensors = dict[str, torch.Tensor]

log = logging.getLogger(__name__)

#: What programs put before the names of a network's tensors, or round them all.
WRAPPERS = {
    *("state_dict", "model_state_dict", "model", "model_ema", "state_dict_ema", "ema", "module"),
    *("_orig_mod", "network", "net", "backbone", "encoder", "encoder_q", "base_encoder"),
    *("student", "teacher"),
}
_SHOWN = 3
_said: set[str] = set()


def load_weights(network: nn.Module, file: Path, name: str, *, head: bool = False) -> None:
    """Fill a network with the tensors of a file, and say once what was converted or left aside.

    Parameters
    ----------
    network : torch.nn.Module
    file : Path
        As safetensors, or what ``torch.save`` wrote, of which no code is run.
    name : str
        The network's, for messages.
    head : bool
        Take the last layer too, which is otherwise left as it is.

    Raises
    ------
    MerError
        ``bad weights``, if the file is damaged, or its tensors are not those of the network by
        name and shape, or are no finite numbers; ``cannot read``.
    """
    tensors, kinds = _as_float32(_read(file))
    fit = _fitting(network, tensors, file, name, head)
    _require_numbers(fit.tensors, network, file)
    network.load_state_dict(fit.tensors, strict=False)
    remarks = [f"numbers of {kind} are taken as float32" for kind in sorted(kinds)]
    if fit.prefix:
        remarks.append(f"{fit.prefix!r} is removed from the names of its tensors")
    if fit.aside:
        remarks.append(f"{fit.aside} other tensors in it are left aside")
    text = f"Weights of {name} from {file}: {'; '.join([*remarks, *fit.resized])}."
    if (remarks or fit.resized) and text not in _said:
        _said.add(text)
        log.warning("%s", text)


@dataclass
class _Fit:
    """How the tensors under one prefix suit a network."""

    prefix: str
    tensors: Tensors
    lacking: list[str]
    misshapen: list[str]
    strange: list[str]
    resized: list[str]
    aside: int

    @property
    def wrong(self) -> int:
        return len(self.lacking) + len(self.misshapen) + len(self.strange)


def _fitting(network: nn.Module, tensors: Tensors, file: Path, name: str, head: bool) -> _Fit:
    fits = [_fit(network, tensors, prefix, head) for prefix in _prefixes(tensors)]
    good = [fit for fit in fits if not fit.wrong]
    for other in good[1:]:
        if any(not t.equal(good[0].tensors[key]) for key, t in other.tensors.items()):
            raise MerError(
                "bad weights",
                f"{file} holds two different networks, {good[0].prefix!r} and {other.prefix!r}",
                f"one set of weights of {name}",
                "save the one that you mean in a file of its own",
            )
    if good:
        return good[0]
    best = min(fits, key=lambda fit: fit.wrong)
    found = (
        f"{file} does not hold the weights of {name}",
        _listed("it lacks", best.lacking),
        _listed("it has in another shape", best.misshapen),
        _listed("it has beside them", best.strange),
    )
    raise MerError(
        "bad weights",
        "; ".join(filter(None, found)),
        "every tensor of the network except its head's, by name and shape, and no others",
        f"put timm's model.safetensors of {name} in its place",
    )


def _listed(what: str, names: list[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{what} {len(names)} tensor(s) ({', '.join(names[:_SHOWN])}{more})" if names else ""


def _fit(network: nn.Module, tensors: Tensors, prefix: str, head: bool) -> _Fit:
    raw = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    found, own = _renamed(network, raw), network.state_dict()
    heads = () if head else tuple(_heads(network))
    wanted = {key: t for key, t in own.items() if not key.startswith(heads)} if heads else own
    misshapen, resized = [], []
    for key in wanted.keys() & found.keys():
        shapes = [tuple(t.shape) for t in (raw.get(key, found[key]), wanted[key])]
        if shapes[0] == shapes[1] == tuple(found[key].shape):
            continue
        words = f"{key} {' and not '.join(map(str, shapes))}"
        # timm resizes these for images of another size, but others for another network.
        if key.endswith("pos_embed") and found[key].shape == wanted[key].shape:
            resized.append(f"{key} is resized from {shapes[0]} to {shapes[1]}")
        else:
            misshapen.append(words)
    return _Fit(
        prefix,
        {key: t for key, t in found.items() if key in wanted},
        # Counts of batches, which no layer here reads, are newer than some files.
        [k for k in wanted if k not in found and not k.endswith("num_batches_tracked")],
        sorted(misshapen),
        [k for k in found if k not in own and not (heads and k.startswith(heads))],
        resized,
        len(tensors) - len(raw),
    )


def _prefixes(tensors: Tensors) -> Iterator[str]:
    """Yield what may stand before the names of a network: nothing, or words of `WRAPPERS`."""
    found = {"": None}
    for name in tensors:
        prefix = ""
        for word in name.split(".")[:-1]:
            if word not in WRAPPERS:
                break
            prefix += f"{word}."
            found[prefix] = None
    yield from found


def _heads(network: Any) -> Iterator[str]:
    """Yield what the names of the last layer's tensors begin with."""
    heads = network.get_classifier()
    heads = heads if isinstance(heads, tuple) else (heads,)
    for name, module in network.named_modules():
        if any(module is head for head in heads):
            yield f"{name}."


def _renamed(network: nn.Module, tensors: Tensors) -> Tensors:
    """Return tensors as timm names and shapes them; it knows older forms of many networks."""
    own = network.state_dict()
    if "_conv_stem.weight" in tensors and len(tensors) == len(own):
        # The first port of EfficientNet to PyTorch has timm's layers, in its order.
        pairs = zip(own, tensors, strict=True)
        if any(key.rpartition(".")[2] != old.rpartition(".")[2] for key, old in pairs):
            return tensors  # a writer has sorted them by name
        return dict(zip(own, tensors.values(), strict=True))
    module = sys.modules[type(network).__module__]
    rename = getattr(module, "checkpoint_filter_fn", getattr(module, "_filter_fn", None))
    if rename is None:
        return tensors
    try:
        try:
            return dict(rename(dict(tensors), network))
        except TypeError:  # some take the tensors alone
            return dict(rename(dict(tensors)))
    except Exception:  # it stumbles over the tensors of another network, which are named then
        return tensors


def _as_float32(tensors: Tensors) -> tuple[Tensors, set[str]]:
    """Return tensors with floats as float32, and of which other types some were."""
    import torch

    others = {torch.float16, torch.bfloat16, torch.float64}
    kinds = {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.dtype in others}
    return {k: t.float() if t.dtype in others else t for k, t in tensors.items()}, kinds


def _require_numbers(tensors: Tensors, network: nn.Module, file: Path) -> None:
    import torch

    floats = {key for key, t in network.state_dict().items() if t.is_floating_point()}
    for what, wrong in (
        ("no floats", lambda key, t: t.dtype != torch.float32),
        ("NaN or infinite", lambda key, t: not bool(t.isfinite().all())),
        # A download that broke off leaves zeros, a network that was never trained ones.
        ("one number only", lambda key, t: _varies(key, t) and _constant(t)),
        ("variances below zero", lambda key, t: "running_var" in key and bool((t < 0).any())),
    ):
        if names := [key for key in tensors if key in floats and wrong(key, tensors[key])]:
            raise MerError(
                "bad weights",
                f"{file} holds {what} in {_listed('', names).strip()}",
                "trained weights in float32, float16 or bfloat16",
                "fetch the file again",
            )


def _varies(key: str, tensor: torch.Tensor) -> bool:
    """Say whether training leaves different numbers in a tensor, whatever it began with."""
    return key.endswith("running_var") or (tensor.ndim > 1 and key.endswith(".weight"))


def _constant(tensor: torch.Tensor) -> bool:
    return tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all())


def _read(file: Path) -> Tensors:
    """Return the tensors of a file by the dotted names of where they lie in it."""
    import torch
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        # Of the pickle inside, nothing but tensors and plain containers is let in.
        whole = torch.load(file, map_location="cpu", weights_only=True)
        return dict(_flat(whole))
    except (PermissionError, FileNotFoundError, IsADirectoryError) as error:
        raise MerError(
            "cannot read",
            f"{file} cannot be read ({error.strerror})",
            "a file of weights",
            "correct the name, or ask its owner",
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # of a damaged file, readers raise whatever they stumble over
        raise MerError(
            "bad weights",
            f"{file} {_fault(file, str(error)) or type(error).__name__}",
            "a whole file of tensors, as safetensors or written by torch.save",
            "fetch it again; if it holds a program's objects, and you trust it, load it and save "
            "its tensors alone with safetensors.torch.save_file",
        ) from error


_OTHER_FILES = {"a pointer of Git LFS": b"version https://git-lfs", "a web page": b"<"}


def _fault(file: Path, said: str) -> str:
    """Say what is wrong with a file that its reader refused with these words."""
    with open(file, "rb") as opened:
        begins = opened.read(100).lstrip()
    for what, opening in _OTHER_FILES.items():
        if begins.startswith(opening):
            return f"is {what}, not the file itself"
    if not begins:
        return "is empty"
    if objects := re.search(r"Unsupported \w+: (?:GLOBAL )?(\S+)", said):
        return f"holds {objects[1]}, for which code would have to run"
    if "TorchScript" in said:
        return "is a program of TorchScript, which would have to run"
    if "weights_only" in said:  # torch's advice is to let a file run its code
        said = "torch cannot read it"
    return f"is damaged, or no such file ({(said.splitlines() or [''])[0][:200]})"


def _flat(thing: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(thing, torch.Tensor):
        if thing.layout != torch.strided or thing.is_meta:
            raise ValueError(f"{path} is a {thing.layout} tensor")
        yield path, thing
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
