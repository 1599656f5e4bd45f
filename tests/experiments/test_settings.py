"""Data sets beyond the paper's two: SMIC-HS, the composite and manifests, end to end."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import draw_twin, raises
from typer.testing import CliRunner

from mer_utils import augment, datasets, experiments, runs
from mer_utils.cli.main import app
from mer_utils.experiments import PAPER, run_spec
from mer_utils.files import build_dir
from mer_utils.frames import CropOptions, Face
from mer_utils.phases import PHASES, midpoint_apex
from mer_utils.views import ViewOptions


@pytest.fixture(scope="module")
def smic_twin(twins):
    """The smoke profile's SMIC-HS twin, beside the other two."""
    return draw_twin("smic", twins)


@pytest.fixture
def manifest(tmp_path, rng):
    """Three subjects with two clips each; one clip has all three views."""
    folder, rows = tmp_path / "flow", []
    folder.mkdir()
    for subject in ("ann", "ben", "cho"):
        for clip, label in (("c1", "left"), ("c2", "right")):
            for view in PHASES if (subject, clip) == ("ann", "c1") else ("full",):
                name = f"{subject}_{clip}_{view}.png"
                cv2.imwrite(str(folder / name), rng.integers(0, 256, (40, 50, 3), np.uint8))
                rows.append((subject, clip, label, name, view))
    table = pd.DataFrame(rows, columns=["subject", "clip", "label", "image", "view"])
    table.to_csv(folder / "flow.csv", index=False)
    return folder / "flow.csv"


def first_fold(workspace):
    """Compute one fold of `single` with the smallest network and return its predictions."""
    (data,) = workspace.data.values()
    spec = run_spec(workspace.profile, data.spec, "learnet")
    job = workspace.jobs([spec])[0]
    assert runs.run([job], workspace.context).failed == []
    return job, workspace.store.predictions([spec])


def opened(twins, tmp_path, *datasets):
    return experiments.open_workspace("smoke", twins, tmp_path / "store", datasets=list(datasets))


def in_place(file, new):
    file.write_bytes(new.read_bytes())


def moved_over(file, new):
    os.replace(shutil.copy2(new, file.with_suffix(".new")), file)


def linked(file, new):
    file.unlink()
    os.link(new, file)


@pytest.mark.scenario("D")
@pytest.mark.parametrize("change", [in_place, moved_over, linked])
def test_a_picture_changed_with_size_and_time_kept_is_seen_in_the_same_session(
    twins, tmp_path, manifest, rng, change, monkeypatch
):
    monkeypatch.setattr("mer_utils.frames.fingerprint._SETTLED", -1.0)  # all is kept at once
    file, new = manifest.parent / "ann_c1_full.png", tmp_path / "new.png"
    pictures = [rng.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(2)]
    for place, picture in zip((file, new), pictures, strict=True):
        cv2.imwrite(str(place), picture, [cv2.IMWRITE_PNG_COMPRESSION, 0])
        os.utime(place, ns=(10**18, 10**18))

    def seen():
        workspace = opened(twins, tmp_path, f"manifest:{manifest}")
        (data,) = workspace.data.values()
        spec = run_spec(workspace.profile, data.spec, "learnet")
        assert data.spec.fingerprint == datasets.Manifest(manifest).fingerprint()
        return workspace.context, spec, runs.load_views(spec, workspace.context).images["full"][0]

    before = file.stat()
    _, old, shown = seen()
    change(file, new)
    os.utime(file, ns=(10**18, 10**18))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    context, changed, shows = seen()
    assert changed.key != old.key
    for image, picture in ((shown, pictures[0]), (shows, pictures[1])):
        again = cv2.resize(picture[..., ::-1], image.shape[:2], interpolation=cv2.INTER_AREA)
        assert np.abs(image.astype(int) - again).mean() < 2
    with raises("other data"):
        runs.load_views(old, context)


@pytest.mark.scenario("D")
def test_rehash_trusts_nothing_that_was_kept(twins, tmp_path, manifest, monkeypatch):
    monkeypatch.setattr("mer_utils.frames.fingerprint._SETTLED", -1.0)
    true = datasets.Manifest(manifest).fingerprint()
    name = [f"manifest:{manifest}"]

    def fingerprint(rehash):
        workspace = experiments.open_workspace(
            "smoke", twins, tmp_path / "store", datasets=name, rehash=rehash
        )
        return workspace.data["manifest:flow"].spec.fingerprint

    assert fingerprint(False) == true
    memo = build_dir() / "cache" / "frames.json"
    kept = json.loads(memo.read_text())
    memo.write_text(json.dumps({k: [seen, "0" * 64] for k, (seen, _) in kept.items()}))
    assert fingerprint(False) != true
    assert fingerprint(True) == fingerprint(False) == true


