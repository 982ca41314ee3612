"""RED/GREEN measurement: what agents get right about learning rates, with lright and without.

``problems``  what is asked: scenarios in words, scripts to repair, schedules to choose, curves to read
``grade``     what an answer is worth: first what its code does, then what it says
``arms``      what an agent is given: nothing, a placebo, the skill, the small skill, the skill and the tools
``run``       put every problem to every arm, several times (on inspect_ai)
``compare``   paired differences with intervals;  ``report`` the page
"""
