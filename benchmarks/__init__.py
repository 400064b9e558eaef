"""Benchmarks: what the hot calls cost, as ratios to a bare server asked the same thing in the same run.

How a run goes, module by module:

``__main__``   reads the options, starts the ``stack``, measures, prints the table, writes the JSON
``stack``      the processes: a store, a small origin, and one worker each of the apps in ``apps``
``apps``       the gateway as it is in production, a bare "hello", and the proxy without the gate
``meter``      lets a worker say how much processor time it has used
``cores``      the measured worker on a core of its own
``calls``      the requests that are measured, with what a real browser sends along
``client``     the load: a process of its own, 64 connections that wait for each reply
``rounds``     each call and the bare server asked the same bytes, in turn, over and over
``store_cost`` the store alone: memory and tick time with up to ten million in line
``polling``    requests a second that a line makes under the polling law, reckoned from the real estimate
``report``     the table and the JSON

Processor time of the worker a request is what counts: it holds on a machine that others use too. Requests a
second stand beside it.
"""
