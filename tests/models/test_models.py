"""The six networks: names, sizes, shapes, and the authors' parameter counts."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import timm
import torch
from helpers import raises
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from mer_utils import models
from mer_utils.experiments import PROFILES
from mer_utils.models.learnet import LEARNet
from mer_utils.models.vgg_head import adaptive_average, whole_convolution
from mer_utils.runs import ModelSpec

SMALL = {
    "vgg19": 1 / 32,
    "resnet50": 1 / 16,
    "efficientnet_b0": 1 / 8,
    "mobilenetv2_100": 1 / 8,
    "vit_base_patch16_224": 1 / 12,
    "learnet": 1 / 2,
}


@pytest.mark.parametrize(("classes", "parameters"), [(5, 1_866_053), (8, 1_866_824)])
def test_learnet_has_the_authors_parameters(classes, parameters):
    model = models.create("learnet", classes, 112)
    assert models.count_parameters(model) == parameters


@pytest.mark.parametrize("name", models.networks())
@pytest.mark.parametrize("image_size", [32, 64])
@pytest.mark.parametrize("depth", [1.0, 0.25])
def test_narrowed_models_map_images_to_scores(name, image_size, depth):
    if not models.find(name).shortens:
        depth = 1.0
    model = models.create(name, 5, image_size, width=SMALL[name], depth=depth).eval()
    scores = model(torch.zeros(2, 3, image_size, image_size))
    assert scores.shape == (2, 5)
    assert models.count_parameters(model) < 1_500_000


@pytest.mark.parametrize(
    ("name", "millions"),
    # Parameters with 1000 classes as timm's documentation lists them, less the
    # difference that 5 classes make in the last layer.
    [("resnet50", 25.56), ("efficientnet_b0", 5.29), ("mobilenetv2_100", 3.50)],
)
def test_full_models_are_the_published_ones(name, millions):
    model = models.create(name, 5, 224)
    features = model.num_features
    with_1000_classes = models.count_parameters(model) + (1000 - 5) * (features + 1)
    assert with_1000_classes / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize("side", [1, 7])
def test_a_convolution_of_all_that_it_sees_is_a_matrix_product(side):
    torch.manual_seed(0)
    x = torch.rand(3, 8, side, side).to(memory_format=torch.channels_last)
    conv = torch.nn.Conv2d(8, 5, side).to(memory_format=torch.channels_last)
    ours = whole_convolution(x, conv.weight, conv.bias)
    torch.testing.assert_close(ours, conv(x))
    for found, expected in zip(
        torch.autograd.grad(ours.square().sum(), conv.parameters()),
        torch.autograd.grad(conv(x).square().sum(), conv.parameters()),
        strict=True,
    ):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 6), (7, 4), (9, 2)])
def test_pooling_by_matrix_products_is_adaptive_average_pooling(size):
    x = torch.rand(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(2, 3, 7, 9, dtype=torch.float64)
    ours, theirs = adaptive_average(x, 7, 9), functional.adaptive_avg_pool2d(x, (7, 9))
    torch.testing.assert_close(ours, theirs)
    (ours_back,) = torch.autograd.grad((weights * ours).sum(), x)
    (theirs_back,) = torch.autograd.grad((weights * theirs).sum(), x)
    torch.testing.assert_close(ours_back, theirs_back)


class OnGpu(torch.Tensor):
    """A tensor on the CPU that says it were on a GPU."""

    is_cuda = True


@pytest.mark.parametrize("image_size", [32, 96])
def test_on_a_gpu_vgg_trains_without_the_pooling_that_cannot_be_repeated(image_size, monkeypatch):
    torch.manual_seed(0)
    model = models.create("vgg19", 5, image_size, width=SMALL["vgg19"]).eval()
    images = torch.rand(2, 3, image_size, image_size)
    expected = model(images)
    poolings = []
    whole = functional.adaptive_avg_pool2d

    def noted(x, size):
        poolings.append((tuple(x.shape[-2:]), size))
        return whole(x, size)

    monkeypatch.setattr(functional, "adaptive_avg_pool2d", noted)
    scores = model(images.as_subclass(OnGpu)).as_subclass(torch.Tensor)
    torch.testing.assert_close(scores, expected)
    # What is left is the mean over the whole image, which PyTorch computes as such.
    assert {size for _, size in poolings} <= {1, (1, 1)}
    poolings.clear()
    model(images)
    assert ((image_size // 32,) * 2, (7, 7)) in poolings


def convolutions(network) -> int:
    return sum(isinstance(m, nn.Conv2d) for m in network.modules())


def test_narrowing_keeps_the_depth():
    full, narrow = (models.create("resnet50", 5, 64, width=w) for w in (1.0, 1 / 16))
    assert convolutions(full) == convolutions(narrow) == 53


@pytest.mark.parametrize(
    ("name", "depth", "counted"),
    [
        # The tables of the networks' articles, counted by hand: 16 convolutions in 5 stages and two
        # more in timm's head; a stem, three in each of 3, 4, 6 and 3 blocks, one in a shortcut of
        # each stage; a patch embedding.
        ("vgg19", 1.0, 18),
        ("vgg19", 0.5, 1 + 1 + 2 + 2 + 2 + 2),
        ("vgg19", 0.25, 5 + 2),
        ("resnet50", 0.5, 1 + 3 * (2 + 2 + 3 + 2) + 4),
        ("resnet50", 0.25, 1 + 3 * (1 + 1 + 2 + 1) + 4),
        ("vit_base_patch16_224", 0.25, 1),
    ],
)
def test_depth_is_the_share_of_the_layers_of_each_stage_rounded_up(name, depth, counted):
    network = models.create(name, 5, 64, width=SMALL[name], depth=depth)
    assert convolutions(network) == counted
    if name.startswith("vit"):
        assert len(network.blocks) == 12 * depth


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenetv2_100"])
@pytest.mark.parametrize("depth", [1.0, 0.5, 0.25])
def test_the_two_that_timm_scales_follow_the_same_rule(name, depth):
    full = models.create(name, 5, 64)
    small = models.create(name, 5, 64, width=SMALL[name], depth=depth)
    expected = [math.ceil(len(stage) * depth) for stage in full.blocks]
    assert [len(stage) for stage in small.blocks] == expected


def test_a_network_without_a_depth_is_told_so():
    with raises("invalid option", "learnet cannot be shortened"):
        models.create("learnet", 5, 48, width=0.5, depth=0.5)
    with raises("invalid option", "full width"):
        ModelSpec(name="vgg19", depth=0.5)


def test_learnet_forward_equals_a_plain_second_writing():
    torch.manual_seed(0)
    model = LEARNet(num_classes=5, img_size=112).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight)
    x = torch.randn(2, 3, 112, 112)

    def conv(x, layer):  # Keras 'same': what does not fit evenly goes right and bottom
        kernel, side = layer[0].kernel_size[0], x.shape[-1]
        total = max((-(-side // 2) - 1) * 2 + kernel - side, 0)
        before, after = total // 2, total - total // 2
        x = functional.pad(x, (before, after, before, after))
        return torch.relu(functional.conv2d(x, layer[0].weight, layer[0].bias, stride=2))

    def norm(x, layer):
        shape = (1, -1, 1, 1)
        scaled = (x - layer.running_mean.view(shape)) / torch.sqrt(
            layer.running_var.view(shape) + 1e-3
        )
        return scaled * layer.weight.view(shape) + layer.bias.view(shape)

    c = model.columns
    stem = conv(x, model.stem)
    a1 = conv(stem, c[0].first)
    a2 = conv(a1, c[0].second)
    b1 = norm(conv(stem, c[1].first) + a1, c[1].norm_first)
    b2 = norm(conv(b1, c[1].second) + a2, c[1].norm_second)
    d1 = conv(stem, c[2].first)
    d2 = conv(d1, c[2].second)
    e1 = norm(conv(stem, c[3].first) + d1, c[3].norm_first)
    e2 = norm(conv(e1, c[3].second) + d2, c[3].norm_second)
    columns = [conv(y, c[k].third) for k, y in enumerate((a2, b2, d2, e2))]
    merged = conv(norm(torch.cat(columns, 1), model.norm), model.merge)
    assert merged.shape == (2, 256, 4, 4)
    expected = model.head(torch.relu(model.dense[1](merged.flatten(1))))
    torch.testing.assert_close(model(x), expected)


def test_learnet_classifier_can_be_replaced():
    model = models.create("learnet", 5, 64)
    model.reset_classifier(3)
    assert model.get_classifier().out_features == 3
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 3)


def test_local_imagenet_weights_are_loaded(tmp_path):
    torch.manual_seed(0)
    source = timm.create_model("mobilenetv2_100", num_classes=1000)
    for name, tensor in source.named_buffers():
        if name.endswith("running_var"):  # as training leaves them; a fresh network's are refused
            tensor.uniform_(0.9, 1.1)
    save_file(source.state_dict(), tmp_path / "mobilenetv2_100.safetensors")
    model = models.create("mobilenetv2_100", 5, 64, pretrained=True, weights_dir=tmp_path)
    torch.testing.assert_close(model.conv_stem.weight, source.conv_stem.weight)
    assert model.get_classifier().out_features == 5


def test_weights_that_are_not_there_or_damaged_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MER_WEIGHTS", str(tmp_path))
    with raises("missing weights", tmp_path / "resnet50.safetensors"):
        models.create("resnet50", 5, 224, pretrained=True)
    (tmp_path / "mobilenetv2_100.safetensors").write_bytes(b"no weights")
    with raises("bad weights", "mobilenetv2_100.safetensors"):
        models.create("mobilenetv2_100", 5, 64, pretrained=True)
    monkeypatch.delenv("MER_WEIGHTS")
    with raises("missing weights", "resnet5O"):
        models.weights_identity("resnet5O")


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("unknown name", {"name": "resnet5O"}),
        ("invalid option", {"name": "learnet", "pretrained": True}),
        ("invalid option", {"name": "resnet50", "pretrained": True, "width": 0.5}),
        ("invalid option", {"name": "resnet18", "width": 0.5}),
    ],
)
def test_bad_requests_are_named(kind, arguments):
    with raises(kind, arguments["name"]):
        models.create(num_classes=5, image_size=64, **arguments)


def least_channels(network) -> int:
    """The fewest channels of a 1 x 1 convolution with a stride."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    strided = [m for m in layers if m.kernel_size == (1, 1) and max(m.stride) > 1]
    return min((min(m.in_channels, m.out_channels) for m in strided), default=64)