def test_smic_takes_the_middle_frame_as_apex(twins, smic_twin, tmp_path):
    workspace = opened(twins, tmp_path, "smic")
    clips = workspace.clips("smic")
    assert set(clips["apex_source"]) == {"midpoint"}
    assert list(clips["apex"]) == [
        midpoint_apex(*ends) for ends in zip(clips["onset"], clips["offset"], strict=True)
    ]
    job, rows = first_fold(workspace)
    assert set(rows["test_view"]) == set(PHASES)
    assert set(rows["subject"]) == {job.held_out}
    assert (workspace.ledger("smic")["rules"] == "missing_apex=midpoint").all()


@pytest.mark.parametrize("chosen", ["", "spotted"])
def test_rules_that_leave_no_clip_are_left_out(twins, smic_twin, tmp_path, monkeypatch, chosen):
    if chosen:
        monkeypatch.setenv("MER_MISSING_APEX", chosen)
    workspace = opened(twins, tmp_path, "smic")
    specs = workspace.specs("table7")
    rules = {s.data.missing_apex for s in specs}
    assert len(rules) == (2 if chosen else 1)
    assert "own" in rules
    assert len({job.spec.key for job in workspace.jobs(specs)}) == len(specs)
    for spec in specs:  # each is found again, as a worker does
        assert workspace.context.data(spec.data).spec == spec.data


def test_a_fold_of_the_composite(twins, smic_twin, tmp_path):
    workspace = opened(twins, tmp_path, "megc2019")
    clips = workspace.clips("megc2019")
    alone = {part.name: part.clips() for part in workspace.data["megc2019"].dataset.parts}
    assert list(alone) == ["casme2", "samm", "smic"]
    assert len(clips) == sum(map(len, alone.values()))
    assert clips["subject"].nunique() == sum(t["subject"].nunique() for t in alone.values())
    job, rows = first_fold(workspace)
    dataset, _, subject = job.held_out.partition("-")
    tested = alone[dataset][alone[dataset]["subject"] == subject]
    full = rows[rows["test_view"] == "full"]
    assert sorted(full["clip"]) == sorted(tested["clip"])
    assert set(rows["dataset"]) == {"megc2019"}
    assert [c for c in rows if c.startswith("p_")] == ["p_0", "p_1", "p_2"]
    assert workspace.is_synthetic("megc2019")


def test_the_ledger_of_the_composite_holds_the_rows_of_its_parts(twins, smic_twin, tmp_path):
    workspace = opened(twins, tmp_path, "megc2019")
    lines = workspace.ledger("megc2019")
    parts = {part.name: part.ledger() for part in workspace.data["megc2019"].dataset.parts}
    assert lines.groupby("dataset").size().to_dict() == {d: len(p) for d, p in parts.items()}
    used = lines[lines["status"] == "used"]
    clips = workspace.clips("megc2019")
    assert sorted(zip(used["subject"], used["clip"], strict=True)) == sorted(
        zip(clips["subject"], clips["clip"], strict=True)
    )
    assert set(lines.loc[lines["dataset"] == "smic", "rules"]) == {"missing_apex=midpoint"}


@pytest.mark.parametrize("name", ["smic", "megc2019"])
def test_clips_without_an_apex_have_phases_where_it_is_spotted(twins, tmp_path, monkeypatch, name):
    def made():
        data = opened(twins, tmp_path, name).data[name]
        return data, data.views(ViewOptions(image_size=16))

    halfway, before = made()
    monkeypatch.setenv("MER_MISSING_APEX", "spotted")
    data, after = made()
    assert data.shown == halfway.shown >= set(PHASES)
    assert data.spec != halfway.spec
    spotted = data.clips["apex_source"].eq("spotted:regions:1").to_numpy()
    assert spotted.sum() == halfway.clips["apex_source"].ne("annotated").sum() > 0
    assert all(after.present[view][spotted].all() for view in PHASES)
    changed = (before.images["onset_apex"] != after.images["onset_apex"]).any(axis=(1, 2, 3))
    assert changed[spotted].any()
    assert not changed[~spotted].any()
    np.testing.assert_array_equal(before.images["full"], after.images["full"])
    context = opened(twins, tmp_path, name).context
    assert context.data(data.spec).spec == data.spec
    monkeypatch.setenv("MER_MISSING_APEX", "spoted")
    with raises("invalid setting", "MER_MISSING_APEX is 'spoted'", "spotted"):
        opened(twins, tmp_path, name)


