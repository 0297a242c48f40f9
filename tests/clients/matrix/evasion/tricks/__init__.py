"""All tricks, family by family."""

from . import heads

CORPUS = [
    trick
    for module in (heads,)
    for family in module.FAMILIES
    for trick in family.tricks
]
