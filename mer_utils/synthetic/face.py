"""Drawing a face at rest: a shaded height field under skin, with its features painted on.

Everything is drawn once per subject on a canvas finer than the frames; motion then only
samples this canvas (`mer_utils.synthetic.motion`).
"""

from __future__ import annotations

import numpy as np

from mer_utils.synthetic import features as paint
from mer_utils.synthetic.canvas import Array, Canvas, Marks, edge, gauss, linear, over, smooth_noise
from mer_utils.synthetic.exact import Draw, blur, exp, power, tanh
from mer_utils.synthetic.identity import Identity, unit_vector


def render(who: Identity, canvas: Canvas) -> Array:
    """Draw `who` at rest.

    Returns
    -------
    ndarray, shape (height, width, 3), float32
        sRGB values 0..255 in the order blue, green, red.
    """
    x, y = canvas.grid()
    aa = 1.2 / canvas.unit
    rng = Draw(who.seed)
    marks = Marks(who, x, y, aa)

    skin, features = _skin_albedo(who, marks, canvas, rng), marks.features
    head = _shade(who, marks.dome + features, features, canvas)
    head *= (1 - 0.45 * np.clip((marks.r - 0.86) / 0.14, 0, 1) ** 2)[..., None]
    head *= 1 + _skin_texture(who, canvas, rng)[..., None]
    image = paint.backdrop(who, x, y)
    if who.long_hair:
        image = over(image, *paint.hair(who, marks, canvas, rng, behind=True))
    image = over(image, *paint.neck_and_shirt(who, x, y, aa))
    image = over(image, *paint.ears(who, marks))
    face = skin * head
    face = paint.lips(who, marks, face, head)
    face = paint.eyes(who, marks, face)
    face = paint.brows(who, face, canvas, rng)
    image = over(image, face, marks.head)
    image = over(image, *paint.hair(who, marks, canvas, rng, behind=False))
    display = power(image * who.exposure, 1 / 2.2)
    # A soft shoulder keeps highlights from clipping, as a camera's tone curve does.
    display = np.where(display > 0.8, 0.8 + 0.2 * tanh((display - 0.8) / 0.2), display)
    return np.ascontiguousarray(display[..., ::-1] * 255, dtype=np.float32)


def _shade(who: Identity, height: Array, features: Array, canvas: Canvas) -> Array:
    """Return linear light on a height field, (h, w, 3): soft key, fill, occlusion, gloss."""
    gy, gx = (slope * np.float32(canvas.unit) for slope in np.gradient(height))
    norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
    lx, ly, lz = who.light
    lambert = (-gx * lx - gy * ly + lz) * norm
    key = power(np.clip((lambert + 0.30) / 1.30, 0, 1), 1.4)
    fill = np.clip((0.25 - 0.15 * gy) * norm, 0.04, 0.5)
    around = blur(features, 0.075 * canvas.unit)
    near = blur(features, 0.02 * canvas.unit)
    occlusion = exp(
        -9 * np.clip(around - features, 0, None) - 14 * np.clip(near - features, 0, None)
    )
    hx, hy, hz = unit_vector(lx, ly, lz + 1.0)
    gloss = power(np.clip((-gx * hx - gy * hy + hz) * norm, 0, 1), 28)
    gloss *= np.clip(height / 0.35, 0, 1)  # no rim of light along the outline
    light = (0.95 * key + 0.42 * fill)[..., None] * np.array([1.02, 1.0, 0.97], np.float32)
    return (light * occlusion[..., None] + 0.10 * gloss[..., None]).astype(np.float32)


def _skin_texture(who: Identity, canvas: Canvas, rng: Draw) -> Array:
    """Return relative brightness of pores and blotches, from 1 to 12 pixels in size."""
    fine = smooth_noise(canvas, 0.006, rng)
    pores = -np.clip(smooth_noise(canvas, 0.009, rng) - 0.9, 0, None)
    middle, broad = smooth_noise(canvas, 0.022, rng), smooth_noise(canvas, 0.06, rng)
    return who.texture * (0.035 * fine + 0.07 * pores + 0.030 * middle + 0.022 * broad)


def _skin_albedo(who: Identity, m: Marks, canvas: Canvas, rng: Draw) -> Array:
    """Return the skin's linear colour with flush, freckles, moles and stubble."""
    base = linear(who.skin)
    flush = 0.30 * gauss(m.ax - 0.46, m.y - 0.12, 0.20, 0.15)
    flush += 0.25 * gauss(m.x, m.y - who.nose_y + 0.03, 0.10, 0.08)
    flush += 0.10 * smooth_noise(canvas, 0.12, rng)
    tint = np.array([0.02, -0.22, -0.20], np.float32)
    albedo: Array = base * (1 + flush[..., None] * tint)
    shadow = gauss(m.eu, m.ev - 0.10, 0.13, 0.05) * 0.16
    albedo = albedo * (1 - shadow[..., None] * np.array([0.8, 1.0, 0.9], np.float32))
    spots = np.zeros(m.x.shape, np.float32)
    for k in range(who.freckles):
        cx, cy = rng.normal(0, 0.42), rng.uniform(-0.75, 0.9)
        radius = rng.uniform(0.006, 0.012) if k > 3 else rng.uniform(0.012, 0.02)
        depth = rng.uniform(0.10, 0.35) if k > 3 else rng.uniform(0.4, 0.75)
        (px, py), r = canvas.pixels(np.array([cx, cy])), int(4 * radius * canvas.unit) + 2
        i0, i1 = max(int(py) - r, 0), min(int(py) + r, canvas.height)
        j0, j1 = max(int(px) - r, 0), min(int(px) + r, canvas.width)
        if i0 < i1 and j0 < j1:
            box = (slice(i0, i1), slice(j0, j1))
            spots[box] = np.maximum(
                spots[box], depth * gauss(m.x[box] - cx, m.y[box] - cy, radius, radius)
            )
    albedo = albedo * (1 - spots[..., None] * np.array([0.7, 0.9, 1.0], np.float32))
    if who.stubble:
        beard = edge(m.y - 0.32 - 0.35 * (m.ax < 0.3) * 0.0, 0.3) * edge(m.r - 0.30, 0.4)
        beard = np.maximum(beard, 0.9 * gauss(m.x, m.y - who.mouth_y + 0.12, 0.2, 0.05))
        grain = np.clip(0.6 + 0.5 * smooth_noise(canvas, 0.006, rng), 0, 1.6)
        albedo = albedo * (
            1 - (0.42 * who.stubble * beard * grain)[..., None] * np.array([1, 0.9, 0.82])
        )
    return np.asarray(albedo, dtype=np.float32)
