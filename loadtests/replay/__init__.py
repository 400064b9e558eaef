"""A day in virtual time: millions of visitors against the real store functions, without sleeping.

Every half second of the day the due visitors act: join, check in, use their pass, finish; then comes a tick.
The store is a Valkey of its own, called as the gateway calls it (``now_ms`` is an argument of every function);
estimates are those of ``gateway.domain.estimate``. That is why this package, alone among the load code, imports
the gateway.

What is modelled: arrivals by profile; hidden tabs (six in ten); pulses by the page's law, a tenth of the wait,
±20 %; check-ins every 10 s, hidden ones within a minute; visitors who lock their phone and return; patience that
ends; sessions of lognormal length; people who never finish, or never use their pass; changes of the rate; a
store that is unreachable for a minute; and an announced opening with its countdown, freeze and draw.

What is left out: check-ins of who wakes up before a draw, the network and its delays, HTTP itself, the workers'
batching, no-JavaScript pages,
crawlers, withdrawals by button. A check-in that changes nothing in the store (presence already marked in this
window, not near the front) is counted but not sent, unless ``--every-check-in`` is given. Pulses of visitors
further than twelve slowest polls from the front are counted, not drawn one by one; when the front comes near,
each gets the remainder of a poll that is under way.
"""
