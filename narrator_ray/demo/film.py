"""Turns a storyboard into a film: draws scene and product of a shot once, moves them, encodes H.264 without sound.

Frames are 480 x 360 pixels at 25 a second. The same storyboard gives the same bytes in the same environment: the
encoder runs on one thread and writes no date.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from narrator_ray.demo.canvas import Canvas
from narrator_ray.demo.colours import PALETTES
from narrator_ray.demo.motions import BOUNCE_PX, Pose, pose_at
from narrator_ray.demo.scenes import DRAW_SCENE
from narrator_ray.demo.scenes.scenery import AMBIENT, FOOT_Y, HEIGHT, WIDTH
from narrator_ray.demo.shapes import DRAW_SHAPE
from narrator_ray.demo.storyboard import FPS, Shot, Storyboard

FRAME_WIDTH_PX = 480
FRAME_HEIGHT_PX = 360
_LEFT, _TOP = (WIDTH - FRAME_WIDTH_PX) / 2, (HEIGHT - FRAME_HEIGHT_PX) / 2
_FOOT_X, _FOOT_Y = FRAME_WIDTH_PX / 2, FOOT_Y - _TOP
_SCENE_SCALE = 1.5
"""Scenes are drawn this much larger, so that the camera can come closer without blur."""
_PRODUCT_PX = 222
_FOOT_FRACTION = 0.96
"""Where a form's foot is in its square, from the top."""
_ZOOM_CENTRE_Y = 0.78
_X264 = {"preset": "veryfast", "crf": "22", "g": "50", "bf": "0", "threads": "1", "sc_threshold": "0", "mbtree": "0"}
"""One thread, and no macroblock tree: its look-ahead reads memory it has not written, so bytes differed by chance."""
Picture = npt.NDArray[np.uint8]


def draw_video(path: Path | str, storyboard: Storyboard) -> None:
    """Draw and encode a whole film.

    Args:
        path: Where to write it (mp4); an existing file is replaced. Half a film may be left there on a crash.
        storyboard: What it shows.
    """
    shots = ((index == 0, picture) for shot in storyboard.shots for index, picture in enumerate(draw_shot(shot)))
    encode_pictures(path, shots, FPS)


def encode_pictures(path: Path | str, pictures: Iterable[tuple[bool, Picture]], fps: int) -> None:
    """Encode pictures as a film (mp4).

    Args:
        path: Where to write it; an existing file is replaced.
        pictures: Whether a shot begins, and the picture.
        fps: Pictures a second.
    """
    import av
    from av.video.frame import PictureType

    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=fps, options=_X264)
        stream.width, stream.height, stream.pix_fmt = FRAME_WIDTH_PX, FRAME_HEIGHT_PX, "yuv420p"
        for is_first, picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pict_type = PictureType.I if is_first else PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def draw_shot(shot: Shot, frames: Iterable[int] | None = None) -> Iterator[Picture]:
    """The pictures of a shot, each uint8 [360, 480, 3].

    Args:
        shot: What is seen.
        frames: Which of its frames, counted from 0; None: all.
    """
    draw = _draw_zoomed if shot.motion == "zoom_in" else _draw_moved
    return draw(shot, range(shot.num_frames) if frames is None else frames)


def _draw_zoomed(shot: Shot, frames: Iterable[int]) -> Iterator[Picture]:
    """Product and scene are put together once; only the camera moves."""
    scale = _SCENE_SCALE
    stage = _scene(shot.scene, shot.scene_variant).copy()
    foot = ((_FOOT_X + _LEFT) * scale, (_FOOT_Y + _TOP) * scale)
    _place(stage, shot, Pose(), foot, scale)
    for index in frames:
        zoom = pose_at(shot, index).zoom
        width, height = FRAME_WIDTH_PX * scale / zoom, FRAME_HEIGHT_PX * scale / zoom
        left = stage.width / 2 - width / 2
        top = (_TOP + FRAME_HEIGHT_PX * _ZOOM_CENTRE_Y) * scale - height * _ZOOM_CENTRE_Y
        window = (left, top, left + width, top + height)
        yield np.asarray(stage.resize((FRAME_WIDTH_PX, FRAME_HEIGHT_PX), Image.Resampling.BILINEAR, box=window))


