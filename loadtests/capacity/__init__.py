"""Which admission rate does the site bear? Measured step by step, ending in the command to paste.

``search`` decides, purely, which rate is measured next and what was found; ``measure`` reads one step
out of its ledger; ``bench`` carries the steps out; ``report`` tells.
"""
