"""What an AliExpress seller has: dumps of the Open Platform's answers, order sheets, exports of
tracking providers."""
