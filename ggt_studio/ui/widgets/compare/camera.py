"""Zoom and pan as arithmetic: which part of an image a pane shows. Lengths in device pixels unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_ZOOM = 16.0
LADDER = (0.05, 0.1, 0.15, 0.25, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)

Size = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Camera:
    """`zoom` in device pixels per image pixel; (`x`, `y`) is the image point, in [0, 1], at the centre of the pane.

    While `fitted`, the whole image is shown whatever the pane's size and `zoom` is not used.
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5
    fitted: bool = True


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the image lies in the pane: its top left corner (whole device pixels) and its zoom."""

    left: int
    top: int
    zoom: float

    def to_image(self, point: Point) -> Point:
        """A point of the pane as a point of the image, in image pixels."""
        return (point[0] - self.left) / self.zoom, (point[1] - self.top) / self.zoom


def fit_zoom(image: Size, pane: Size) -> float:
    """The zoom at which the whole image just fits into the pane, at most 16."""
    return min(max(pane[0], 1) / image[0], max(pane[1], 1) / image[1], MAX_ZOOM)


def zoom_of(camera: Camera, image: Size, pane: Size) -> float:
    """The zoom in effect."""
    return fit_zoom(image, pane) if camera.fitted else camera.zoom


def place(camera: Camera, image: Size, pane: Size) -> Placement:
    """Where the image lies. An axis that fits is centred; one that does not is kept free of gaps at its ends."""
    zoom = zoom_of(camera, image, pane)
    left = _offset(0.5 if camera.fitted else camera.x, image[0] * zoom, pane[0])
    top = _offset(0.5 if camera.fitted else camera.y, image[1] * zoom, pane[1])
    return Placement(round(left), round(top), zoom)


def _offset(centre: float, length: float, pane: int) -> float:
    if length <= pane:
        return (pane - length) / 2
    return min(0.0, max(pane - length, pane / 2 - centre * length))


def zoomed(camera: Camera, image: Size, pane: Size, zoom: float, anchor: Point | None = None) -> Camera:
    """The camera at another zoom, with the image point under `anchor` (a point of the pane; its centre) staying there.

    The zoom is kept between the whole image (or 1:1, whichever is smaller) and 16.
    """
    lowest = min(fit_zoom(image, pane), 1.0)
    zoom = min(MAX_ZOOM, max(lowest, zoom))
    anchor = anchor or (pane[0] / 2, pane[1] / 2)
    kept = place(camera, image, pane).to_image(anchor)
    left, top = anchor[0] - kept[0] * zoom, anchor[1] - kept[1] * zoom
    return _settled(left, top, zoom, image, pane)


def panned(camera: Camera, image: Size, pane: Size, dx: float, dy: float) -> Camera:
    """The camera after the image was pushed by (`dx`, `dy`); the same camera where there is nothing to push."""
    placement = place(camera, image, pane)
    if not any(pannable(camera, image, pane)):
        return camera
    return _settled(placement.left + dx, placement.top + dy, placement.zoom, image, pane)


def pannable(camera: Camera, image: Size, pane: Size) -> tuple[bool, bool]:
    """Whether the image is larger than the pane, horizontally and vertically (by at least a pixel)."""
    zoom = zoom_of(camera, image, pane)
    return image[0] * zoom >= pane[0] + 1, image[1] * zoom >= pane[1] + 1


def _settled(left: float, top: float, zoom: float, image: Size, pane: Size) -> Camera:
    free = Camera(
        zoom=zoom,
        x=(pane[0] / 2 - left) / (image[0] * zoom),
        y=(pane[1] / 2 - top) / (image[1] * zoom),
        fitted=False,
    )
    width, height = image[0] * zoom, image[1] * zoom
    x = (pane[0] / 2 - _offset(free.x, width, pane[0])) / width
    y = (pane[1] / 2 - _offset(free.y, height, pane[1])) / height
    return replace(free, x=x, y=y)


def rung(zoom: float, step: int) -> float:
    """The next zoom of the ladder above (`step` 1) or below (-1)."""
    if step > 0:
        return next((value for value in LADDER if value > zoom * 1.01), MAX_ZOOM)
    return next((value for value in reversed(LADDER) if value < zoom * 0.99), LADDER[0])
