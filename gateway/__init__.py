"""Antrean, a virtual waiting room. The map: a request's way through these modules.

1. ``app`` puts the public listener together: settings, keys, store, lines, origins, and ``visitor.gate``.
2. ``visitor.gate`` (ASGI) sends the hot public calls by raw path to ``visitor.pulse``, ``visitor.check_in``
   and ``visitor.forward_auth``; everything else is a request for a protected site.
3. ``domain.paths`` finds its room, or that the path is not protected.
4. ``visitor.requests`` reads the facts that matter; ``domain.credentials`` verifies ticket and pass.
5. ``domain.admission.decide()``, pure, says what is to happen, from those and the room's snapshot.
6. ``visitor.reception`` carries it out, through ``store.line`` where the line is concerned: join, check in.
7. Admitted: ``visitor.onward`` and ``origin.proxy`` pass the request on. Else ``visitor.waiting_page`` answers.
8. ``desk``, a process of its own, shows and turns the knobs that step 5 finds in the snapshot.
"""