def _draw_moved(shot: Shot, frames: Iterable[int]) -> Iterator[Picture]:
    """The product moves before the scene, which may pan."""
    scene = _scene(shot.scene, shot.scene_variant).resize((int(WIDTH), int(HEIGHT)), Image.Resampling.LANCZOS)
    for index in frames:
        pose = pose_at(shot, index)
        left = _LEFT + pose.pan_px
        window = (left, _TOP, left + FRAME_WIDTH_PX, _TOP + FRAME_HEIGHT_PX)
        if pose.pan_px:
            size = (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
            picture = scene.resize(size, Image.Resampling.BILINEAR, box=window)
        else:
            picture = scene.crop((int(left), int(_TOP), int(left) + FRAME_WIDTH_PX, int(_TOP) + FRAME_HEIGHT_PX))
        _place(picture, shot, pose, (_FOOT_X + pose.shift_px, _FOOT_Y), 1.0)
        yield np.asarray(picture)


def _place(picture: Image.Image, shot: Shot, pose: Pose, foot: tuple[float, float], scale: float) -> None:
    """Put the product and its shadow into a picture, its foot at ``foot``."""
    size = round(_PRODUCT_PX * shot.size_fraction * scale)
    nearness = 1 - 0.55 * pose.lift_px / BOUNCE_PX
    shadow = _shadow(shot.form, shot.colour, size)
    spread = 1 + 0.15 * (1 - nearness)
    mask = shadow.resize((round(shadow.width * spread), round(shadow.height * spread)), Image.Resampling.BILINEAR)
    mask = mask.point([round(level * nearness) for level in range(256)])
    corner = (round(foot[0] - mask.width / 2), round(foot[1] - mask.height / 2))
    picture.paste(AMBIENT[shot.scene].shadow, (*corner, corner[0] + mask.width, corner[1] + mask.height), mask)
    raised = foot[1] - pose.lift_px - _rocking_px(_foot_span(shot.form, shot.colour, size), size, pose.turn_deg)
    sprite, corner = _posed(_sprite(shot.form, shot.colour, shot.scene, size), pose, (foot[0], raised))
    picture.paste(sprite, corner, sprite)


def _rocking_px(foot_span: tuple[int, int], size_px: int, turn_deg: float) -> float:
    """How much higher the middle of the foot is when a product stands on one edge of it."""
    left, right = foot_span
    reach = right - size_px / 2 if turn_deg > 0 else size_px / 2 - left
    return max(reach, 0.0) * abs(math.sin(math.radians(turn_deg)))


def _posed(sprite: Image.Image, pose: Pose, foot: tuple[float, float]) -> tuple[Image.Image, tuple[int, int]]:
    """The product turned and stretched about its foot, and the corner where it belongs."""
    size = sprite.width
    room, above, below = (1.0, 1.02, 0.06) if pose.turn_deg == 0 else (1.45, 1.1, 0.16)
    corner_x, corner_y = math.floor(foot[0] - size * room / 2), math.floor(foot[1] - size * above)
    foot_x, foot_y = foot[0] - corner_x, foot[1] - corner_y
    turn = math.radians(pose.turn_deg)
    cos, sin, wide, tall = math.cos(turn), math.sin(turn), 1 / pose.stretch, pose.stretch
    a, b, d, e = cos / wide, sin / wide, -sin / tall, cos / tall
    matrix = (a, b, size / 2 - a * foot_x - b * foot_y, d, e, size * _FOOT_FRACTION - d * foot_x - e * foot_y)
    extent = (round(size * room), round(size * (above + below)))
    return sprite.transform(extent, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR), (corner_x, corner_y)


@lru_cache(maxsize=48)
def _scene(name: str, variant: int) -> Image.Image:
    rng = Random(f"scene {name} {variant}")
    canvas = Canvas(WIDTH, HEIGHT, _SCENE_SCALE)
    DRAW_SCENE[name](canvas, rng)
    picture = canvas.image.convert("RGB")
    return ImageOps.mirror(picture) if rng.random() < 0.5 else picture


@lru_cache(maxsize=16)
def _sprite(form: str, colour: str, scene: str, size_px: int) -> Image.Image:
    """The product alone, in the light of the scene."""
    canvas = Canvas(100, 100, size_px / 100)
    DRAW_SHAPE[form](canvas, PALETTES[colour])
    red, green, blue, alpha = canvas.image.split()
    tint = AMBIENT[scene].light
    channels = [
        channel.point([round(level * part) for level in range(256)])
        for channel, part in zip((red, green, blue), tint, strict=True)
    ]
    return Image.merge("RGBA", (*channels, alpha))


@lru_cache(maxsize=16)
def _shadow(form: str, colour: str, size_px: int) -> Image.Image:
    """Opacity of the shadow a product throws on the ground: dark below its foot, soft around it."""
    whole = _columns(_opaque(form, colour, size_px))
    width, height = round(size_px * 1.5), round(size_px * 0.36)
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    for (left, right), flatness, opacity in ((whole, 0.13, 70), (_foot_span(form, colour, size_px), 0.1, 150)):
        middle = width / 2 + (left + right - size_px) / 2
        reach = (right - left) / 2 * 1.04
        drop = max(reach * flatness, size_px * 0.03)
        pen.ellipse((middle - reach, height / 2 - drop, middle + reach, height / 2 + drop), fill=opacity)
    return mask.filter(ImageFilter.GaussianBlur(size_px * 0.026))


@lru_cache(maxsize=16)
def _foot_span(form: str, colour: str, size_px: int) -> tuple[int, int]:
    """First and last column of the part a product stands on."""
    return _columns(_opaque(form, colour, size_px)[int(size_px * 0.88) :])


def _opaque(form: str, colour: str, size_px: int) -> npt.NDArray[np.bool_]:
    return np.asarray(_sprite(form, colour, "studio", size_px).getchannel("A")) > 128


def _columns(is_opaque_HW: npt.NDArray[np.bool_]) -> tuple[int, int]:
    columns = np.flatnonzero(is_opaque_HW.any(0))
    return int(columns[0]), int(columns[-1])
