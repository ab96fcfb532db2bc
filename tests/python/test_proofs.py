"""The long proofs in short: what each promises must hold in a few seconds, too."""

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROOFS = Path(__file__).parents[1] / "proofs"


def proof(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"proof_{name}", PROOFS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_every_call_of_many_ends_in_one_outcome() -> None:
    # What is held at the end is the long form's: idle threads and connections take their time.
    proof("soak").main(1200, most=math.inf, rest=0)


def test_nothing_is_sent_while_the_service_says_wait() -> None:
    proof("storm").main(0.6)


def test_bent_requests_are_answered_and_nothing_panics() -> None:
    figures = proof("odd_http").main(2, [sys.executable, "-m", "nanobanana"], seed=1, least=60)
    assert figures["answers"]["400"] > 5


def test_a_killed_run_pays_again_only_for_what_was_under_way() -> None:
    figures = proof("kill").main(3, 24, ["python", "node"])
    assert figures["kills"] >= 1 and figures["under_way_at_kills"] >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_what_is_billed_is_in_files_that_are_named() -> None:
    command = str(Path(sys.executable).parent / "nanobanana")
    assert (
        proof("ways_out").main(
            command,
            ["generate", "generate --stream", "chat", "many"],
            ["closed stdout", "/dev/full", "SIGTERM"],
        )
        == 0
    )
