"""All tricks, family by family."""

from . import archives, assembly, codings, forms, framings, heads, multipart, others, polyglots, smuggling, swift

# Swift comes last: Ceph's gateway 16 dies of an archive to be unpacked whose upload is cut short.
MODULES = (heads, framings, smuggling, codings, multipart, assembly, archives, forms, polyglots, others, swift)
CORPUS = [trick for module in MODULES for family in module.FAMILIES for trick in family.tricks]
