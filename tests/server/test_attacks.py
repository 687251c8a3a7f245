"""What must not be possible: each attempt is refused, leaves nothing, and stands in the log."""

import json
import logging
from pathlib import Path

import pytest
import shapely

from tests.database.test_building import counts
from tests.server.conftest import Client, decision, first
from tsmu.database import Database, Filters, query
from tsmu.errors import ReviewError
from tsmu.server.auth import TokenFile
from tsmu.server.middleware import MAX_BODY_BYTES

TOKEN, OTHER = "a" * 64, "b" * 64
ANYWHERE = {"hosts": frozenset[str]()}


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    path = tmp_path / "tokens"
    path.write_text(f"# who may do what\neva reviewer {TOKEN}\n\njo viewer {OTHER}  # only looks\n")
    path.chmod(0o600)
    return TokenFile.read(path)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "address",
    [
        "/api/scenes/..%2F..%2F..%2Fetc%2Fpasswd/post/0/0/0.png",
        "/api/scenes/%2e%2e/post/0/0/0.png",
        "/api/scenes/x/..%2f..%2ftsmu.toml/0/0/0.png",
        "/api/scenes/x/post/0/0/0.png%00.tif",
        "/api/scenes/x/post/-1/0/0.png",
        "/api/scenes/x/post/99/0/0.png",
        "/api/tiles/0/0/0.mvt/../../../../etc/passwd",
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/api/landslides/%2e%2e%2ftsmu.toml",
        "/api/export.php",
    ],
)
def test_no_path_leads_to_the_file_system(client: Client, tmp_path: Path, address: str) -> None:
    page = tmp_path / "page"
    page.mkdir()
    answer = client().get(address)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text
    assert set(answer.json()) <= {"error", "detail"}


