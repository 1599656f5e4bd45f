"""The command for one clip's dynamic images (DIs): ``mer di``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import typer

from mer_utils import dynamic_image, frames
from mer_utils.datasets import clip_frames
from mer_utils.errors import MerError
from mer_utils.extras import cv2
from mer_utils.files import atomic_write
from mer_utils.frames.layout import frame_files
from mer_utils.registry import unknown
from mer_utils.views import ViewOptions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

commands = typer.Typer()

# A sheet is looked at by itself, larger than in a page.
_LEAST_DPI, _MOST_DPI = 320, 1100


_CROP = frames.CropOptions()


class Points(NamedTuple):
    """Frame numbers of a clip."""

    onset: int
    apex: int | None
    offset: int

    @property
    def apex_index(self) -> int | None:
        """Place of the apex in the clip, from 0."""
        return None if self.apex is None else self.apex - self.onset


@commands.command(name="di")
def make_dis(
    source: Annotated[Path, typer.Argument(help="folder of one clip, or an mp4, avi, mov or mkv")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="contact sheet, a PNG file; default: CLIP-di.png here"),
    ] = None,
    onset: Annotated[int | None, typer.Option(help="frame number; default: the first")] = None,
    apex: Annotated[
        str | None,
        typer.Option(
            help="frame number; auto, or "
            + " or ".join(frames.SPOTTERS)
            + ": estimated from the frames; without it, full DI only"
        ),
    ] = None,
    offset: Annotated[int | None, typer.Option(help="frame number; default: the last")] = None,
    crop: Annotated[bool, typer.Option("--crop", help="find the face and crop to it")] = False,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0, max=2, help=f"of the crop, a share of the face; default {_CROP.margin}"
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=16, max=1024, help=f"of the crop, in pixels; default {_CROP.size}"),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(help=f"{_CROP.detector} (default), or module.function that makes your own"),
    ] = None,
    kind: Annotated[str, typer.Option(help=", ".join(dynamic_image.KINDS))] = "bilen",
    scaling: Annotated[
        str, typer.Option(help="minmax, as in training, or symmetric: mid-grey is zero")
    ] = ViewOptions().scaling,
    separate: Annotated[
        bool, typer.Option("--separate", help="also write each DI as OUTPUT-phase.png")
    ] = False,
) -> None:
    """Draw one clip's dynamic images, full and of both phases, beside three of its frames.

    Frame numbers are those of the file names in a folder (their last integer: 46 for
    reg_img46.jpg). A video's frames count from 1. Onset and offset are both included.
    """
    # Matplotlib takes a while to import, and no other command needs it.
    from mer_utils.plotting.dynamic_images import di_grid
    from mer_utils.plotting.style import MUTED, PHASE_TITLES

    output = output or Path(f"{source.resolve().stem}-di.png")
    if output.suffix.lower() != ".png":
        raise MerError(
            "invalid option", f"{output} is no PNG file", "a name ending in .png", "end it in .png"
        )
    if output.parent.resolve() == source.resolve():
        raise MerError(
            "invalid option",
            f"{output} would lie among the frames of the clip",
            "a place where it is not taken for a frame",
            "write it into another folder",
        )
    given = {"margin": margin, "size": size, "detector": detector}
    given = {name: value for name, value in given.items() if value is not None}
    options = None
    if crop:
        frames.get_detector(detector or _CROP.detector)  # an unknown one is refused before any work
        options = frames.CropOptions.model_validate(given)
    elif given:
        raise MerError(
            "invalid option",
            f"{' and '.join(f'--{name}' for name in given)} without --crop",
            "options of the crop together with --crop",
            "add --crop, or leave them out",
        )
    said: set[str] = set()
    number, rule = _apex(apex)
    clip, points = _read(source, onset, number, offset, options, said)
    if (clip == clip[0]).all():
        raise frames.no_motion(str(source))
    if rule:
        found = points.onset + frames.spot_apex(clip, rule, said)
        points = points._replace(apex=found)
        said.add(f"the apex, frame {found}, is an estimate ({rule}); look at it in the sheet")
    place = points.apex_index
    # The kind and the scaling, any text to mypy, are checked by name where they are used.
    pooled = dynamic_image.phase_dynamic_images(clip, place, kind)  # type: ignore[arg-type]
    dis = {p: dynamic_image.to_uint8(d, scaling) for p, d in pooled.items() if d.any()}  # type: ignore[arg-type]
    row = {"title": "", "onset_frame": clip[0], "offset_frame": clip[-1], "dis": dis}
    row |= {"views": ("full",)} if place is None else {"apex_frame": clip[place]}
    figure = di_grid([row])
    heading = _heading(source, points, kind, scaling)
    figure.suptitle(heading, fontsize=8, color=MUTED, parse_math=False)
    with atomic_write(output) as temporary:
        figure.savefig(temporary, format="png", dpi=_dpi(figure, clip), metadata={"Software": None})
    if separate:
        for phase, image in dis.items():
            with atomic_write(output.with_name(f"{output.stem}-{phase}.png")) as temporary:
                temporary.write_bytes(_png(image))
    lacking = [PHASE_TITLES[p] for p in dynamic_image.PHASES if p not in dis]
    typer.echo(f"Wrote {output}: {len(clip)} frames, DIs of {', '.join(dis)}.")
    if apex is None:
        typer.echo("For those of both phases, name the apex: --apex N, or --apex auto to spot it.")
    elif lacking:
        typer.echo(f"No DI {' or '.join(lacking)}: fewer than two different frames there.")
    for remark in sorted(said):
        typer.echo(f"Note: {remark}.")


def _apex(said: str | None) -> tuple[int | None, str]:
    """Return the number of the apex, or the rule by which it is spotted; "" for none."""
    if said is None or said.strip().isdecimal():
        return None if said is None else int(said), ""
    rule = frames.spotting.RULE if said == "auto" else said
    if rule.partition(":")[0] in frames.spotting.SPOTTERS:
        rule = f"{frames.spotting.RULE}:{rule}"
    if not frames.spotting.is_spotted(rule):
        raise unknown("apex", said, ["a frame number", "auto", *frames.spotting.SPOTTERS])
    return None, frames.spotting.complete_rule(rule)


def _read(
    source: Path,
    onset: int | None,
    apex: int | None,
    offset: int | None,
    options: frames.CropOptions | None,
    said: set[str],
) -> tuple[np.ndarray, Points]:
    """Return the frames onset..offset, (t, h, w, c), and the three frame numbers.

    What was changed or chosen is added to `said`.
    """
    if frames.is_video(source) and not source.is_dir():
        video = frames.read_video(source, 1 if onset is None else onset, offset)
        points = _ordered(source, video.first, apex, video.last)
        clip = video.frames
        said.update(video.remarks)
        if options:
            clip = frames.crop_clip(clip, options, str(source), said)
        return clip, points
    numbers = list(_frames_of(source))
    first, last = numbers[0], numbers[-1]
    points = _ordered(
        source, first if onset is None else onset, apex, last if offset is None else offset
    )
    if points.onset < first or points.offset > last:
        raise frames.outside(source, points.onset, points.offset, first, last)
    try:
        paths = clip_frames({**points._asdict(), "frames_dir": source}).paths
    except MerError as error:
        if error.kind != "missing frames":
            raise
        remedy = "copy the frames again, or name an onset and an offset between which all are there"
        raise MerError(error.kind, error.what, error.expected, remedy, error.place) from None
    if options:
        return frames.read_cropped(paths, options, said), points
    return frames.read_clip(paths, said), points


def _frames_of(source: Path) -> dict[int, Path]:
    if source.is_file():
        raise MerError(
            "undecodable video",
            f"{source} is neither a folder nor a video",
            f"a folder of frames, or a file ending in {', '.join(sorted(frames.VIDEO_SUFFIXES))}",
            "name the clip's folder, or convert the video to mp4",
        )
    files = frame_files(source)
    if not files:
        raise MerError(
            "missing frames",
            f"{source} holds no frames",
            "JPEG, PNG, BMP or TIFF files with the frame's number in their names, as img46.jpg",
            "name the folder of one clip, in which its frames lie",
        )
    return files


def _ordered(source: Path, onset: int, apex: int | None, offset: int) -> Points:
    """Return the three frame numbers, or raise if they are not in order."""
    if onset >= offset:
        raise MerError(
            "clip of one frame",
            f"{source} from onset {onset} to offset {offset} is no clip of two frames",
            "an onset before the offset",
            "check both frame numbers",
        )
    if apex is not None and not onset <= apex <= offset:
        raise MerError(
            "apex outside the clip",
            f"apex {apex} lies outside {onset}..{offset} of {source}",
            f"a frame number from {onset} to {offset}",
            "check the three frame numbers; or give --apex auto to spot it",
        )
    return Points(onset, apex, offset)


def _heading(source: Path, points: Points, kind: str, scaling: str) -> str:
    numbers = [f"{name} {n}" for name, n in points._asdict().items() if n is not None]
    zero = "mid-grey is zero" if scaling == "symmetric" else "each DI has its own zero"
    return f"{source.stem}: {', '.join(numbers)}\n{kind} weights, {scaling} scaling: {zero}"


def _dpi(figure: Figure, clip: np.ndarray) -> float:
    """Return the resolution at which a frame is shown with every pixel, within reason."""
    figure.draw_without_rendering()  # lays the panels out
    shown = figure.axes[0].get_window_extent().width / figure.dpi
    return float(np.clip(clip.shape[2] / shown, _LEAST_DPI, _MOST_DPI))


def _png(image: np.ndarray) -> bytes:
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[-1] == 3 else image
    return cv2.imencode(".png", stored)[1].tobytes()
