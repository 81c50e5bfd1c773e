"""Every metric, declared once."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

JOBS_CREATED = Counter("headrace_jobs_created", "Jobs accepted.", ["source_type"])
JOBS_ENDED = Counter("headrace_jobs_ended", "Jobs that reached a terminal status.", ["status"])
STEPS_DISPATCHED = Counter("headrace_steps_dispatched", "Attempts put into a queue.", ["route"])
STEPS_ENDED = Counter("headrace_steps_ended", "Attempts that a worker ended.", ["outcome"])
EVENTS_APPLIED = Counter("headrace_events_applied", "Events that the engine decided.", ["event"])
EVENTS_IGNORED = Counter("headrace_events_ignored", "Events that changed nothing.", ["reason"])
SAVES_CONTENDED = Counter("headrace_saves_contended", "Saves that lost a race and were decided again.")
MESSAGES_DEAD = Counter("headrace_messages_dead", "Messages that no one could handle.", ["queue"])
COMMANDS_RESENT = Counter("headrace_commands_resent", "Commands that a sweep sent again.")
WORKERS_LOST = Counter("headrace_workers_lost", "Workers that fell silent.")
TRIGGERS_FIRED = Counter("headrace_triggers_fired", "Jobs that triggers started.", ["type"])
LOG_LINES_STORED = Counter("headrace_log_lines_stored", "Log lines kept.")
LOG_VIEWERS = Gauge("headrace_log_viewers", "Open log streams.")
SLOTS_BUSY = Gauge("headrace_worker_slots_busy", "Attempts in hand.")
PARTITIONS_OWNED = Gauge("headrace_partitions_owned", "Event partitions leased.")
DECIDE_SECONDS = Histogram("headrace_decide_seconds", "One engine decision.", buckets=_FAST)
HTTP_REQUESTS = Counter("headrace_http_requests", "Answered requests.", ["method", "route", "status"])
HTTP_SECONDS = Histogram("headrace_http_request_seconds", "Time to answer.", ["route"], buckets=_FAST)