def test_the_page_shows_its_own_files_and_no_others(records: Database, survey: object, tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from tsmu.server import ServerContext, make_app

    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<p>hello")
    (tmp_path / "secret.txt").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    browser = TestClient(make_app(ServerContext(records, survey), page), base_url="http://localhost")  # type: ignore[arg-type]
    assert "hello" in browser.get("/").text
    assert browser.get("/api/info").status_code == 200
    for address in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/link.txt"):
        assert "secret" not in browser.get(address).text


@pytest.mark.parametrize(
    "where",
    [
        "1 = 1",
        "status = 'confirmed'; DROP TABLE landslide",
        "id in (select id from run)",
        "region = 'a' union select 1",
        "(" * 900 + "version = 1" + ")" * 900,  # deep enough to end a process that reads it without looking
    ],
)
def test_sql_in_filters_is_no_sql(client: Client, records: Database, where: str) -> None:
    rows = counts(records)
    for address in ("/api/landslides", "/api/queue", "/api/dashboard", "/api/export.csv", "/api/tiles/0/0/0.mvt"):
        answer = client().get(address, params={"where": where})
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("condition ")
    answer = client().get("/ogc/collections/landslides/items", params={"filter": where})
    assert answer.status_code == 400
    odd = "'; DROP TABLE landslide; --"
    assert client().get("/api/landslides", params={"region": odd}).json()["features"] == []
    assert client().get("/ogc/collections/landslides/items", params={"region": odd}).json()["features"] == []
    assert client().get("/ogc/collections/landslides/items", params={"area_m2": "1 or 1 = 1"}).status_code == 400
    assert client().get(f"/api/landslides/{odd}").status_code == 404
    assert counts(records) == rows


def test_oversized_and_senseless_shapes_are_refused(client: Client, records: Database) -> None:
    rows = counts(records)
    landslide = first(records)
    many = shapely.geometry.mapping(shapely.Point(7, 46).buffer(0.1, quad_segs=4000))
    deep: dict[str, object] = {"type": "GeometryCollection", "geometries": []}
    for _ in range(200):
        deep = {"type": "GeometryCollection", "geometries": [deep]}
    with client() as browser:
        for shape in (
            many,
            deep,
            {"type": "Polygon"},
            {"type": "Polygon", "coordinates": [[[1e300, 0]] * 4]},
            {},
            {"a": 1},
        ):
            answer = browser.post("/api/decisions", json=decision("edit", landslide, geometry=shape))
            assert answer.status_code == 422, answer.text
        nan = json.dumps(decision("edit", landslide, geometry={"type": "Point", "coordinates": [float("nan"), 1]}))
        headers = {"Content-Type": "application/json"}
        assert browser.post("/api/decisions", content=nan, headers=headers).status_code == 422
        large = b'{"why": "' + b"x" * MAX_BODY_BYTES + b'"}'
        assert browser.post("/api/decisions", content=large, headers=headers).status_code == 413
        chunks = (b" " * 65536 for _ in range(64))  # nobody says how long it is
        assert browser.post("/api/decisions", content=chunks, headers=headers).status_code in (400, 413)
        assert browser.post("/api/decisions", content=b"{" * 100_000, headers=headers).status_code in (400, 422)
        assert browser.get("/api/landslides", params={"where": "x" * 9000}).status_code == 414
        assert browser.post("/api/decisions", json=decision("comment", landslide, why="\x00")).status_code == 422
        surrogate = json.dumps(decision("comment", landslide, why="?")).replace("?", "\\ud800")
        assert browser.post("/api/decisions", content=surrogate, headers=headers).status_code == 422
    assert counts(records) == rows


def test_script_in_a_comment_stays_text(client: Client, records: Database) -> None:
    script = "<script>alert(1)</script>"
    landslide_id, version = first(records)
    with client() as browser:
        browser.post("/api/decisions", json=decision("comment", (landslide_id, version), why=script, by=script))
        answer = browser.get(f"/api/landslides/{landslide_id}")
        assert answer.json()["reviews"][0]["why"] == script  # kept as it was said
        assert answer.headers["content-type"] == "application/json"
        headers = browser.get("/docs").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_a_cross_site_request_is_refused(client: Client, records: Database, caplog: pytest.LogCaptureFixture) -> None:
    rows, body = counts(records), decision("accept", first(records))
    with client() as browser, caplog.at_level(logging.WARNING, "tsmu.server"):
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost.evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Host": "evil.example"},  # a name that was made to point here
            {"Host": "127.0.0.1.evil.example:8000"},
        ):
            answer = browser.post("/api/decisions", json=body, headers=headers)
            assert answer.status_code in (403, 421), headers
            assert "access-control-allow-origin" not in answer.headers
        form = {"Content-Type": "text/plain"}  # what a form can send without asking
        assert browser.post("/api/decisions", content=json.dumps(body), headers=form).status_code == 415
        del browser.headers["X-Tsmu"]
        assert browser.post("/api/decisions", json=body).status_code == 403
        asked = browser.options("/api/decisions", headers={"Origin": "https://evil.example"})
        assert asked.status_code == 403
        assert browser.get("/api/info", headers={"Host": "evil.example"}).status_code == 421
        assert (
            browser.get("/api/info", headers={"Host": "[::1]:8000", "Origin": "http://[::1]:8000"}).status_code == 200
        )
    assert counts(records) == rows
    assert caplog.text.count("refused") >= 10


def test_without_write_nothing_is_written(client: Client, records: Database) -> None:
    rows = counts(records)
    with client(write=False) as browser:
        answer = browser.post("/api/decisions", json=decision("accept", first(records)))
        assert (answer.status_code, "--write" in answer.json()["error"]) == (403, True)
        assert browser.put("/api/scenes/x/shift", json={"east_m": 1, "north_m": 1}).status_code == 403
        assert browser.post("/api/areas", json={}).status_code == 403
        assert browser.get("/api/landslides").status_code == 200
    assert counts(records) == rows


