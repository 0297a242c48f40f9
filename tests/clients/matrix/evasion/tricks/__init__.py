"""All tricks, family by family."""

from . import archives, assembly, codings, framings, heads, multipart, smuggling

MODULES = (heads, framings, smuggling, codings, multipart, assembly, archives)
CORPUS = [trick for module in MODULES for family in module.FAMILIES for trick in family.tricks]
