"""A small, real registration service: the site that stands behind the waiting room.

A request's path through these modules: ``app`` puts everything together; ``in_flight`` counts it;
``security`` adds the headers of every answer; ``gate`` verifies who was let in; ``pages`` answers. A
sent form is read and checked by ``forms`` (identity numbers by ``nik``), protected by ``csrf``, hashed
by ``passwords`` and kept by ``registrations`` in the ``database`` (tables in ``models``); ``card`` makes
what is printed. Texts are in ``templates`` and ``locales``, seeded formations in ``formations.toml``.

It knows nothing of the gateway but two header names and a shared secret.
"""
