"""bench/report.svg: tern, its peers and its target, row by row; light and dark as the reader's screen is."""

from html import escape

import rows

WIDTH, MARGIN = 960, 20
LABELS = 330            # where bars begin
BARS = 420              # their greatest length
TARGETS = WIDTH - MARGIN  # where the targets' words end
LINE, GAP, HEAD = 17, 7, 30
LETTER = 6.3            # of the widest a letter is on average, at 12 px
BEYOND = 2.5            # a peer's bar is broken beyond so many times tern's and the target

STYLE = """
  svg { background: #ffffff; font: 12px system-ui, 'DejaVu Sans', sans-serif; }
  text { fill: #1f2328; } .quiet { fill: #59636e; } .title { font-size: 18px; font-weight: 600; }
  .group { font-weight: 600; } .tern { fill: #0969da; } .peer { fill: #afb8c1; } .target { stroke: #bc4c00; stroke-width: 2; }
  .bound { fill: #bc4c00; } .rule { stroke: #d1d9e0; } .break { fill: #ffffff; } .strong { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } text { fill: #e6edf3; } .quiet { fill: #9198a1; } .tern { fill: #4493f8; }
    .peer { fill: #545d68; } .target { stroke: #f0883e; } .bound { fill: #f0883e; } .rule { stroke: #3d444d; }
    .break { fill: #0d1117; }
  }
"""


def width_of(text):
    return len(text) * LETTER


class Drawing:
    def __init__(self):
        self.parts = []
        self.y = MARGIN

    def text(self, x, text, kind="", end=False):
        anchor = " text-anchor='end'" if end else ""
        self.parts.append(f"<text x='{x:.0f}' y='{self.y + 12:.0f}' class='{kind}'{anchor}>{escape(text)}</text>")

    def bar(self, value, scale, kind, broken):
        length = BARS if broken else max(1.0, BARS * value / scale)
        self.parts.append(f"<rect x='{LABELS}' y='{self.y + 2:.0f}' width='{length:.1f}' height='12' rx='2' class='{kind}'/>")
        if broken:
            x = LABELS + BARS - 26
            self.parts.append(f"<path d='M{x} {self.y + 16} l6 -16 h5 l-6 16 z' class='break'/>")
        return LABELS + length

    def target(self, value, scale, height):
        x = LABELS + BARS * value / scale
        self.parts.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{self.y - 1}' y2='{self.y + height}' class='target'/>")

    def rule(self):
        self.parts.append(f"<line x1='{MARGIN}' x2='{WIDTH - MARGIN}' y1='{self.y}' y2='{self.y}' class='rule'/>")


def _row(drawing, row, measured):
    target = measured["target"]
    own = max(measured["tern"], target or 0)
    peers = list(measured["peers"].items())
    longest = max([own] + [peer["median"] for _, peer in peers])
    scale = min(longest, BEYOND * own)
    drawing.text(MARGIN, row.label, "strong")
    end = drawing.bar(measured["tern"], scale, "tern", False)
    if target is not None:
        drawing.target(target, scale, 16)
        end = max(end, LABELS + BARS * target / scale)
        sign = "≥" if measured["better"] == "higher" else "≤"
        short = "" if rows.is_met(measured) else ", short"
        drawing.text(TARGETS, f"{sign} {rows.figure(target)}{short}", "bound", end=True)
    drawing.text(end + 6, rows.figure(measured["tern"]), "strong")
    drawing.y += LINE
    for name, peer in peers:
        broken = peer["median"] > scale
        drawing.text(MARGIN + 14, name, "quiet")
        end = drawing.bar(peer["median"], scale, "peer", broken)
        drawing.text(end + 6, f"{rows.figure(peer['median'])}", "quiet")
        drawing.y += LINE
    drawing.y += GAP


def made(data):
    """The picture, as a text."""
    drawing = Drawing()
    shown = [m for _, pairs in rows.found(data["rows"]) for _, m in pairs if m]
    drawing.text(MARGIN, "tern beside its peers and its targets", "title")
    drawing.y += 26
    dates = sorted({row["date"][:10] for row in shown})
    drawing.text(MARGIN, f"Medians of {data['rounds']} rounds, {', '.join(dates)}; {data['machine']}. "
                 "The line across a bar is the target.", "quiet")
    drawing.y += 24
    for group, pairs in rows.found(data["rows"]):
        pairs = [(row, measured) for row, measured in pairs if measured]
        if not pairs:
            continue
        drawing.rule()
        drawing.y += 8
        drawing.text(MARGIN, group.title, "group")
        drawing.text(TARGETS, group.unit + (", less is better" if group.less else ""), "quiet", end=True)
        drawing.y += HEAD - 8
        for row, measured in pairs:
            _row(drawing, row, measured)
        drawing.y += 4
    height = drawing.y + MARGIN
    return (f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' "
            f"role='img' aria-label='tern beside its peers and its targets'>\n<style>{STYLE}</style>\n"
            + "\n".join(drawing.parts) + "\n</svg>\n")
