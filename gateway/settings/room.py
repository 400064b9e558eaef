"""The settings of one room."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, field_validator

from gateway.settings import checks
from gateway.settings.documented import Setting


class RoomSettings(BaseModel):
    """One room: which requests it protects, where they go, and the first values of its knobs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[
        str,
        Field(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$"),
        Setting(
            allowed="1 to 32 lower-case letters and digits, single hyphens between them",
            effect="Names the room in addresses, cookies and commands. Never change it during an event.",
        ),
    ]
    paths: Annotated[
        tuple[str, ...],
        Setting(
            allowed='path prefixes such as ["/daftar"]: each begins with / and has no wildcard',
            effect="What the room protects: a prefix covers itself and everything below it.",
            reason="What is forgotten is then protected, not open.",
        ),
    ] = ("/",)
    except_: Annotated[
        tuple[str, ...],
        Field(validation_alias=AliasChoices("except", "except_")),
        Setting(
            allowed='patterns such as ["/static/*"]: each begins with /, * stands for anything',
            effect="Paths below `paths` that nobody waits for: static files, health checks.",
        ),
    ] = ()
    hosts: Annotated[
        tuple[str, ...],
        Setting(
            allowed='host names such as ["daftar.example.go.id"], without scheme, port or path',
            effect="Only requests for these hosts belong to the room.",
            reason="Any host.",
        ),
    ] = ()
    origin: Annotated[
        str,
        Setting(
            allowed="an address such as http://127.0.0.1:8081, without path or query",
            effect="The protected site: where admitted visitors' requests are sent.",
        ),
    ]
    name: Annotated[
        str,
        Field(min_length=1, max_length=100),
        Setting(
            allowed="1 to 100 characters",
            effect="The title people read on the waiting page.",
            reason="The id.",
        ),
    ] = Field(default_factory=lambda data: str(data.get("id", "")).replace("-", " ").capitalize())
    rate_per_minute: Annotated[
        StrictFloat,
        Setting(
            allowed="a number from 0 to 1000000",
            effect="First admission rate, visitors a minute. Later: `antrean room set ID --rate N`.",
            reason="One a second, which any site bears until its real limit has been measured.",
        ),
    ] = 60.0
    ceiling: Annotated[
        StrictInt,
        Setting(
            allowed="a whole number from 0 to 10000000",
            effect="First ceiling, most visitors inside at once. Later: `antrean room set ID --ceiling N`.",
            reason="About eight minutes of the default rate, enough for a form.",
        ),
    ] = 500
    poll_max_s: Annotated[
        StrictInt,
        Field(ge=5, le=300),
        Setting(
            allowed="5 to 300 seconds",
            effect="Longest pause between looks at the pulse. More is cheaper; rate rises then take longer.",
            reason="The far end of a long line costs little, and a rate rise arrives within 90 s.",
        ),
    ] = 60
    queue_status: Annotated[
        Literal[200, 202, 429, 503],
        Setting(
            allowed="200, 202, 429 or 503",
            effect="HTTP status of the waiting page.",
            reason="The only one that every old browser and proxy shows unaltered.",
        ),
    ] = 200
    on_store_loss: Annotated[
        Literal["hold", "admit"],
        Setting(
            allowed='"hold" or "admit"',
            effect="While the store is away: hold everybody, or admit at each worker's share of the rate.",
            reason="The site behind is never asked to bear more than it was promised.",
        ),
    ] = "hold"
    default_language: Annotated[
        Literal["id", "en"],
        Setting(allowed='"id" or "en"', effect="The page's language when the browser prefers none of ours."),
    ] = "id"

    check_paths = field_validator("paths", mode="after")(checks.paths)
    check_except = field_validator("except_", mode="after")(checks.patterns)
    check_hosts = field_validator("hosts", mode="after")(checks.hosts)
    check_origin = field_validator("origin", mode="after")(checks.origin)
    check_rate = field_validator("rate_per_minute", mode="after")(checks.rate)
    check_ceiling = field_validator("ceiling", mode="after")(checks.ceiling)


def sample_room(registration_port: int = 8081) -> RoomSettings:
    """The room in front of the sample registration app, when no file says otherwise."""
    return RoomSettings(
        id="registration",
        except_=("/static/*", "/health"),
        origin=f"http://127.0.0.1:{registration_port}",
    )
