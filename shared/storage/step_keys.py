"""Names of steps as names of fields."""


def encode_key(name: str) -> str:
    """A step's name as a field name: `a.b` is `a%2Eb`; no name becomes an operator, a path or empty."""
    if not name:
        return "%"
    safe = name.replace("%", "%25").replace(".", "%2E").replace("$", "%24")
    return safe.replace("\x00", "%00")


def decode_key(key: str) -> str:
    """The step's name back."""
    if "%" not in key:
        return key
    if key == "%":
        return ""
    return key.replace("%00", "\x00").replace("%24", "$").replace("%2E", ".").replace("%25", "%")
