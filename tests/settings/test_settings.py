"""The configuration: what is believed, what is refused, and how that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import RoomSettings, Settings, load_settings
from gateway.settings.documented import settings_of

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(toml: str = "", **environ: str) -> list[str]:
    file = Path("antrean.toml")
    file.write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load_settings(environ=environ)
    return [problem.replace(f"{file.absolute()}: ", "") for problem in caught.value.problems]


def loaded(toml: str = "", **environ: str) -> Settings:
    Path("antrean.toml").write_text(toml)
    return load_settings(environ=environ)


def room(lines: str = "", room_id: str = "a", origin: str = "http://127.0.0.1:9000") -> str:
    return f'[[rooms]]\nid = "{room_id}"\norigin = "{origin}"\n{lines}\n'


def test_without_a_file_there_is_the_sample_room() -> None:
    settings = load_settings(environ={"REGISTRATION_PORT": "9081"})
    [sample] = settings.rooms
    assert (sample.id, sample.paths, sample.except_) == (
        "registration",
        ("/",),
        ("/static/*", "/health", "/check/*"),
    )
    assert (sample.origin, sample.rate_per_minute, sample.ceiling) == ("http://127.0.0.1:9081", 60, 500)
    assert sample.name == "Registration"


def test_the_environment_wins_over_the_file_and_an_empty_value_is_none() -> None:
    settings = loaded("port = 9000\ndesk_port = 9001", ANTREAN_PORT="9100", ANTREAN_DESK_PORT=" ")
    assert (settings.port, settings.desk_port) == (9100, 9001)


def test_lists_are_separated_by_commas_in_the_environment() -> None:
    settings = loaded(ANTREAN_TRUSTED_PROXIES="10.0.0.0/8, ::1", ANTREAN_SECRET_KEYS=f"{'a' * 32},{'b' * 32}")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.secret_keys == ("a" * 32, "b" * 32)
    assert "aaaa" not in repr(settings)


def test_a_folder_in_the_file_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "queue.toml").write_text('state_dir = "state"')
    settings = load_settings(environ={"ANTREAN_CONFIG": "etc/queue.toml"})
    assert settings.state_dir == tmp_path / "etc" / "state"


def test_a_file_that_was_asked_for_must_be_there() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_settings(environ={"ANTREAN_CONFIG": "nowhere.toml"})


def test_a_file_that_is_no_toml_is_one_line_with_its_place() -> None:
    [line] = problems("port = = 3")
    assert "cannot be read" in line
    assert "line 1" in line


def test_every_problem_is_told_at_once() -> None:
    told = problems(
        "prot = 1\n" + room("rate_per_minute = -1\nqueue_status = 418"),
        ANTREAN_DESK_PORT="many",
        ANTREAN_WORKERS="0",
    )
    assert told == [
        'ANTREAN_DESK_PORT: "many" is not usable: give a port, 1 to 65535',
        'ANTREAN_WORKERS: "0" is not usable: give 1 to 256 processes',
        "unknown key prot: did you mean port?",
        'room "a": rate_per_minute: rate -1 a minute is not usable: give 0 to 1,000,000 (0 stops releases)',
        'room "a": queue_status: 418 is not usable: give 200, 202, 429 or 503',
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("ceilling = 5", "unknown key ceilling: did you mean ceiling?"),
        ("rate = 5", "unknown key rate: did you mean rate_per_minute?"),
        ("zzz = 5", "unknown key zzz: known are id, paths, except"),
        ("rate_per_minute = nan", "rate nan a minute is not usable"),
        ("rate_per_minute = 1e12", "rate 1e+12 a minute is not usable"),
        ('rate_per_minute = "sixty"', 'rate_per_minute: "sixty" is not usable: give a number'),
        ("ceiling = true", "ceiling: true is not usable: give a whole number"),
        ("ceiling = -1", "ceiling -1 is not usable"),
        ("paths = []", "paths: [] is not usable (it is empty"),
        ('paths = ["daftar"]', '"daftar" does not begin with /'),
        ('paths = ["/a/*"]', '"/a/*" has a wildcard'),
        ('paths = ["/a/../b"]', '"/a/../b" is not in plain form'),
        ('except = ["//x"]', '"//x" is not in plain form'),
        ('hosts = ["https://x"]', '"https://x" is not a host name'),
        ('on_store_loss = "panic"', 'on_store_loss: "panic" is not usable: give "hold" or "admit"'),
        ("poll_max_s = 1", "poll_max_s: 1 is not usable: give 5 to 300 seconds"),
        ('default_language = "xx"', 'default_language: "xx" is not usable'),
        ('prepare = ["KTP"]', 'prepare: ["KTP"] is not usable: give up to 8 lines'),
        ('prepare = {fr = ["KTP"]}', '"fr" is not a language of the page'),
        ("prepare = {id = []}", "id has 0 texts"),
        ('prepare = {id = ["a\\u0002title\\u0003"]}', "is not one line of 1 to 120 characters"),
        (f'prepare = {{id = ["{"x" * 121}"]}}', "is not one line of 1 to 120 characters"),
        ('colours = "#123456"', "give {accent = "),
        ('colours = {accent = "red"}', "'red' is not #rrggbb"),
        ('colours = {accent = "#ffcc00"}', "#ffcc00 on white has a contrast of 1.4, text needs 4.5"),
        ('colours = {accent = "#000000", dark = "#222222"}', "#222222 on the dark page has a contrast"),
        ('logo = "nowhere.svg"', "nowhere.svg: No such file"),
        ('logo = "antrean.toml"', "it does not end in .svg"),
        ('links = [{href = "javascript:alert(1)", id = "x"}]', "'javascript:alert(1)' is not a path"),
        ('links = [{href = "//evil.example", id = "x"}]', "'//evil.example' is not a path"),
        ('links = [{href = "/help"}]', "/help has no name"),
        ('texts = {id = {"view.waiting.hedding" = "x"}}', "did you mean view.waiting.heading?"),
        ('texts = {id = {"ahead.most" = "many"}}', "ahead.most must have {n}, as ours has"),
        ('texts = {id = {"check.now" = "{now}"}}', "check.now must have no braces, as ours has"),
        ('names = {id = ""}', "is not one line of 1 to 100 characters"),
        ('templates = "."', "has neither waiting.html.j2 nor waiting.css"),
    ],
)
def test_a_wrong_room_is_told_with_the_value_and_what_is_allowed(lines: str, told: str) -> None:
    [line] = problems(room(lines))
    assert line.startswith('room "a": ')
    assert told in line


@pytest.mark.parametrize(
    "origin", ["nowhere", "ftp://x", "http://", "http://x/path", "http://u:p@x", "http://x:99999"]
)
def test_an_origin_is_scheme_host_and_port(origin: str) -> None:
    [line] = problems(room(origin=origin))
    assert f'origin: "{origin}" is not usable' in line


def test_a_room_without_origin_or_id_is_told_by_its_place() -> None:
    told = problems(room() + '[[rooms]]\npaths = ["/x"]')
    assert told == [
        "room 2: id is missing: give 1 to 32 lower-case letters and digits, single hyphens between them",
        "room 2: origin is missing: give an address such as http://127.0.0.1:8081, without path or query",
    ]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("", 'paths = ["/daftar"]', "both protect /daftar"),
        ('paths = ["/a"]', 'paths = ["/a/b/"]', "both protect /a/b"),
        ('hosts = ["x.id"]', "", "both protect /"),
        ('hosts = ["x.id"]', 'hosts = ["X.ID", "y.id"]', "both protect /"),
    ],
)
def test_overlapping_rooms_are_refused(one: str, other: str, told: str) -> None:
    [line] = problems(room(one) + room(other, "b"))
    assert told in line


def test_rooms_apart_by_path_or_host_are_fine() -> None:
    settings = loaded(
        room('paths = ["/a"]\nhosts = ["x.id"]')
        + room('paths = ["/ab/"]\nhosts = ["x.id"]', "b")
        + room('hosts = ["y.id"]', "c")
    )
    assert [room.paths for room in settings.rooms] == [("/a",), ("/ab",), ("/",)]


def test_two_rooms_of_one_name_are_refused() -> None:
    [line] = problems(room('paths = ["/a"]') + room('paths = ["/b"]'))
    assert 'two rooms are named "a"' in line


def test_two_listeners_on_one_port_are_refused() -> None:
    told = problems(ANTREAN_PORT="9000", ANTREAN_DESK_PORT="9000")
    assert told == [
        "ANTREAN_DESK_PORT: 9000 is the gateway's port: give each listener its own",
    ]


def test_secret_keys_are_refused_in_a_file_and_never_shown() -> None:
    [line] = problems('secret_keys = ["hush"]')
    assert "does not belong in a file" in line
    [line] = problems(ANTREAN_SECRET_KEYS="hush")
    assert line.startswith("ANTREAN_SECRET_KEYS: the value is not usable (key 1 has 4 characters)")
    assert "hush" not in line


@pytest.mark.parametrize(
    "url", ["memcached://x", "redis://", "localhost:6379", "unix://", "cluster://", "sentinel://a:1"]
)
def test_a_store_is_named_by_a_url_we_know(url: str) -> None:
    [line] = problems(ANTREAN_STORE_URL=url)
    assert "give redis://…, rediss://…, unix://…, sentinel://" in line


def test_the_store_is_the_one_given_else_the_embedded_one() -> None:
    assert load_settings(environ={"ANTREAN_STORE_URL": "redis://x:1/0"}).store_address() == "redis://x:1/0"
    address = load_settings(environ={"ANTREAN_STATE_DIR": "/tmp/a b"}).store_address()
    assert address == "unix:///tmp/a%20b/store/antrean.sock"


def test_settings_do_not_change_once_they_are_read() -> None:
    settings = load_settings(environ={})
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]


def test_every_setting_says_what_it_does_and_what_is_allowed() -> None:
    for model in (Settings, RoomSettings):
        for setting in settings_of(model).values():
            assert setting.effect.endswith(".")
            assert setting.allowed
            assert not setting.allowed.endswith(".")


def test_a_rehearsal_adds_a_room_that_no_path_leads_to() -> None:
    real, twin = loaded('[[rooms]]\nid = "a"\norigin = "http://127.0.0.1:9"\nrehearsal = true\n').rooms
    assert (real.id, real.rehearses) == ("a", "")
    assert (twin.id, twin.rehearses, twin.paths, twin.origin) == ("a-rehearsal", "a", (), real.origin)


def test_a_room_may_not_have_the_name_of_a_rehearsal() -> None:
    rooms = '[[rooms]]\nid = "a"\npaths = ["/a"]\norigin = "http://127.0.0.1:9"\nrehearsal = true\n'
    with pytest.raises(SettingsError, match='two rooms are named "a-rehearsal"'):
        loaded(rooms + '[[rooms]]\nid = "a-rehearsal"\npaths = ["/b"]\norigin = "http://127.0.0.1:9"\n')


def test_the_example_file_is_valid_and_names_every_setting_of_a_room() -> None:
    text = (ROOT / "antrean.toml.example").read_text()
    settings = loaded(text)
    assert settings.rooms
    for name in settings_of(RoomSettings):
        assert f"{name.rstrip('_')} = " in text, name
