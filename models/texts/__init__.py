"""What a buyer's text says: its intent, whether it is urgent, and its sentiment, by a linear model of
hashed letter groups.

The texts are hostile: their length is bounded, and invisible and look-alike letters are removed before
they are read. The weights are given; no module here reads a file. This folder imports nothing else.
"""
