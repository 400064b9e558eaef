"""The same surge twice: straight at the registration site, and through the waiting room.

``people`` are the visitors, the same on both ways; ``surgefile`` is what locust loads for them;
``runs`` carries the runs out, each on fresh databases; ``figures``, pure, reckons and judges;
``picture`` draws both side by side, ``report`` tells.
"""
