"""A clip's frames as arrays: decoding and fingerprinting what is on disk.

Which files belong to a clip is the business of :mod:`mer_utils.datasets`; this room
turns them into pixels. Colours are in the order red, green, blue.
"""

from mer_utils.frames.crop import (
    CropOptions,
    SubjectCrop,
    crop,
    crop_clip,
    crops_of,
    face_box,
    read_cropped,
    read_cropped_frames,
    without_face,
)
from mer_utils.frames.decode import decode, decoding_problem, load_clip, read_clip, read_frames
from mer_utils.frames.face import DETECTORS, Detector, Face, find_face, get_detector
from mer_utils.frames.fingerprint import clip_fingerprint, data_fingerprint
from mer_utils.frames.known_faces import face_on, remember_faces
from mer_utils.frames.video import VIDEO_SUFFIXES, VideoClip, is_video, outside, read_video

__all__ = [
    "DETECTORS",
    "VIDEO_SUFFIXES",
    "CropOptions",
    "Detector",
    "Face",
    "SubjectCrop",
    "VideoClip",
    "clip_fingerprint",
    "crop",
    "crop_clip",
    "crops_of",
    "data_fingerprint",
    "decode",
    "decoding_problem",
    "face_box",
    "face_on",
    "find_face",
    "get_detector",
    "is_video",
    "load_clip",
    "outside",
    "read_clip",
    "read_cropped",
    "read_cropped_frames",
    "read_frames",
    "read_video",
    "remember_faces",
    "without_face",
]