@pytest.mark.scenario("K")
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", models.networks())
def test_no_network_of_a_profile_has_layers_that_crash_some_processors(profile, name):
    plan = PROFILES[profile].plan(name)
    with torch.device("meta"):
        network = models.create(name, 5, plan.image_size, width=plan.width, depth=plan.depth)
    assert least_channels(network) >= 8
    assert models.memory_format(network) == torch.channels_last


@pytest.mark.scenario("K")
@pytest.mark.parametrize("name", models.networks())
@pytest.mark.parametrize("width", [1 / 64, 1 / 16, 0.3, 0.49, 0.5, 0.75, 2])
def test_no_width_of_ones_own_makes_such_layers(name, width):
    if name == "learnet" and width < 0.5:
        with raises("invalid option", f"learnet at width {width:g}"):
            models.create(name, 5, 32, width=width)
        with raises("invalid option", "learnet"):
            ModelSpec(name=name, width=width)
        return
    with torch.device("meta"):
        assert least_channels(models.create(name, 5, 32, width=width)) >= 8


@pytest.mark.scenario("K")
def test_a_network_of_ones_own_with_such_a_layer_computes_with_channels_first(caplog):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 1, stride=2), nn.Flatten())
    assert models.memory_format(network) == torch.contiguous_format
    assert "Layer 1 has 4 channels" in caplog.text


