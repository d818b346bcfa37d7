"""Objects of the drawing canvas as points of the screen. The canvas is Fabric.js; its JSON has their places."""

import math
from typing import Any

Points = list[tuple[float, float]]
CURVE_STEPS = 6  # straight pieces a curve of the pencil is taken for
MOVED = 0.75  # screen px; an object whose centre lies further from where it was drawn was moved
ORIGIN = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}


def drawn_points(drawn: dict[str, Any]) -> Points:
    """Where an object lies on the canvas, in px: the corners of a polygon, the line of a stroke, a point's centre.

    Scale, angle, flips and origin are applied, should the object have been moved after it was drawn.
    Raises ValueError for anything else.
    """
    kind = str(drawn.get("type", "")).lower()
    if kind == "path":
        points = path_points(drawn["path"])
    elif kind in ("polygon", "polyline"):
        points = [(float(p["x"]), float(p["y"])) for p in drawn["points"]]
    elif kind == "line":
        x, y = centre(drawn)
        return _placed([(drawn["x1"], drawn["y1"]), (drawn["x2"], drawn["y2"])], drawn, (0.0, 0.0), (x, y))
    elif kind == "circle":
        return [centre(drawn)]
    else:
        raise ValueError(f"The canvas sent a '{kind}', which is no tool here.")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    own = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
    there = centre(drawn)
    plain = drawn.get("scaleX", 1) == drawn.get("scaleY", 1) == 1 and not drawn.get("angle", 0)
    if plain and not drawn.get("flipX") and not drawn.get("flipY") and math.dist(own, there) < MOVED:
        return points  # as drawn, exactly
    return _placed(points, drawn, own, there)


def path_points(path: list[list[Any]]) -> Points:
    """Points along an SVG path of M, L, Q and Z commands with absolute coordinates."""
    points: Points = []
    for command, *numbers in path:
        if command in ("M", "L"):
            points.append((float(numbers[0]), float(numbers[1])))
        elif command == "Q":
            (x0, y0), (x1, y1, x2, y2) = points[-1], map(float, numbers)
            for k in range(1, CURVE_STEPS + 1):
                t = k / CURVE_STEPS
                a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
                points.append((a * x0 + b * x1 + c * x2, a * y0 + b * y1 + c * y2))
        elif command not in ("Z", "z"):
            raise ValueError(f"The canvas sent a path with '{command}', which is not understood.")
    return points


def centre(drawn: dict[str, Any]) -> tuple[float, float]:
    """Middle of an object on the canvas."""
    angle = math.radians(drawn.get("angle", 0))
    wide, high = drawn["width"] * drawn.get("scaleX", 1), drawn["height"] * drawn.get("scaleY", 1)
    x, y = -ORIGIN[drawn.get("originX", "left")] * wide, -ORIGIN[drawn.get("originY", "top")] * high
    turned = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
    return drawn["left"] + turned[0], drawn["top"] + turned[1]


def _placed(points: Points, drawn: dict[str, Any], own: tuple[float, float], there: tuple[float, float]) -> Points:
    """Points scaled, flipped and turned about their own middle, which is put `there`."""
    angle = math.radians(drawn.get("angle", 0))
    sx = drawn.get("scaleX", 1) * (-1 if drawn.get("flipX") else 1)
    sy = drawn.get("scaleY", 1) * (-1 if drawn.get("flipY") else 1)
    out = []
    for x, y in points:
        u, v = (x - own[0]) * sx, (y - own[1]) * sy
        out.append(
            (there[0] + u * math.cos(angle) - v * math.sin(angle), there[1] + u * math.sin(angle) + v * math.cos(angle))
        )
    return out
