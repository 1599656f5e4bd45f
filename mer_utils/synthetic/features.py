"""What is painted on and around the head: eyes, brows, lips, ears, hair, neck and wall."""

from __future__ import annotations

import math

import numpy as np

from mer_utils.extras import cv2
from mer_utils.synthetic.canvas import Array, Canvas, Marks, edge, gauss, linear, over, smooth_noise
from mer_utils.synthetic.exact import Draw, arctan2, blur, cos, exp, power, sample, sin, snap
from mer_utils.synthetic.identity import Identity


def _length(x: Array, y: Array) -> Array:
    return np.sqrt(x * x + y * y)


def backdrop(who: Identity, x: Array, y: Array) -> Array:
    """Return the wall's colour, brighter on the side of the light."""
    falloff = 1.0 + 0.06 * x * math.copysign(1.0, who.light[0]) - 0.05 * y
    return linear(who.backdrop) * np.clip(falloff, 0.4, 1.4)[..., None]


def neck_and_shirt(who: Identity, x: Array, y: Array, aa: float) -> tuple[Array, Array]:
    """Return colour and coverage of neck and shoulders."""
    ax = np.abs(x)
    neck_half = 0.46 + 0.10 * power(y - 1.15, 1.5) + 0.25 * np.clip(y - 1.35, 0, 1)
    round_ = np.sqrt(np.clip(1 - (x / 0.62) ** 2, 0.05, 1))
    side = 0.72 + 0.28 * np.clip(0.6 + x * who.light[0] * 1.4, 0, 1.3)
    under_chin = 1 - 0.62 * exp(-np.clip(y - who.chin + 0.22 * ax**2, 0, None) / 0.20)
    skin = linear(who.skin) * (0.78 * round_ * side * under_chin)[..., None]
    slope = 1.22 + 0.22 * np.clip(ax - 0.38, 0, None) + 0.45 * np.clip(ax - 1.5, 0, None) ** 2
    cloth_top = np.where(ax < 0.46, 1.42 - 0.55 * power(ax, 1.5), slope + 0.02)
    folds = 1 + 0.10 * sin(9 * x + 4 * y) * np.clip(y - 1.4, 0, 0.5)
    cloth = linear(who.shirt) * (side * folds * 0.9)[..., None]
    on = edge(y - cloth_top, 3 * aa)
    body = np.maximum(edge(neck_half - ax, 3 * aa) * edge(y - 0.5, 0.1), on)
    return over(skin, cloth, on), body


def ears(who: Identity, m: Marks) -> tuple[Array, Array]:
    """Return colour and coverage of the ears."""
    u, v = m.ax - (who.width + 0.015), m.y + 0.04
    lean = u + 0.12 * v
    inside = 1 - (lean / 0.085) ** 2 - (v / 0.22) ** 2
    dent = 0.45 * gauss(lean - 0.0, v + 0.02, 0.035, 0.11)
    side = 0.75 + 0.5 * np.clip(np.sign(m.x) * who.light[0], -0.6, 0.6)
    colour = linear(who.skin * np.array([1.0, 0.93, 0.92])) * ((0.72 - dent) * side)[..., None]
    return colour, edge(inside, 12 * m.aa)


