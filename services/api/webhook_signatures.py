"""Whether a webhook's body was signed by whom it says, and the sender's own id of the delivery."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

TOLERANCE = timedelta(minutes=5)
"""How far a signed time may be from now; a delivery that was overheard is of no use later."""

SIGNED_BY = frozenset(
    {"x-hub-signature", "x-hub-signature-256", "stripe-signature", "x-slack-signature", "webhook-signature"}
)
"""Headers that carry signatures."""

_STANDARD_PREFIX = "whsec_"


def is_signed(scheme: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the raw body has a signature of this scheme, made with the secret, and recently where it says when.

    Source: the documents of GitHub (`X-Hub-Signature-256`), Stripe (`t=,v1=`), Slack (`v0:time:body`) and Standard
    Webhooks (`id.time.body`). Header names are lower case.
    """
    match scheme:
        case "github":
            return _is_same(f"sha256={_hex(secret.encode(), body)}", headers.get("x-hub-signature-256", ""))
        case "stripe":
            return _is_stripe(secret, headers.get("stripe-signature", ""), body, now)
        case "slack":
            at = headers.get("x-slack-request-timestamp", "")
            expected = f"v0={_hex(secret.encode(), f'v0:{at}:'.encode() + body)}"
            return _is_recent(at, now) and _is_same(expected, headers.get("x-slack-signature", ""))
        case "standard-webhooks":
            return _is_standard(secret, headers, body, now)
    return False


def _is_stripe(secret: str, header: str, body: bytes, now: datetime) -> bool:
    parts = [part.strip().partition("=") for part in header.split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    expected = _hex(secret.encode(), f"{at}.".encode() + body)
    return _is_recent(at, now) and any(_is_same(expected, value) for name, _, value in parts if name == "v1")


def _is_standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    at, delivery = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    try:
        key = b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
    except (Base64Error, ValueError):
        return False
    digest = hmac.new(key, f"{delivery}.{at}.".encode() + body, sha256).digest()
    expected = f"v1,{b64encode(digest).decode()}"
    told = headers.get("webhook-signature", "").split()
    return bool(delivery) and _is_recent(at, now) and any(_is_same(expected, one) for one in told)


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, sha256).hexdigest()


def _is_same(expected: str, told: str) -> bool:
    return hmac.compare_digest(expected.encode(), told.encode("utf-8", "replace"))


def _is_recent(at: str, now: datetime) -> bool:
    if not at.isascii() or not at.isdigit() or len(at) > len("9999999999"):
        return False
    return abs(now.timestamp() - int(at)) <= TOLERANCE.total_seconds()
