"""What a buyer's text says: its intent, whether it is urgent, and its sentiment, by a linear model
of the concepts that its words name, in nine languages.

The texts are hostile: their length is bounded, and invisible and look-alike letters are removed
before they are read. The words and weights are given; no module here reads a file. This folder
imports `features.tables` only.
"""
