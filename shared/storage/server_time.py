"""The database's clock, so that no process's wrong clock harms another."""

from datetime import UTC, datetime, timedelta

from shared.storage.calls import Database


class ServerTime:
    """The database's time; between askings, this process's clock put right by the last answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead = timedelta()

    async def ask(self) -> datetime:
        """The database's time when it answered."""
        before = datetime.now(UTC)
        answer = await self._database.command("hello")
        now: datetime = answer["localTime"].astimezone(UTC)
        self._ahead = now - before
        return now

    def estimate(self) -> datetime:
        """About the database's time, without asking."""
        return datetime.now(UTC) + self._ahead
