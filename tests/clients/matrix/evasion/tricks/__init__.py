"""All tricks, family by family."""

from . import archives, assembly, codings, framings, forms, heads, multipart, smuggling, swift

MODULES = (heads, framings, smuggling, codings, multipart, assembly, archives, swift, forms)
CORPUS = [trick for module in MODULES for family in module.FAMILIES for trick in family.tricks]
