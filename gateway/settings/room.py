"""The settings of one room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gateway.settings import checks, looks
from gateway.settings.documented import setting

REHEARSAL = "-rehearsal"
"""What the id of a rehearsal's room has behind the id of the room that it rehearses."""


def _replaceable() -> dict[str, dict[str, str]]:
    """Every text of the pages without plural forms."""
    from gateway.i18n import languages  # only here: commands without texts of their own start faster

    return {
        code: {key: forms[0] for key, forms in language.forms.items() if len(forms) == 1}
        for code, language in languages().items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings:
    """One room: which requests it protects, where they go, and the first values of its knobs."""

    id: str = setting(
        allowed="1 to 32 lower-case letters and digits, single hyphens between them",
        effect="Names the room in addresses, cookies and commands. Never change it during an event.",
        parse=checks.room_id,
    )
    paths: tuple[str, ...] = setting(
        allowed='path prefixes such as ["/daftar"]: each begins with / and has no wildcard',
        effect="What the room protects: a prefix covers itself and everything below it.",
        reason="What is forgotten is then protected, not open.",
        parse=checks.paths,
        default=("/",),
    )
    except_: tuple[str, ...] = setting(
        allowed='patterns such as ["/static/*"]: each begins with /, * stands for anything',
        effect="Paths below `paths` that nobody waits for: static files, health checks.",
        parse=checks.patterns,
        default=(),
    )
    hosts: tuple[str, ...] = setting(
        allowed='host names such as ["daftar.example.go.id"], without scheme, port or path',
        effect="Only requests for these hosts belong to the room.",
        reason="Any host.",
        parse=checks.hosts,
        default=(),
    )
    origin: str = setting(
        allowed="an address such as http://127.0.0.1:8081, without path or query",
        effect="The protected site: where admitted visitors' requests are sent.",
        parse=checks.address,
    )
    name: str = setting(
        allowed="1 to 100 characters",
        effect="The title people read on the waiting page.",
        reason="The id.",
        parse=checks.text(1, 100),
        default="",
    )
    names: tuple[tuple[str, str], ...] = setting(
        allowed='a name for each language, such as {id = "Pendaftaran", en = "Registration"}',
        effect="The title on the waiting page in the visitor's own language.",
        reason="The name, in every language.",
        parse=looks.names,
        default=(),
    )
    rate_per_minute: float = setting(
        allowed="a number from 0 to 1000000",
        effect="First admission rate, visitors a minute. Later: `antrean room set ID --rate N`.",
        reason="One a second, which any site bears until its real limit has been measured.",
        parse=checks.rate,
        default=60.0,
    )
    ceiling: int = setting(
        allowed="a whole number from 0 to 10000000",
        effect="First ceiling, most visitors inside at once. Later: `antrean room set ID --ceiling N`.",
        reason="About eight minutes of the default rate, enough for a form.",
        parse=checks.ceiling,
        default=500,
    )
    day_zone: Literal["WIB", "WITA", "WIT"] = setting(
        allowed='"WIB", "WITA" or "WIT"',
        effect="The zone whose calendar day a daily quota counts: from midnight to midnight there.",
        reason="Western Indonesia. None of the three knows summer time, which would make a day of 23 hours.",
        parse=checks.one_of("WIB", "WITA", "WIT"),
        default="WIB",
    )
    poll_max_s: int = setting(
        allowed="5 to 300 seconds",
        effect="Longest pause between looks at the pulse. More is cheaper; rate rises then take longer.",
        reason="The far end of a long line costs little, and a rate rise arrives within 90 s.",
        parse=checks.whole(5, 300),
        default=60,
    )
    queue_status: Literal[200, 202, 429, 503] = setting(
        allowed="200, 202, 429 or 503",
        effect="HTTP status of the waiting page.",
        reason="The only one that every old browser and proxy shows unaltered.",
        parse=checks.one_of(200, 202, 429, 503),
        default=200,
    )
    on_store_loss: Literal["hold", "admit"] = setting(
        allowed='"hold" or "admit"',
        effect="While the store is away: let nobody in, or let each worker let its share of the rate in.",
        reason="The site behind is never asked to bear more than it was promised.",
        parse=checks.one_of("hold", "admit"),
        default="hold",
    )
    rehearsal: bool = setting(
        allowed="true or false",
        effect=f"Adds the room ID{REHEARSAL}, a line apart, for holders of `antrean pass issue --rehearsal`.",
        reason="The site must know the `rehearsal` claim first, or it takes rehearsals for real.",
        parse=checks.one_of(True, False),
        default=False,
    )
    default_language: str = setting(
        allowed=" or ".join(f'"{code}"' for code in looks.CODES),
        effect="The page's language when the browser prefers none of ours.",
        parse=checks.one_of(*looks.CODES),
        default="id",
    )

    prepare: tuple[tuple[str, tuple[str, ...]], ...] = setting(
        allowed='up to 8 lines of up to 120 characters a language: {id = ["KTP"], en = ["Identity card"]}',
        effect="What visitors will need, shown while they wait. A language without its own shows the first one's.",
        parse=looks.prepare,
        default=(),
    )
    logo: Path | None = setting(  # noqa: RUF009  (it makes a field)
        allowed="a picture of up to 100 kB that ends in .svg, .png, .webp, .jpg, .jpeg or .gif",
        effect="The mark beside the name, shown 40 pixels high. Said from the current folder.",
        reason="Three people in line.",
        parse=looks.logo,
        default=None,
    )
    colours: looks.Colours | None = setting(  # noqa: RUF009  (it makes a field)
        allowed='{accent = "#0b5f66", dark = "#7ed6d6"}, text in both readable; dark may be left out',
        effect="The colour of links, buttons and the progress bar, by day and on a dark screen.",
        reason="A calm green-blue.",
        parse=looks.colours,
        default=None,
    )
    links: tuple[looks.Link, ...] = setting(
        allowed='up to 5 such as {href = "https://bantuan.example.go.id", id = "Bantuan", en = "Help"}',
        effect="Links below the page; each opens in a tab of its own, so that the page stays.",
        parse=looks.links,
        default=(),
    )
    texts: tuple[tuple[str, looks.ByLanguage], ...] = setting(
        allowed='texts by language and key, such as {id = {"view.waiting.heading" = "Sabar, ya"}}',
        effect="The page's texts in the room's own words; the keys are those of gateway/locales.",
        parse=looks.own_texts(_replaceable),
        default=(),
    )
    templates: Path | None = setting(  # noqa: RUF009  (it makes a field)
        allowed="a folder with waiting.html.j2, waiting.css or both",
        effect="The room's own template and style. A broken one is told in the log, and ours is shown.",
        reason="Ours.",
        parse=looks.templates,
        default=None,
    )

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.id.replace("-", " ").capitalize())

    @property
    def day_offset_ms(self) -> int:
        """Of ``day_zone``, east of UTC."""
        return {"WIB": 7, "WITA": 8, "WIT": 9}[self.day_zone] * 3_600_000

    @property
    def rehearses(self) -> str:
        """The id of the room that this one rehearses, empty for a real one: only these have no paths."""
        return "" if self.paths else self.id.removesuffix(REHEARSAL)

    def rehearsed(self) -> RoomSettings:
        """The room of this one's rehearsal: no path leads there, only the mark does."""
        name = f"{self.name[:72]} (gladi bersih / rehearsal)"
        return replace(self, id=self.id + REHEARSAL, name=name, names=(), paths=(), rehearsal=False)

    def named_in(self, code: str) -> RoomSettings:
        """The room with its name in this language, where it has one."""
        name = dict(self.names).get(code)
        return replace(self, name=name) if name else self


def sample_room(registration_port: int = 8081) -> RoomSettings:
    """The room in front of the sample registration app, when no file says otherwise."""
    return RoomSettings(
        id="registration",
        names=(("id", "Pendaftaran"), ("en", "Registration")),
        except_=("/static/*", "/health", "/check/*"),
        origin=f"http://127.0.0.1:{registration_port}",
        prepare=(
            ("id", ("KTP dengan NIK", "Alamat surel yang aktif")),
            ("en", ("Your identity card (KTP)", "An e-mail address")),
        ),
    )
