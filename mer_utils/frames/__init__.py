"""A clip's frames: found on disk, decoded, cropped to the face, fingerprinted.

Which files belong to a clip is the business of :mod:`mer_utils.datasets`; functions here take
paths. Colours are in the order red, green, blue.
"""

from mer_utils.frames import layout, spotting
from mer_utils.frames.crop import (
    CropOptions,
    crop,
    crop_clip,
    face_box,
    read_cropped,
    read_cropped_frames,
)
from mer_utils.frames.decode import (
    FrameFile,
    Picture,
    decode,
    no_motion,
    read_clip,
    read_frames,
    read_picture,
    require_shape,
)
from mer_utils.frames.face import DETECTORS, Detector, Face, find_face, get_detector, several
from mer_utils.frames.fingerprint import clip_fingerprint, fingerprints, forget
from mer_utils.frames.known import remember
from mer_utils.frames.known_faces import face_on
from mer_utils.frames.spotting import SPOTTERS, Spotter, spot_apex
from mer_utils.frames.video import (
    VIDEO_SUFFIXES,
    VideoClip,
    VideoFrame,
    is_video,
    outside,
    read_video,
    video_facts,
)

__all__ = [
    "DETECTORS",
    "SPOTTERS",
    "VIDEO_SUFFIXES",
    "CropOptions",
    "Detector",
    "Face",
    "FrameFile",
    "Picture",
    "Spotter",
    "VideoClip",
    "VideoFrame",
    "clip_fingerprint",
    "crop",
    "crop_clip",
    "decode",
    "face_box",
    "face_on",
    "find_face",
    "fingerprints",
    "forget",
    "get_detector",
    "is_video",
    "layout",
    "no_motion",
    "outside",
    "read_clip",
    "read_cropped",
    "read_cropped_frames",
    "read_frames",
    "read_picture",
    "read_video",
    "remember",
    "require_shape",
    "several",
    "spot_apex",
    "spotting",
    "video_facts",
]