def test_tokens_say_who_may_do_what(
    client: Client, records: Database, tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    body = decision("accept", first(records))
    with client(tokens=tokens, **ANYWHERE) as browser, caplog.at_level(logging.WARNING, "tsmu.server"):
        for address in ("/api/landslides", "/api/scenes", "/api/queue", "/ogc", "/ogc/conformance", "/api/info"):
            assert browser.get(address).status_code == 401
            assert browser.get(address, headers=bearer(OTHER)).status_code == 200
        for forged in (TOKEN[:-1], TOKEN + "a", TOKEN.upper(), "", "eva"):
            assert browser.post("/api/decisions", json=body, headers=bearer(forged)).status_code in (401, 429)
        assert browser.post("/api/decisions", json=body, headers=bearer(OTHER)).status_code in (403, 429)
    with client(tokens=tokens, **ANYWHERE) as browser:
        assert browser.post("/api/decisions", json=body | {"by": "jo"}, headers=bearer(TOKEN)).status_code == 403
        assert browser.post("/api/decisions", json=body, headers=bearer(OTHER)).status_code == 403
        assert browser.post("/api/decisions", json=body, headers=bearer(TOKEN)).json()["by"] == "eva"
    assert query(records, Filters(where="changed_by = 'eva'"))["status"].to_list() == ["confirmed"]
    assert "refused 401" in caplog.text
    assert TOKEN[:-1] not in caplog.text


def test_tokens_cannot_be_guessed_fast(client: Client, tokens: TokenFile) -> None:
    with client(tokens=tokens, **ANYWHERE) as browser:
        answers = [browser.get("/api/info", headers=bearer(f"{number:064}")).status_code for number in range(20)]
        assert answers.count(401) == 10
        assert answers[-1] == 429
        assert browser.get("/api/info", headers=bearer(TOKEN)).status_code == 200  # another one at the same address
        assert browser.get("/api/info").status_code == 401  # who sends no token guesses none


def test_a_withdrawn_token_locks_nobody_out(client: Client, tokens: TokenFile) -> None:
    with client(tokens=tokens, **ANYWHERE) as browser:
        withdrawn = [browser.get("/api/tiles/0/0/0.mvt", headers=bearer("c" * 64)).status_code for _ in range(50)]
        assert set(withdrawn) == {401}
        assert browser.get("/api/info", headers=bearer("d" * 64)).status_code == 401  # a slip of the keyboard
        assert browser.get("/api/info", headers=bearer(TOKEN)).status_code == 200


def test_one_who_asks_too_often_holds_up_no_other_at_the_same_address(client: Client, tokens: TokenFile) -> None:
    with client(tokens=tokens, **ANYWHERE) as browser:
        browser.app.clock = lambda: 0.0  # type: ignore[attr-defined]
        body = decision("comment", ("none", 1), why="again")
        answers = [browser.post("/api/decisions", json=body).status_code for _ in range(201)]
        assert (answers[0], answers[-1]) == (401, 429)
        assert browser.post("/api/decisions", json=body, headers=bearer(TOKEN)).status_code == 404


def test_too_many_requests_are_put_off(client: Client, records: Database) -> None:
    with client() as browser:
        browser.app.clock = lambda: 0.0  # type: ignore[attr-defined]
        body = decision("comment", first(records), why="again and again")
        answers = [browser.post("/api/decisions", json=body) for _ in range(201)]
        late = next(answer for answer in answers if answer.status_code == 429)
        assert late.headers["retry-after"]
        assert browser.get("/api/info").status_code == 200  # who looks is not held up by who writes


def test_the_log_takes_no_lines_from_strangers(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with client() as browser, caplog.at_level(logging.INFO, "tsmu.server"):
        browser.get("/api/landslides/x%0arefused%20200%20everything")
        browser.get("/nowhere%0d%0aelse")
        browser.get("/api/landslides", params={"bbox": "1,\n2"})
    assert caplog.records
    assert not [record for record in caplog.records if "\n" in record.getMessage() or "\r" in record.getMessage()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eva reviewer short", "fewer than 32"),
        (f"eva admin {TOKEN}", "line 1: not NAME"),
        (f"eva viewer {TOKEN}\njo viewer {TOKEN}", "line 2: name or token"),
        ("# nobody", "names no users"),
    ],
)
def test_a_token_file_that_is_wrong_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ReviewError, match=message):
        TokenFile.read(path)
    path.chmod(0o644)
    with pytest.raises(ReviewError, match="chmod 600"):
        TokenFile.read(path)
    with pytest.raises(ReviewError, match="cannot be read"):
        TokenFile.read(tmp_path / "none")
