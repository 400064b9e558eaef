"""The pages: the form, the card, the check of a card."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from registration_app import card, csrf, forms, nik
from registration_app.database import Database
from registration_app.errors import (
    Busy,
    CrossSiteForm,
    DatabaseUnreachable,
    InvalidForm,
    NikTaken,
    Problem,
    UnprovenForm,
    UnreadableForm,
)
from registration_app.examples import example
from registration_app.in_flight import InFlight
from registration_app.languages import N_, OFFICE_TIME
from registration_app.models import Formation, RehearsedRegistration
from registration_app.registrations import Receipt, Registrations, new_key
from registration_app.rendering import Renderer

log = structlog.get_logger("registration")

LONGEST_KEY = 64
FARTHEST_EXPIRY_S = 24 * 3600

UNPROVEN = N_(
    "We could not make sure that this form came from your browser. "
    "Please allow cookies for this site, enter your password and send again."
)
TAKEN = N_(
    "This NIK is already registered. If it was you, send exactly the same data and password again to see "
    "your number. If it was not you, please contact the help desk."
)
BUSY = N_("Many are registering at this moment. What you wrote is kept: enter your password and send again.")
UNREACHABLE = N_(
    "The registration could not be saved just now. It is not your fault, and what you wrote is kept: "
    "enter your password and send again in a minute."
)


@dataclass(frozen=True)
class Site:
    """Everything the pages need, put together by ``app``."""

    database: Database
    registrations: Registrations
    rehearsed: Registrations  # those of rehearsals, in a table of their own
    renderer: Renderer
    csrf: csrf.Csrf
    public_url: str | None
    formations: dict[str, Formation]  # filled at start
    in_flight: InFlight


class Pages:
    """The endpoints of a site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [
            Route("/", self.form, methods=["GET"]),
            Route("/", self.submit, methods=["POST"]),
            Route("/card/{key:str}", self.card, methods=["GET"]),
            Route("/check/{code:str}", self.check, methods=["GET"]),
            Route("/still-here", self.still_here, methods=["GET"]),
            Route("/health", self.health, methods=["GET"]),
        ]

    async def form(self, request: Request) -> Response:
        """The empty form, or an example's."""
        values = {}
        if request.query_params.get("example") == "1":
            values = example(list(self._site.formations), _today())
        return self._form_page(request, values)

    async def submit(self, request: Request) -> Response:
        """Register and lead to the card; anything else leads back to the form, filled in as it was."""
        try:
            fields = await forms.read_form(request)
            self._site.csrf.check(request, fields.get(csrf.FIELD, ""))
        except UnreadableForm as exc:
            response = self._site.renderer.error(request, exc.status)
            response.headers["Connection"] = "close"  # what is still on its way is not read
            return response
        except CrossSiteForm as exc:
            log.warning("a form from another site was refused", reason=str(exc))
            return self._site.renderer.error(request, 403)
        except UnprovenForm:
            return self._form_page(request, fields, status=403, banner=UNPROVEN)
        if "language" in fields:
            return self._form_page(request, fields, chosen=fields["language"])
        return await self._registered(request, fields)

    async def card(self, request: Request) -> Response:
        """The card, whole in one answer: with it the visit is over and the pass with it."""
        registration = await self._registrations(request).by_card_key(request.path_params["key"])
        if registration is None:
            return self._site.renderer.error(request, 404)
        url = card.check_url(request, self._site.public_url, registration.check_code)
        title = self._site.renderer.language(request).text(N_("QR code to check this card"))
        response = self._site.renderer.page(
            request,
            "card.html",
            registration=registration,
            formation=self._site.formations[registration.formation_code],
            masked_nik=nik.Nik(registration.nik).masked,
            qr=card.qr_svg(url, title),
            is_changed_again="changed" in request.query_params,
        )
        if request.method == "GET":
            response.headers["Antrean-Finished"] = "1"
        return response

    async def check(self, request: Request) -> Response:
        """What the QR code leads to: whether the card is genuine, and little of whose it is."""
        registration = await self._site.registrations.by_check_code(request.path_params["code"])
        return self._site.renderer.page(
            request,
            "check.html",
            status=200 if registration else 404,
            registration=registration,
            formation=self._site.formations[registration.formation_code] if registration else None,
            masked_nik=nik.Nik(registration.nik).masked if registration else "",
            masked_name=card.masked_name(registration.name) if registration else "",
        )

    async def still_here(self, request: Request) -> Response:
        """A request that keeps the visitor's pass alive, with when it ends now (Unix seconds).

        ``visitor``: who the gate says that this is. Nothing secret: its line, and the number on the waiting page.
        """
        visitor = request.state.visitor
        said = {"pass_expires_at_s": _pass_expires_at_s(request), "visitor": visitor.id if visitor else None}
        return JSONResponse(said)

    async def health(self, request: Request) -> Response:
        """200 when registrations can be kept: how many there are, real and rehearsed, how busy it is; else 503."""
        try:
            count = await self._site.database.count()
            rehearsed = await self._site.database.count(RehearsedRegistration)
        except DatabaseUnreachable:
            return JSONResponse({"status": "database unreachable"}, 503)
        counts = self._site.in_flight
        busy = {"in_flight": counts.now, "most_in_flight": counts.most}
        return JSONResponse({"status": "ok", "registrations": count, "rehearsed": rehearsed, **busy})

    def _registrations(self, request: Request) -> Registrations:
        """Where this visitor's registration belongs."""
        visitor = request.state.visitor
        return self._site.rehearsed if visitor and visitor.rehearsal else self._site.registrations

    async def _registered(self, request: Request, fields: Mapping[str, str]) -> Response:
        try:
            application = forms.check(fields, self._site.formations, _today())
            visitor = request.state.visitor
            receipt = await self._registrations(request).register(
                application, _key(fields), visitor.id if visitor else None
            )
        except InvalidForm as exc:
            return self._form_page(request, fields, status=422, problems=exc.problems)
        except NikTaken:
            return self._form_page(request, fields, status=409, banner=TAKEN)
        except Busy as exc:
            response = self._form_page(request, fields, status=503, banner=BUSY)
            response.headers["Retry-After"] = str(exc.retry_after_s)
            return response
        except DatabaseUnreachable as exc:
            log.error("a registration could not be kept", reason=str(exc))
            return self._form_page(request, fields, status=503, banner=UNREACHABLE)
        return _to_card(receipt)

    def _form_page(
        self,
        request: Request,
        values: Mapping[str, str],
        *,
        status: int = 200,
        banner: str | None = None,
        problems: Mapping[str, Problem] | None = None,
        chosen: str | None = None,
    ) -> Response:
        cookie, field = self._site.csrf.issue(request)
        is_sent = request.method == "POST"
        response = self._site.renderer.page(
            request,
            "form.html",
            status=status,
            chosen=chosen,
            values={name: values.get(name, "") for name in forms.FIELDS},
            # What was typed as a password never goes back out; an example's was not typed.
            password="" if is_sent else values.get("password", ""),
            password_again=bool(chosen and values.get("password")),
            problems=problems or {},
            banner=banner,
            csrf=field,
            key=_key(values),
            agencies=_by_agency(self._site.formations),
            birth_date_between=_birth_dates(_today()),
            pass_expires_at_s=_pass_expires_at_s(request),
            now_s=int(time.time()),
            limits=forms,
        )
        self._site.csrf.set_cookie(request, response, cookie)
        return response


