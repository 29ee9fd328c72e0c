"""Score the open orders of a night and find those that may get an action or be in a queue.

It runs where the features are: in one process, or in the workers of a cluster. This folder may
import `features`, `features.build` and the other folders of `models`.
"""
