"""All tricks, family by family."""

from . import codings, framings, heads, multipart, smuggling

MODULES = (heads, framings, smuggling, codings, multipart)
CORPUS = [trick for module in MODULES for family in module.FAMILIES for trick in family.tricks]
