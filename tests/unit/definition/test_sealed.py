"""Secrets travel as tokens that only their own workspace's seal opens."""

import pytest

from shared.definition.sealed import MASK, Seal, SecretMangled, mask, new_nonce, take_seal, unseal, with_secrets
from shared.definition.templates import JinjaRenderer

SEAL = Seal(new_nonce(), {"token": "ref+env://TOKEN", "other": "ref+file://other"})
KEPT = {"ref+env://TOKEN": "s3cret", "ref+file://other": "⟦o⟧"}


def rendered(template: str, **context: object) -> str:
    return str(JinjaRenderer().render(with_secrets(template, SEAL), context))


def opened(value: object) -> object:
    return unseal(value, SEAL, KEPT.__getitem__)


def test_a_secret_renders_to_a_token_that_the_worker_opens() -> None:
    text = rendered("Bearer {{ secret.token }} for {{ input.who }}", input={"who": "Ada"})
    assert "s3cret" not in text
    assert opened({"headers": [text, 5]}) == {"headers": ["Bearer s3cret for Ada", 5]}


def test_a_token_passes_through_another_template() -> None:
    token = rendered("{{ secret.other }}")
    assert opened(rendered("<{{ input.x }}>", input={"x": token})) == "<⟦o⟧>"


def test_a_caller_can_not_write_a_token() -> None:
    guess = f"⟦secret:{new_nonce()}:token⟧"
    assert opened(guess) == guess
    assert opened("⟦secret:token⟧") == "⟦secret:token⟧"


def test_a_value_that_looks_like_a_token_is_not_opened_again() -> None:
    again = rendered("{{ secret.token }}")
    assert unseal(rendered("{{ secret.other }}"), SEAL, lambda _: again) == again


@pytest.mark.parametrize("filters", ["upper", "replace(from='token', to='x')", "replace(from='⟦', to='')"])
def test_a_mangled_token_is_refused(filters: str) -> None:
    with pytest.raises(SecretMangled, match="whole"):
        opened(rendered("{{ secret.token | " + filters + " }}"))


def test_people_see_a_mask_in_place_of_a_token() -> None:
    token = rendered("{{ secret.token }}")
    assert mask({"a": [f"x{token}y", 1], "b": None}) == {"a": [f"x{MASK}y", 1], "b": None}
    plain = {"a": ["x", 1]}
    assert mask(plain) is plain


def test_the_seal_travels_in_the_spec() -> None:
    spec, seal = take_seal({"script": "true", "seal": SEAL.to_spec()})
    assert spec == {"script": "true"}
    assert seal == SEAL
    assert take_seal({"script": "true"}) == ({"script": "true"}, None)
    assert unseal("x", None, KEPT.__getitem__) == "x"
