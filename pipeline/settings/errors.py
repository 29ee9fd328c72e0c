"""What can go wrong for a user: each kind has a clear message and its own exit code, without a
traceback."""

from __future__ import annotations


class UserError(Exception):
    """The message says what happened, where, what is allowed and what to do."""

    exit_code = 1


class BadInput(UserError):
    """A file or column is missing, or too many rows are faulty. The previous tables stay in
    place."""

    exit_code = 10


class Refused(UserError):
    """A data check failed: the data is readable, but no result made from it could be trusted."""

    exit_code = 11


class TooFewDisputes(Refused):
    """There are too few disputes to train a model yet; the night's list uses fixed rules."""


class NoChampion(UserError):
    """There is no model to score with."""

    exit_code = 12


class WorkspaceBusy(UserError):
    """Another run has locked the workspace."""

    exit_code = 13


class NotPromoted(UserError):
    """The promotion gate rejected the challenger; the champion stays."""

    exit_code = 14


class NoEngine(UserError):
    """ENGINE=spark needs something that is missing: PySpark, Java, a master that answers, or
    enough memory."""

    exit_code = 15


class DiskTrouble(UserError):
    """The disk is full, read-only, not accessible or broken. Existing files stay as they were."""

    exit_code = 17


class Leak(UserError):
    """A feature used facts that its night could not have known: no figure of this program version
    can be trusted."""

    exit_code = 16


class NoDatabase(UserError):
    """The database, or the team's MLflow server, does not answer, refuses the connection, or closed
    it midway. The rows that were pulled before stay."""

    exit_code = 18


class Damaged(UserError):
    """A file of the workspace is not as this program wrote it. The message names the file and the
    command that makes it anew; nothing was changed."""

    exit_code = 19


class ForeignFile(UserError):
    """A file that this program does not write lies in the folder of a model. Nothing in the folder
    was run or loaded."""

    exit_code = 20


class TooLittleMemory(UserError):
    """This process may not take enough memory. Nothing half-written remains, and the last list is
    unchanged."""

    exit_code = 21


class DeliveryFailed(UserError):
    """A message or a file did not reach its receiver after all tries, or it is not known that it
    did. The night stays published, and what was sent is recorded: the next run sends only the
    rest."""

    exit_code = 22


class ForeignPackage(UserError):
    """Another distribution took the name of one of this program's packages. The message names it;
    an environment of its own for this program helps."""

    exit_code = 23


class PullFailed(UserError):
    """A platform did not answer, or refused the app, the token or the signature. What was pulled
    before stays, and the next pull continues where this one stopped."""

    exit_code = 24


class FleetIncomplete(UserError):
    """The night of at least one store of a fleet failed: it has no list, or one without what is
    new, or one that was not delivered. The summary says what happened to each."""

    exit_code = 25


class StillHeld(UserError):
    """A buyer was erased from the workspace, but files that this program never changes still hold
    them. The output lists the files and lines."""

    exit_code = 26


class MissingExtra(UserError):
    """A target or a database needs an optional package that is not installed. The message has the
    command that installs it; everything else of the run was done."""

    exit_code = 27
