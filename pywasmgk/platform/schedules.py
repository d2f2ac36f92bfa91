"""When jobs are due: cron expressions, as manifests have them (contract 3.2, 5.6)."""

from __future__ import annotations

from datetime import datetime

from ..errors import PlatformError
from ..plugin.limits import parse_duration
from ..plugin.manifest import Job
from ..printable import printable

__all__ = ["DEFAULT_TIMEOUT", "Schedule", "job_name", "job_timeout"]

#: seconds that a job may take, where it does not say
DEFAULT_TIMEOUT = 300
_FIELDS = 5
#: characters of an expression
_LONGEST = 200
#: what many write instead of five fields
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Schedule:
    """A cron expression of five fields: minute, hour, day, month, weekday; or ``@daily`` and the
    like.

    Where clocks are put forward or back, it keeps to what Debian's cron does: a job for an hour
    that is skipped runs right after, and one for an hour that comes twice runs once. Raises
    PlatformError for what is no such expression, and without the extra ``jobs``.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        fields = _NAMED.get(expression.strip().lower(), expression)
        if len(expression) > _LONGEST or len(fields.split()) != _FIELDS:
            raise _no_schedule(expression, f"expected {_FIELDS} fields")
        try:
            # it is what the extra brings
            from cronsim import CronSim, CronSimError
        except ImportError:
            raise PlatformError(
                "cron expressions need the extra jobs: pip install 'pywasmgk[jobs]'"
            ) from None
        self._fields = fields
        self._iterate = CronSim
        try:
            CronSim(fields, datetime(2000, 1, 1))
        except CronSimError as error:
            raise _no_schedule(expression, str(error)) from error

    def after(self, moment: datetime) -> datetime | None:
        """The first time that it is due after a moment, in the moment's time zone; ``None`` if that
        is not within the next fifty years."""
        found: datetime | None = next(self._iterate(self._fields, moment), None)
        return found

    def explained(self) -> str:
        """What it means, in words."""
        text: str = self._iterate(self._fields, datetime(2000, 1, 1)).explain()
        return text

    def __repr__(self) -> str:
        return f"<Schedule {printable(self.expression)}>"


def _no_schedule(expression: str, why: str) -> PlatformError:
    return PlatformError(f'"{printable(expression, longest=80)}" is no cron expression: {why}')


def job_name(plugin: str, job: Job) -> str:
    """The name of a plugin's job among all jobs."""
    return f"plugin.{plugin}.{job.id}"


def job_timeout(job: Job) -> int:
    """Whole seconds that a job may take: as it says, or 300 if it says nothing that can be
    understood, or nothing above 0."""
    try:
        seconds = int(parse_duration(job.timeout)) if job.timeout else 0
    except (ValueError, OverflowError):
        seconds = 0
    return seconds if seconds > 0 else DEFAULT_TIMEOUT