def lips(who: Identity, m: Marks, face: Array, light: Array) -> Array:
    """Paint lips, the line between them and the nostrils."""
    red = linear(who.skin * np.array([0.88, 0.60, 0.60]))
    inside = np.minimum(m.y - m.lip_top, m.lip_bottom - m.y)
    mask = edge(inside, 6 * m.aa) * edge(who.mouth_width - m.ax, 6 * m.aa)
    crinkle = 1 + 0.05 * sin(m.x * 190 + 6 * sin(m.x * 37)) * mask
    upper = 1 - 0.18 * (m.y < m.mouth_line)
    face = over(face, red * light * (crinkle * upper)[..., None], 0.78 * mask)
    reach = edge(who.mouth_width * 1.06 - m.ax, 0.05)
    line = exp(-0.5 * ((m.y - m.mouth_line) / 0.0085) ** 2) * reach
    line += 0.45 * gauss(m.ax - who.mouth_width * 1.02, m.y - m.mouth_line, 0.02, 0.016)
    face = face * (1 - 0.78 * np.clip(line, 0, 1))[..., None]
    # nostrils and the crease around the wings
    lean = m.ax - 0.48 * who.nose_width - 0.25 * (m.y - who.nose_y)
    nostril = edge(1 - (lean / 0.046) ** 2 - ((m.y - who.nose_y - 0.032) / 0.020) ** 2, 0.9)
    face = face * (1 - 0.80 * nostril)[..., None]
    radius = _length((m.ax - 0.70 * who.nose_width) / 0.075, (m.y - who.nose_y + 0.015) / 0.075)
    crease = exp(-0.5 * ((radius - 1) / 0.13) ** 2) * edge(m.ax - 0.68 * who.nose_width, 0.08)
    return face * (1 - 0.30 * crease)[..., None]


def eyes(who: Identity, m: Marks, face: Array) -> Array:
    """Paint eyeballs, irises, lids and lashes."""
    aa, u, v = m.aa, m.eu, m.ev
    opening = np.minimum(v - m.lid_up, m.lid_low - v)
    inside = edge(opening, 3.5 * aa) * edge(who.eye_width - np.abs(u), 3 * aa)
    lid_shadow = exp(-np.clip(v - m.lid_up, 0, None) / 0.022)
    ball = 0.80 - 0.45 * (u / who.eye_width) ** 2 - 0.55 * lid_shadow
    eye = np.clip(ball, 0.05, 1)[..., None] * linear(np.array([0.90, 0.87, 0.85]))
    eye = over(
        eye,
        np.broadcast_to(linear([0.72, 0.42, 0.38]), eye.shape),
        0.7 * gauss(u + who.eye_width, v, 0.02, 0.02),
    )
    radius = _length(u + 0.004, v + 0.012)
    angle = arctan2(v + 0.012, u + 0.004)
    rays = 1 + 0.22 * sin(angle * 23 + 3 * sin(angle * 5)) + 0.15 * sin(angle * 41)
    ring = np.clip(1.15 - 0.9 * np.clip((radius - 0.05) / 0.02, 0, 1), 0.2, 1.2)
    iris = linear(who.iris) * (1.5 * rays * ring * (1 - 0.6 * lid_shadow))[..., None]
    eye = over(eye, iris, edge(0.067 - radius, 3 * aa))
    eye = eye * (1 - 0.97 * edge(0.027 - radius, 3 * aa))[..., None]
    # the window's reflection sits on the same side of both irises
    gx, gy = np.sign(m.x) * u - 0.026 * math.copysign(1.0, who.light[0]), v + 0.034
    eye = eye + (0.9 * edge(1 - (gx / 0.011) ** 2 - (gy / 0.010) ** 2, 0.6))[..., None]
    face = over(face, eye, inside)
    near = edge(who.eye_width * 1.04 - np.abs(u), 0.03)
    thick = 0.008 + 0.005 * np.clip(u / who.eye_width, -0.3, 1)
    lash = exp(-0.5 * ((v - m.lid_up + 0.003) / thick) ** 2) * near
    low = exp(-0.5 * ((v - m.lid_low) / 0.006) ** 2) * near
    face = face * (1 - 0.88 * lash - 0.35 * low * (1 - lash))[..., None]
    fold = v - m.lid_up * 1.25 + 0.035 + 0.25 * u * u
    lid = exp(-0.5 * (fold / 0.007) ** 2) * edge(who.eye_width * 1.1 - np.abs(u), 0.08)
    bag = exp(-0.5 * ((v - m.lid_low * 1.1 - 0.055) / 0.012) ** 2)
    bag *= edge(who.eye_width * 0.9 - np.abs(u + 0.02), 0.1)
    return face * (1 - (0.25 + 0.3 * who.crease) * lid - 0.10 * bag)[..., None]


