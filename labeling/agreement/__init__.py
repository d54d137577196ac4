"""How far people agree who judged the same pairs: percent, kappa, alpha, AC1, with intervals.

`report` is the way in. Every coefficient is (observed - expected) / (1 - expected) agreement; they
differ in what they expect by chance.
"""