def test_a_flow_is_mirrored_with_its_sign_where_its_channel_is_named(twins, manifest, tmp_path):
    table = pd.read_csv(manifest)
    for horizontal, own, named in (
        ("", set(), "flip-red"),
        ("green", {"flip-green"}, "flip-green"),
    ):
        place = manifest.with_name(f"flow{horizontal}.csv")
        table.assign(horizontal=horizontal).to_csv(place, index=False)
        workspace = opened(twins, tmp_path, f"manifest:{place}", "samm")
        specs = workspace.specs("table3")
        used = {s.spatial for s in specs if s.data.dataset.startswith("manifest:")}
        assert used == {"none", "flip", "rotation", "flip+rotation"} | own
        assert not any(s.spatial in augment.SIGNED for s in specs if s.data.dataset == "samm")
        (doubt,) = workspace.doubts(specs)
        assert f"flow{horizontal}.csv" in doubt
        assert named in doubt
        assert workspace.doubts([s for s in specs if s.spatial in ("none", "flip-green")]) == []


def test_what_images_cannot_train_is_left_out_and_remarked_upon(twins, manifest, tmp_path):
    def trained(manifest):
        workspace = opened(twins, tmp_path, f"manifest:{manifest}", "samm")
        (remark,) = workspace.remarks
        specs = workspace.specs("table2") + workspace.specs("table7")
        names = {s.setting for s in specs if s.data.dataset.startswith("manifest:")}
        assert names.isdisjoint(remark.split("views of ")[1].split(", which")[0].split(", "))
        return names, remark

    names, _ = trained(manifest)
    assert names == set(experiments.COMPARED) - {"aligned"}
    workspace = opened(twins, tmp_path, f"manifest:{manifest}")
    assert workspace.specs("table6") == workspace.specs("table7") == []  # images are finished
    assert {s.views.perturbation.cut for s in workspace.specs("table4")} == {"apex"}
    table = pd.read_csv(manifest)
    manifest = manifest.with_name("plain.csv")
    table[table["view"] == "full"].to_csv(manifest, index=False)
    names, remark = trained(manifest)
    assert names == {"single", "matched single"}
    assert "plain.csv" in remark
    places = ["--profile", "smoke", "--data-root", str(twins), "--store", str(tmp_path / "s")]
    shown = CliRunner().invoke(app, ["plan", "table2", *places, "--data", f"manifest:{manifest}"])
    assert f"Warning: {remark}" in shown.output