def brows(who: Identity, face: Array, canvas: Canvas, rng: Draw) -> Array:
    """Draw the brows hair by hair."""
    ink = np.zeros(face.shape[:2], np.uint8)
    names = ("brow_inner", "brow_mid", "brow_outer")
    (ax, ay), (bx, by), (cx, cy) = (who.landmarks[name] for name in names)
    left, right = ax - 0.02, cx + 0.05
    slope, bend = (by - ay) / (bx - ax), (cy - by) / (cx - bx)
    bend = (bend - slope) / (cx - ax)
    for side in (-1, 1):
        for _ in range(420):
            s = rng.random()
            x0 = left + s * (right - left)
            body = who.brow_thick * (1.05 - 0.85 * s**2) * (0.6 + 0.4 * min(1.0, s / 0.15))
            y0 = ay + (slope + bend * (x0 - bx)) * (x0 - ax)
            y0 += min(max(rng.normal(0, 0.42), -0.9), 0.9) * body
            turn = (-62 + 76 * power(s, 0.7) + rng.normal(0, 9)) * (np.pi / 180)
            length = rng.uniform(0.030, 0.060) * (1 - 0.35 * s)
            tip = (x0 + length * cos(turn), y0 + length * sin(turn) * 0.8)
            ends = canvas.pixels(np.array([[side * x0, y0], [side * tip[0], tip[1]]]))
            a, b = (tuple(int(c * 16) for c in end) for end in ends)
            width = 2 if canvas.unit > 250 and rng.random() < 0.4 else 1
            cv2.line(ink, a, b, rng.integers(90, 210), width, cv2.LINE_AA, 4)
    soft = blur(ink, 0.018 * canvas.unit)
    alpha = np.clip(0.75 * ink / 255.0 + 0.75 * soft / 255.0, 0, 0.92).astype(np.float32)
    return over(face, np.broadcast_to(linear(who.hair * 0.8), face.shape), alpha)


def hair(who: Identity, m: Marks, canvas: Canvas, rng: Draw, behind: bool) -> tuple[Array, Array]:
    """Return colour and coverage of the hair in front of, or behind, head and ears."""
    x, y = m.x, m.y
    middle, half = 0.5 * (who.chin - who.skull), 0.5 * (who.chin + who.skull) + 0.07
    out = power(m.ax / (who.width + 0.10), 2.3) + power(np.abs(y - middle) / half, 2.5)
    wave = 0.02 * smooth_noise(canvas, 0.06, rng)
    if behind:
        sweep = np.clip((y + 0.75) / 0.75, 0, 1)
        side = who.width + 0.10 * sweep + 0.04 * sin(3.5 * y) * sweep
        cover = edge(side - m.ax + wave, 0.03) * edge(1.45 - y, 0.3) * edge(y + 0.75, 0.02)
    else:
        line = who.hairline + 0.10 * (m.ax / 0.5) ** 2 + 1.1 * power(m.ax - 0.60, 1.2)
        burns = edge(m.ax - 0.93 * m.across, 0.03) * edge(0.02 - y, 0.1) * edge(y + 0.9, 0.1)
        cover = np.maximum(edge(line - y + wave, 0.05), burns) * edge(1.04 - out + wave, 0.05)
    angle = arctan2(x, -(y + 0.55) + 0.6) * 40
    strands = sample(
        snap(smooth_noise(canvas, 0.012, rng), 10).astype(np.float32),
        (angle * (0.06 * canvas.unit)) % (canvas.width - 1),
        (_length(x, y + 1.0) * (0.10 * canvas.unit)) % (canvas.height - 1),
    )
    sheen = 0.9 * gauss(
        x - 0.35 * math.copysign(1.0, who.light[0]), y + who.skull - 0.12, 0.35, 0.12
    )
    tone = np.clip(0.85 + 0.26 * strands + sheen * (1 + 0.5 * strands), 0.2, 3)
    if behind:
        tone = tone * 0.6
    return linear(who.hair) * tone[..., None], cover
