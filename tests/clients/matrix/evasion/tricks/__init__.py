"""All tricks, family by family."""

from . import archives, assembly, codings, forms, framings, heads, multipart, others, polyglots, smuggling, swift

MODULES = (heads, framings, smuggling, codings, multipart, assembly, archives, swift, forms, polyglots, others)
CORPUS = [trick for module in MODULES for family in module.FAMILIES for trick in family.tricks]
