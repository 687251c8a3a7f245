"""What changes reaches all who listen, whoever changes it: this server, another process, a mapping run."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.processes import interrupt
from tests.server.conftest import decision
from tests.server.serving import ask, serving
from tsmu import database as db
from tsmu.workspace_folder import WorkspaceFolder

REVIEW = """
import sys
from tsmu.database import open_database, query, review
with open_database(sys.argv[1]) as records:
    review(records, query(records)["id"].max(), status="rejected", by="jo", why="a quarry")
"""


class Listener:
    """A connection that reads server-sent events."""

    def __init__(self, address: str, last: str | None = None) -> None:
        self.connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
        self.connection.request("GET", "/api/changes", headers={} if last is None else {"Last-Event-ID": last})
        self.answer = self.connection.getresponse()

    def event(self) -> dict[str, str]:
        """The next event's fields; empty where the stream has ended."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line == "\n" and "event" in fields:
                return fields
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        return {}

    def change(self) -> dict[str, Any]:
        fields = self.event()
        assert fields["event"] == "change"
        return json.loads(fields["data"]) | {"id": fields["id"]}


@contextmanager
def listening(address: str, last: str | None = None) -> Iterator[Listener]:
    listener = Listener(address, last)
    try:
        yield listener
    finally:
        listener.connection.close()


def test_listeners_hear_what_is_decided_here_and_in_other_processes(served: tuple[WorkspaceFolder, str]) -> None:
    survey, where = served
    with listening(where) as one, listening(where) as two:
        assert one.answer.headers["content-type"].startswith("text/event-stream")
        assert [listener.event()["event"] for listener in (one, two)] == ["ready", "ready"]
        [first] = ask(f"{where}/api/queue?limit=1")["features"]
        made = ask(f"{where}/api/decisions", decision("accept", (first["id"], 1)))
        for listener in (one, two):
            change = listener.change()
            assert (change["landslides"], change["ids"]) == (1, [first["id"]])
            [told] = change["decisions"]
            assert (told["decision_id"], told["by"], told["action"]) == (made["id"], "eva", "accept")
        subprocess.run([sys.executable, "-c", REVIEW, str(survey.database)], check=True, timeout=60)
        change = one.change()
        assert (change["decisions"][0]["by"], change["decisions"][0]["why"]) == ("jo", "a quarry")
        assert not change["runs"] and not change["scenes"]


def test_a_new_map_and_a_shift_are_told(served: tuple[WorkspaceFolder, str]) -> None:
    survey, where = served
    with listening(where) as listener:
        assert listener.event()["event"] == "ready"
        mapping = (
            "import sys; from tests.database.conftest import *; from tests.database.test_building import NEWER, add;"
            "database = open_database(sys.argv[1]); add(database, squares(600, 5), NEWER); database.close()"
        )
        subprocess.run([sys.executable, "-c", mapping, str(survey.database)], check=True, timeout=60)
        change = listener.change()
        assert (change["landslides"], len(change["ids"]), change["runs"]) == (600, 500, 1)
        assert change["scenes"]
        with db.open_database(survey.database) as records:
            db.shift_scene(records, db.scenes(records)["id"][0], 3, 4)
        change = listener.change()
        assert (change["landslides"], change["runs"], change["scenes"]) == (0, 0, True)


def test_who_comes_back_hears_what_was_missed(served: tuple[WorkspaceFolder, str]) -> None:
    _, where = served
    mark = ask(f"{where}/api/info")["mark"]
    [first] = ask(f"{where}/api/queue?limit=1")["features"]
    ask(f"{where}/api/decisions", decision("comment", (first["id"], first["properties"]["version"]), why="wet"))
    with listening(where, last=mark) as listener:
        change = listener.change()
        assert [told["why"] for told in change["decisions"]] == ["wet"]
    with listening(where, last=change["id"]) as listener:
        assert listener.event()["event"] == "ready"
    for senseless in ("x", "1-2-3", f"a-{'9' * 30}-0-0-0"):
        with listening(where, last=senseless) as listener:
            assert listener.event()["event"] == "ready"


def test_many_listeners_hold_up_nobody_and_end_with_the_server(survey: WorkspaceFolder) -> None:
    with serving(survey, "--write") as (where, process):
        listeners = [Listener(where) for _ in range(120)]  # three times as many as there are threads
        assert {listener.event()["event"] for listener in listeners} == {"ready"}
        assert ask(f"{where}/api/queue?limit=1")["features"]
        ended: list[dict[str, str]] = []
        waiting = threading.Thread(target=lambda: ended.extend(listener.event() for listener in listeners))
        waiting.start()
        start = time.monotonic()
        assert interrupt(process) == 0
        waiting.join(30)
        assert ended == [{}] * len(listeners)
        assert time.monotonic() - start < 25


def test_changes_need_a_token_where_there_are_some(survey: WorkspaceFolder, tmp_path: Any) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"jo viewer {'1' * 64}\n")
    tokens.chmod(0o600)
    with serving(survey, "--token-file", str(tokens)) as (where, _), listening(where) as listener:
        assert listener.answer.status == 401