def test_a_fold_of_a_manifest(twins, manifest, tmp_path):
    workspace = opened(twins, tmp_path, f"manifest:{manifest}")
    assert list(workspace.data) == ["manifest:flow"]
    data = workspace.data["manifest:flow"]
    views = workspace.views(run_spec(workspace.profile, data.spec, "learnet"))
    assert {phase: views.present[phase].sum() for phase in PHASES} == {
        "full": 6, "onset_apex": 1, "apex_offset": 1,
    }  # fmt: skip
    shown = cv2.imread(str(manifest.parent / "ann_c1_apex_offset.png"))[:, :, ::-1]
    expected = cv2.resize(shown, (32, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(views.images["apex_offset"][0], expected)
    _job, rows = first_fold(workspace)
    assert sorted(set(zip(rows["clip"], rows["test_view"], strict=True))) == [
        ("c1", "apex_offset"), ("c1", "full"), ("c1", "onset_apex"), ("c2", "full"),
    ]  # fmt: skip
    assert "flow.csv" in workspace.data_title


@pytest.mark.parametrize("change", ["image", "view", "label"])
def test_every_change_of_a_manifest_is_another_run(twins, manifest, tmp_path, change):
    def fingerprint(folder):
        file = folder / "flow.csv"
        return opened(twins, tmp_path, f"manifest:{file}").data["manifest:flow"].spec.fingerprint

    before = fingerprint(manifest.parent)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in manifest.parent.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert fingerprint(copy) == before
    other = tmp_path / "other"
    copy.rename(other)
    if change == "image":
        cv2.imwrite(str(other / "cho_c2_full.png"), np.zeros((40, 50, 3), np.uint8))
    else:
        old, new = {
            "view": ("cho_c2_full.png,full", "cho_c2_full.png,onset_apex"),
            "label": ("cho,c2,right", "cho,c2,left"),
        }[change]
        text = (other / "flow.csv").read_text()
        assert old in text
        (other / "flow.csv").write_text(text.replace(old, new))
    assert fingerprint(other) != before


def test_corrections_of_the_user_change_the_fingerprint(twins, tmp_path, monkeypatch):
    plain = opened(twins, tmp_path, "casme2")
    clip = plain.clips("casme2").iloc[0]
    key = f"{clip['subject']},{clip['clip']}"
    file = tmp_path / "mine.csv"
    file.write_text(
        "dataset,subject,clip,field,old,new,reason,source\n"
        f"casme2,{key},apex,{clip['apex']},{clip['onset'] + 1},looked,me\n"
    )
    monkeypatch.setenv("MER_CORRECTIONS", str(file))
    corrected = opened(twins, tmp_path, "casme2")
    assert corrected.clips("casme2").iloc[0]["apex"] == clip["onset"] + 1
    assert corrected.data["casme2"].spec != plain.data["casme2"].spec


def test_clips_that_lack_frames_stop_a_run_or_are_dropped_and_counted(
    twins, smic_twin, tmp_path, monkeypatch
):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    root = tmp_path / "casme2"
    shutil.copytree(twins / "casme2-smoke", root)
    known = datasets.Casme2(root).clips()
    short = known.iloc[1]
    datasets.clip_frames(short).paths[-1].unlink()
    monkeypatch.setenv("MER_CASME2_ROOT", str(root))
    with raises("missing frames", short["clip"], "MER_MISSING_FRAMES=drop_clip"):
        opened(twins, tmp_path, "casme2").clips("casme2")
    whole = opened(twins, tmp_path, "samm").data["samm"].spec
    monkeypatch.setenv("MER_MISSING_FRAMES", "drop_clip")
    dropping = opened(twins, tmp_path, "casme2", "megc2019")
    assert {spec.data.missing_frames for spec in dropping.specs("table2")} == {"drop_clip"}
    clips, lines = dropping.clips("casme2"), dropping.ledger("casme2")
    assert set(known["clip"]) - set(clips["clip"]) == {short["clip"]}
    (line,) = lines[lines["reason"].str.contains("missing frames")].itertuples()
    assert (line.subject, line.clip) == (short["subject"], short["clip"])
    before = datasets.Casme2(twins / "casme2-smoke", "megc-3").clips()
    composite = dropping.clips("megc2019")
    after = composite[composite["dataset"] == "casme2"]
    assert set(after["clip"]) == set(before["clip"]) - {short["clip"]}
    # The rule enters the key: results with and without it never mix.
    assert opened(twins, tmp_path, "samm").data["samm"].spec != whole


def test_clips_without_a_face_are_named_or_dropped_and_counted(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_CROP", "samm:margin=0.3:size=48")
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    searched = Counter()
    known = datasets.Samm(twins / "samm-smoke").clips()
    blind = known.iloc[2]

    def find(image, detector):
        searched[image.tobytes()] += 1
        onset = datasets.clip_frames(blind).paths[0]
        hidden = (image[..., 0] == cv2.imread(str(onset), cv2.IMREAD_GRAYSCALE)).all()
        return None if hidden else face

    face = Face(box=(30, 30, 110, 140), eyes=((50, 70), (90, 70)))
    monkeypatch.setattr("mer_utils.frames.known_faces.find_face", find)
    workspace = opened(twins, tmp_path, "samm", "casme2")
    specs = workspace.specs("table2")
    assert {(s.data.dataset, s.data.crops) for s in specs} == {
        ("samm", (("samm", CropOptions(margin=0.3, size=48)),)), ("casme2", ()),
    }  # fmt: skip
    spec = next(s for s in specs if s.data.dataset == "samm")
    with raises("no face", f"1 clip(s): samm {blind['subject']} {blind['clip']}"):
        workspace.views(spec)
    # What was found is found no more: the first workspace has searched every frame.
    assert len(searched) == len(known)
    searched.clear()
    monkeypatch.setenv("MER_NO_FACE", "drop_clip")
    dropping = opened(twins, tmp_path, "samm")
    clips, lines = dropping.clips("samm"), dropping.ledger("samm")
    assert len(clips) == len(known) - 1
    assert set(known["clip"]) - set(clips["clip"]) == {blind["clip"]}
    assert (lines["status"] == "used").sum() == len(clips)
    (line,) = lines[lines["reason"].str.contains("no face")].itertuples()
    assert (line.subject, line.clip) == (blind["subject"], blind["clip"])
    assert len(dropping.views(dropping.specs("table2")[0]).labels) == len(clips)
    assert not searched


def test_each_part_of_a_composite_is_cropped_as_its_own_data_set(
    twins, smic_twin, tmp_path, monkeypatch
):
    monkeypatch.setenv("MER_CROP", "smic:size=64, samm:margin=0.3:size=48, casme2")
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    face = Face(box=(20, 20, 100, 120), eyes=((40, 55), (80, 55)))
    monkeypatch.setattr("mer_utils.frames.known_faces.find_face", lambda image, detector: face)
    together, alone = opened(twins, tmp_path, "megc2019"), opened(twins, tmp_path, "samm")
    spec = run_spec(together.profile, together.data["megc2019"].spec, "learnet")
    assert spec.data.crops == (
        ("casme2", CropOptions()),
        ("samm", CropOptions(margin=0.3, size=48)),
        ("smic", CropOptions(size=64)),
    )
    made = together.views(spec).images["full"]
    clips = together.clips("megc2019")
    samm = run_spec(alone.profile, alone.data["samm"].spec, "learnet")
    of_clip = dict(zip(alone.clips("samm")["clip"], alone.views(samm).images["full"], strict=True))
    compared = 0
    for row, images in zip(clips.itertuples(), made, strict=True):
        if row.dataset == "samm" and row.clip in of_clip:
            np.testing.assert_array_equal(images, of_clip[row.clip])
            compared += 1
    assert compared > 0


def test_the_crop_of_a_data_set_is_read_from_the_setting(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_CROP", "casme2:margin=0.4:detector=os.getcwd, samm")
    workspace = opened(twins, tmp_path, "samm", "casme2")
    crops = {name: data.dataset.crops for name, data in workspace.data.items()}
    assert crops == {
        "samm": (("samm", CropOptions()),),
        "casme2": (("casme2", CropOptions(margin=0.4, detector="os.getcwd")),),
    }


def test_the_data_sets_of_the_paper_are_the_usual_ones(workspace):
    assert tuple(workspace.data) == PAPER == ("casme2", "samm")


@pytest.mark.parametrize(
    ("names", "settings", "named"),
    [
        (["casme3"], {}, "'casme3'"),
        (["manifest:"], {}, "'manifest:'"),
        (None, {"MER_CROP": "casme2, sam"}, "MER_CROP names 'sam'"),
        (None, {"MER_CROP": "megc2019"}, "MER_CROP names 'megc2019'"),
        (None, {"MER_CROP": "samm casme2 samm"}, "MER_CROP names 'samm' twice"),
        (None, {"MER_CROP": "samm:margin=3"}, "MER_CROP has 'samm:margin=3'"),
        (None, {"MER_CROP": "samm:margin"}, "MER_CROP has 'samm:margin'"),
        (None, {"MER_CROP": "samm:marge=1"}, "MER_CROP has 'samm:marge=1'"),
        (None, {"MER_CROP": "samm:detector=nobody"}, "MER_CROP has 'samm:detector=nobody'"),
        (None, {"MER_MISSING_FRAMES": "nearest"}, "MER_MISSING_FRAMES is 'nearest'"),
        (None, {"MER_NO_FACE": "ignore"}, "MER_NO_FACE is 'ignore'"),
    ],
)
def test_wrong_choices_are_named(twins, tmp_path, monkeypatch, names, settings, named):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    kinds = {"casme3": "unknown name", "manifest:": "invalid option"}
    with raises("invalid setting" if settings else kinds[names[0]], named):
        experiments.open_workspace("smoke", twins, tmp_path / "store", datasets=names)


def test_two_manifests_need_two_names(twins, manifest, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(manifest.parent, other)
    with raises("taken name", "manifest:flow"):
        opened(twins, tmp_path, f"manifest:{manifest}", f"manifest:{other / manifest.name}")


def test_mer_plans_a_manifest_and_the_composite(twins, smic_twin, manifest, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    places = ["--profile", "smoke", "--data-root", str(twins), "--store", str(tmp_path / "s")]
    data = ["--data", f"manifest:{manifest}", "--data", "megc2019"]
    shown = CliRunner().invoke(app, ["status", "table2", *places, *data])
    assert shown.exit_code == 0, shown.output
    line = next(line for line in shown.output.splitlines() if line.startswith("│ table2 "))
    # Six networks in four settings and three baselines in three, one fewer for the manifest,
    # which has no fall in reverse time: 3 people there and 9 of the twins.
    assert line.split()[3] == str((6 * 3 + 3 * 2) * 3 + (6 * 4 + 3 * 3) * 9)
