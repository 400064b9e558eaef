"""Load tests: visitors from outside, who believe nothing and check everything.

How a run goes, module by module:

``__main__``   reads the options, takes or starts a stack (``stack``), sets the rate (``room``)
``runner``     runs locust in a process of its own and shows how far it is
``locustfile`` what locust loads: visitors come at their planned time (``plan``, ``shapes``)
``visitors``   what people do, through a ``browser`` with its own cookies, as often as the page asks
               (``page_law``), filling in ``forms`` with made-up but valid ``identities``
``personas``   all who differ from the patient one, with ``programs``, ``sharer`` and ``forgers``
``ledger``     every visitor writes down what it did and saw; this file is the only link between
               locust's process and the judgement
``checks``     pure functions over the ledger: the promises, seen from outside (``windows``: the rate,
               ``order``, ``estimates``, ``admissions``: what counts as one)
``report``     the table, the pictures (``charts``) and the exit code
``compare``    a package: the same surge without and with the waiting room

Nothing here imports the gateway or the registration app: what is measured is what a stranger gets.
"""
