"""What kind of content a file has: by its first bytes, else by its name."""

from pathlib import PurePosixPath

HEAD_BYTES = 16
UNKNOWN = "application/octet-stream"
_MARKS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_SUFFIXES = {
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}


def find_content_type(name: str, head: bytes) -> str:
    """The MIME type of a file with this name that begins like this."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    by_mark = next((kind for mark, kind in _MARKS if head.startswith(mark)), None)
    return by_mark or _SUFFIXES.get(PurePosixPath(name).suffix.lower(), UNKNOWN)