def _to_card(receipt: Receipt) -> Response:
    registration = receipt.registration
    if receipt.is_new:
        log.info("registered", number=registration.number, visitor=registration.visitor)
    changed = "" if receipt.is_unchanged else "?changed"
    return RedirectResponse(f"/card/{registration.card_key}{changed}", 303)


def _key(fields: Mapping[str, str]) -> str:
    """The form's idempotency key; a form without a usable one is a form of its own."""
    key = fields.get("key", "")
    return key if 20 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() else new_key()


def _pass_expires_at_s(request: Request) -> int | None:
    """When the gate will close behind this visitor; None when the gate said nothing that makes sense."""
    text = request.headers.get("antrean-pass-expires", "")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return None
    expires_at_s = int(text)
    return expires_at_s if 0 < expires_at_s - time.time() < FARTHEST_EXPIRY_S else None


def _today() -> date:
    """Today where the office is: age is counted there."""
    return datetime.now(UTC).astimezone(OFFICE_TIME).date()


def _birth_dates(today: date) -> tuple[date, date]:
    """Earliest and latest date that the form lets one choose; the exact rule is checked after sending."""
    return date(today.year - forms.OLDEST_YEARS, 1, 1), date(today.year - forms.YOUNGEST_YEARS, 12, 31)


def _by_agency(formations: Mapping[str, Formation]) -> dict[str, list[Formation]]:
    ordered = sorted(formations.values(), key=lambda formation: (formation.agency, formation.code))
    return {agency: list(posts) for agency, posts in groupby(ordered, key=lambda formation: formation.agency)}
