"""What each trick comes to without a gate, store by store: direct.tsv.

A cell names the form in which the sample arrives (`oracle.FORMS`), `-` if it
doesn't, several with `|` where that is a matter of luck.  An empty cell is a
store that the trick was never tried on.
"""

import functools
import pathlib

from .oracle import FORMS

FILE = pathlib.Path(__file__).with_name("direct.tsv")
STORES = ("s3s", "rclone", "rgw", "garage")


@functools.cache
def read():
    """Cells by (trick, store)."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    out = {}
    for line in lines[1:]:
        name, *cells = line.split("\t")
        out.update({(name, store): cell for store, cell in zip(STORES, cells) if cell})
    return out


def faults(name, store, form):
    """A trick that has lost its teeth, or has grown some, is no longer the trick that was written."""
    cell = read().get((name, store))
    if cell is None or form in cell.split("|"):
        return []
    return [f"without a gate the sample arrives as {form!r}, direct.tsv says {cell!r}"]


def write(tricks, table):
    """Takes over what was found; a cell that allows it already stays as it is."""
    cells = dict(read())
    for key, form in table.items():
        if form not in cells.get(key, "").split("|"):
            cells[key] = form
    lines = ["\t".join(["trick", *STORES])]
    lines += ["\t".join([t.name, *[cells.get((t.name, s), "") for s in STORES]]) for t in tricks]
    FILE.write_text("\n".join(lines) + "\n")


def shown(tricks, stores, table):
    """The table of a control run, and the tricks that no store fell for."""
    width = max((len(t.name) for t in tricks), default=0)
    lines = [f"{'':{width}}  " + " ".join(f"{s:8}" for s in stores)]
    for trick in tricks:
        cells = [table.get((trick.name, s), "") for s in stores]
        lines.append(f"{trick.name:{width}}  " + " ".join(f"{c:8}" for c in cells))
    idle = [t.name for t in tricks if not any(table.get((t.name, s)) in FORMS for s in stores)]
    return "\n".join([*lines, *[f"no store falls for: {name}" for name in idle]])


# What a gate that signs anew makes of these, otherwise than one that passes signatures on: a path that
# its client signed in another spelling than the store would reaches it in the store's; and what its
# client left unsigned is turned away before anything is judged.
SIGNED_ANEW = {
    "routes: escaped dots": "twin: ",
    "snowball: by a presigned URL": "no record says ",
}


def is_due_to_signing(name, fault):
    return name in SIGNED_ANEW and fault.startswith(SIGNED_ANEW[name])
