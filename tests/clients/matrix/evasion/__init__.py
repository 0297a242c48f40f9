"""The evasion corpus: every known trick by which a listed body could get past
the gate, tried against real stores.

A trick is a function that uploads a body in some odd way.  It runs four times:
with a listed sample and with its innocent twin, directly and through the gate.
The direct run proves that the trick is one: the store takes the sample by it.
Through the gate, nothing that a direct reader of the store could get may hold
the sample (`oracle`), while the twin fares as it does directly wherever policy
lets that way in stand open at all.
"""
