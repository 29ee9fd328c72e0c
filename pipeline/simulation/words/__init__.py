"""What simulated buyers write: sentences in nine languages by topic and intent, and how they are
chosen.

`pipeline.simulation.world` imports from here. This folder imports nothing of the program. None of
its sentences is among the texts that the classifier of messages is trained on.
"""
