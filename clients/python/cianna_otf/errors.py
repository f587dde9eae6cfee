"""What can go wrong, as exceptions: each has the server's code and its line."""


class OTFError(Exception):
    """A request the server refused, or an answer that cannot be used.

    code: of the server's catalogue, e.g. "OTF_QUEUE_FULL"; "" where the server gave none.
    status: of HTTP; None when there was no answer.
    retry_after: seconds after which it may work (Retry-After), or None.
    """

    def __init__(self, message, code="", status=None, retry_after=None):
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after = retry_after

    def __str__(self):
        line = super().__str__()
        return f"{line} [{self.code}]" if self.code else line


class ServerUnreachable(OTFError):
    """Nobody answers at the address."""

    def __init__(self, message):
        super().__init__(message, code="OTF_SERVER_UNREACHABLE")


class _JobError(OTFError):
    """job: as it was (Job)."""

    def __init__(self, message, job, code=""):
        super().__init__(message, code=code)
        self.job = job


class JobFailed(_JobError):
    """The job ended in phase ERROR: the line says why, detail() of the client what a library said besides."""


class JobAborted(_JobError):
    """Somebody aborted the job, or it ran longer than its executionDuration."""


class JobUnfinished(_JobError):
    """The time given to wait is over; the job goes on."""

    def __init__(self, message, job):
        super().__init__(message, job, code="OTF_TIMEOUT")
