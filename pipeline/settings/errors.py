"""What can go wrong for a user: a clear message and an exit code of its own, never a traceback."""

from __future__ import annotations


class UserError(Exception):
    """The message says what happened, where, what is allowed and what to do."""

    exit_code = 1


class BadInput(UserError):
    """A file or column is missing, or too many rows are faulty. The former tables stay in place."""

    exit_code = 10


class Refused(UserError):
    """A data gate: the data could be read, but a result made from it could not be trusted."""

    exit_code = 11


class TooFewDisputes(Refused):
    """There is nothing to learn from yet; a night goes by rules."""


class NoChampion(UserError):
    """There is no model to score with."""

    exit_code = 12


class WorkspaceBusy(UserError):
    """Another run holds the workspace."""

    exit_code = 13


class NotPromoted(UserError):
    """The gate found reasons against the challenger; the champion stays."""

    exit_code = 14


class NoEngine(UserError):
    """What ENGINE=spark needs is not there: PySpark, Java, a master that answers, or enough
    memory."""

    exit_code = 15


class DiskTrouble(UserError):
    """The disk is full, read-only, closed to us or broken. What was there stays as it was."""

    exit_code = 17


class Leak(UserError):
    """A feature knows what its night could not know: no figure of this program version may be
    trusted."""

    exit_code = 16


class NoDatabase(UserError):
    """The database does not answer, refuses us, or went away in the middle. What was pulled before
    stays."""

    exit_code = 18
