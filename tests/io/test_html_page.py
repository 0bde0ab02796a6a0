"""What every page of ours owes: escaped values, scripts that are named, nothing loaded."""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from ratchet.io.html_page import data_address, environment, policy, script_json

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(NESTED)
def test_json_in_a_script_ends_no_script_and_reads_back_equal(value: object) -> None:
    """Whatever texts hold, nothing in them is read as a tag, and nothing of them is lost."""
    text = script_json(value)
    assert (any(each in text for each in "<>&"), text.isascii(), json.loads(text)) == (False, True, value)


def test_values_come_out_as_text_on_one_line() -> None:
    """Tags are escaped, and characters that nobody sees are gone."""
    shown = environment().from_string("<p>{{ value }}</p>").render(value="<b>\u202ebold\x00\nnext")
    assert shown == "<p>&lt;b&gt; bold next</p>"


def test_policy_names_scripts_by_digest_and_allows_nothing_else() -> None:
    """No script: none may run. One script: that one alone. Nothing is loaded but images that stand in the page."""
    digest = base64.b64encode(hashlib.sha256(b"one()").digest()).decode()
    assert "script-src 'none';" in policy([])
    assert f"script-src 'sha256-{digest}';" in policy(["one()"])
    assert policy([]).startswith("default-src 'none';")
    assert "img-src data:;" in policy([])


def test_image_stands_in_its_address() -> None:
    """The bytes come back from the address."""
    kind, _, content = data_address("png", b"\x89PNG").partition(",")
    assert (kind, base64.b64decode(content)) == ("data:image/png;base64", b"\x89PNG")
