"""What the API says about itself."""

from pydantic import Field

from services.api.models.fields import Answer, JsonObject


class ServerConfig(Answer):
    """What a client needs to know before it logs in; nothing to log in to yet."""

    auth_required: bool = False
    acl_enabled: bool = False
    oidc_providers: list[JsonObject] = Field(default_factory=list)
    has_internal_auth: bool = False
    version: str = Field(examples=["0.1.0"])


class Health(Answer):
    """Whether this instance can serve; each part is `ok` or says what is wrong."""

    status: str = Field(examples=["ok"])
    db: str = Field(examples=["ok"])
    broker: str = Field(examples=["ok"])
    loops: dict[str, str] = Field(examples=[{}], description="Background loops in trouble, and why.")


class JobCounts(Answer):
    """How many jobs have each status."""

    pending: int = 0
    running: int = 0
    paused: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
