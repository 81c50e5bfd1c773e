"""The api's settings."""

from pydantic import Field, field_validator

from shared.runtime.settings import Settings


class ApiSettings(Settings):
    """Read from `HEADRACE_…` and `HEADRACE_API_…`."""

    api_host: str = Field("127.0.0.1", description="Address to listen on.")
    api_port: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    api_cors_origins: tuple[str, ...] = Field(
        (), description='Origins that browsers may call from, as JSON: ["https://example.org"]; `*` is refused.'
    )
    api_body_bytes: int = Field(1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    api_request_seconds: float = Field(30.0, gt=0, description="Longest time until an answer begins, in seconds.")
    api_webhook_env_prefix: str = Field(
        "WEBHOOK_", min_length=1, description="Beginning of the variables that webhooks' `ref+env://NAME` may name."
    )
    api_viewers: int = Field(1000, ge=1, description="Most open log streams of this process.")

    @field_validator("api_cors_origins")
    @classmethod
    def _name_each_origin(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if any(not origin.startswith(("http://", "https://")) or "*" in origin for origin in origins):
            raise ValueError("each origin must be named, like https://example.org")
        return origins
