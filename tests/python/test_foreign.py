"""Option names of other libraries, taken from their types: the answer has our name or says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

import nanobanana as nb

NAMES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "foreign_names.json").read_text(encoding="utf-8")
)["names"]

VALUE = "aspect_ratio and imageSize of /tmp/image_size.png"


def refused(row: dict[str, Any], client: nb.Client) -> str | None:
    """What is said of this name, if it is none of ours."""
    options: dict[str, Any] = {row["name"]: VALUE}
    try:
        if row["at"] == "call":
            client.generate("x", **options)
        elif row["at"] == "client":
            nb.Client("test-key-0123", **options)
        else:
            within: dict[str, Any] = {"retry": options}
            client.generate("x", **within)
    except nb.InvalidOptionError as error:
        return str(error)
    except nb.NanoBananaError:
        return None
    return None


def test_every_foreign_name_is_answered() -> None:
    wrong = []
    with nb.Client.offline() as client:
        for row in NAMES:
            said = refused(row, client)
            if row["name"] in row["ours"]:
                continue
            if said is None:
                wrong.append(f"{row['name']} is taken")
                continue
            within = "retry." if row["at"] == "retry" else ""
            lacks = [own for own in row["ours"] if f"`{within}{own}`" not in said]
            hint = "Did you mean" in said or "there are " in said
            if lacks or hint or f"{row['name']}`" not in said:
                wrong.append(f"{row['name']} lacks {lacks}: {said}")
    assert len(NAMES) >= 120
    assert wrong == []


def test_a_name_in_another_spelling_and_a_value_that_looks_like_a_name() -> None:
    spelling: dict[str, Any] = {"aspectRatio": "1:1"}
    value: dict[str, Any] = {"output_format": "`image_size`"}
    with nb.Client.offline() as client:
        with pytest.raises(
            nb.InvalidOptionError, match="`aspectRatio` is written `aspect_ratio` here"
        ) as caught:
            client.generate("x", **spelling)
        assert (caught.value.option, caught.value.hint) == ("aspectRatio", "aspect_ratio")
        with pytest.raises(nb.InvalidOptionError) as caught:
            client.generate("x", **value)
        assert "`image_size`" in str(caught.value)
        assert caught.value.allowed == ["png", "jpeg", "webp"]


def test_a_bare_number_for_retry_is_refused_with_both_spellings() -> None:
    retry: Any = 3
    with pytest.raises(nb.InvalidOptionError) as caught:
        nb.Client("test-key-0123", retry=retry)
    assert "`retry=Retry(max_attempts=3)` makes 3 calls" in str(caught.value)
    assert "`retry=Retry(max_attempts=4)` retries 3 times" in str(caught.value)
