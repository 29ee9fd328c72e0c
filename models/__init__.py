"""Pure functions from feature tables to dispute probabilities, contact lists and reviews.

No module here touches the disk, the clock or the environment. `pipeline` may import from every
subfolder; `models` may import from `features`, never from `pipeline`.
"""