@pytest.mark.scenario("K")
@pytest.mark.parametrize(("batch", "size", "threads"), [(4, 112, 1), (9, 32, 2)])
def test_learnet_of_half_width_trains_on_large_images_and_on_several_threads(batch, size, threads):
    """In a process of its own, which an error in oneDNN would end."""
    code = f"""
import torch
from mer_utils import models
torch.manual_seed(0)
torch.set_num_threads({threads})
images, found = torch.rand({batch}, 3, {size}, {size}), []
network = models.create("learnet", 5, {size}, width=0.5).eval()
for layout in (torch.contiguous_format, models.memory_format(network)):
    network.to(memory_format=layout).zero_grad()
    for _ in range(3):
        network(images.contiguous(memory_format=layout)).sum().backward()
    found.append([p.grad.clone() for p in network.parameters()])
for first, last in zip(*found, strict=True):
    torch.testing.assert_close(first, last, rtol=1e-3, atol=1e-4)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_operations_are_counted():
    layer = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    # 2 operations for each of 16 x 16 outputs x 8 filters x 27 weights.
    assert models.count_operations(layer, 16) == 2 * 16 * 16 * 8 * 27


def test_normalisation_is_imagenets_only_with_its_weights():
    model = models.create("resnet50", 5, 64, width=1 / 16)
    mean, std = models.normalisation(model, pretrained=False)
    assert mean.flatten().tolist() == std.flatten().tolist() == [0.5, 0.5, 0.5]
    full = models.create("resnet50", 5, 64)
    mean, _ = models.normalisation(full, pretrained=True)
    assert mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
