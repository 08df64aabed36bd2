"""A leaf: the words all plots are made of, as SVG text. Same data, same bytes.

Belongs here: colours, the frame, text, lines, bars. Not here: what a plot shows; that is its room's business.
"""

from html import escape

INK, GREY, PALE, BLUE, BAND, WARM = "#1f2933", "#7b8794", "#e4e7eb", "#1c6dd0", "#9fc3f0", "#d9822b"
_IN_THE_DARK = {
    **{INK: "#e4e7eb", GREY: "#a3b0bd", PALE: "#3e4954"},
    **{BLUE: "#5b9cf0", BAND: "#33598a", WARM: "#f0a35e"},
}
STYLE = (
    "@media screen and (prefers-color-scheme:dark){"
    + "".join(
        f'svg [{what}="{light}"]{{{what}:{dark}}}'
        for light, dark in _IN_THE_DARK.items()
        for what in ("fill", "stroke")
    )
    + "}"
)
"""For pages that hold plots: the same plots where the reader's screen is dark. Paper stays light."""
FONT = "font-family:'Noto Sans CJK SC','Microsoft YaHei',sans-serif"


def frame(width: float, height: float, body: str, title: str) -> str:
    """A whole picture of a size in pixels; `title` is what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title, quote=True)}" '
        f'viewBox="0 0 {width:g} {height:g}" width="100%" style="max-width:{width:g}px;{FONT};font-size:12px">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )


def words(x: float, y: float, text: str, anchor: str = "start", colour: str = INK) -> str:
    """Text at a place, escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = PALE) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def bar(x: float, y: float, width: float, height: float, colour: str, says: str = "") -> str:
    """A filled rectangle; `says` shows where the pointer rests on it."""
    title = f"<title>{escape(says)}</title>" if says else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">{title}</rect>'
