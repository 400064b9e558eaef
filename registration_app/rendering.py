"""From a template to a response: language, styles, and the nonce of the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from registration_app import languages
from registration_app.languages import N_, Language, load_languages

HERE = Path(__file__).parent
STATIC = HERE / "static"
YEAR_S = 365 * 24 * 3600

ERRORS: Mapping[int, tuple[str, str]] = {
    400: (
        N_("This could not be read"),
        N_("What arrived was not a complete form. Please go back and send it again."),
    ),
    403: (
        N_("This form came from another page"),
        N_("For your protection, forms are accepted only from this site. Please open the form here."),
    ),
    404: (N_("There is nothing at this address"), N_("Please check the address, or begin at the form.")),
    405: (N_("This page cannot be used in that way"), N_("Please begin at the form.")),
    408: (
        N_("The form took too long to arrive"),
        N_("The connection may be weak. Please go back and send it again."),
    ),
    413: (N_("The form is too large"), N_("Please shorten what you wrote and send it again.")),
    415: (
        N_("This could not be read"),
        N_("What arrived was not a form of this site. Please open the form here."),
    ),
    500: (N_("Something went wrong here"), N_("It is not your fault. Please try again in a minute.")),
    503: (
        N_("The service is not available right now"),
        N_("It is not your fault. Please try again in a minute."),
    ),
}

NOT_THROUGH_GATE = (
    N_("Please come in through the waiting room"),
    N_(
        "This service is open to visitors whom the waiting room has let in. Your place there is not affected."
    ),
)


class Renderer:
    """Renders pages in the visitor's language."""

    def __init__(self, public_url: str | None) -> None:
        self._languages = load_languages()
        self._home = public_url or "/"
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        styles = (STATIC / "registration.css").read_text("utf-8")
        self._environment.globals.update(
            inline_styles=Markup(styles),  # noqa: S704 - our own file
            version=_version(),
            language_names=languages.NAMES,
        )

    def language(self, request: Request, chosen: str | None = None) -> Language:
        """The language to answer in; ``chosen`` comes before what address, cookie and browser say."""
        asked = chosen or request.query_params.get("lang")
        remembered = request.cookies.get(languages.COOKIE)
        code = languages.choose(asked, remembered, request.headers.get("accept-language", ""))
        return self._languages[code]

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        chosen: str | None = None,
        **context: object,
    ) -> HTMLResponse:
        """The template as a response; a language asked for is remembered."""
        language = self.language(request, chosen)
        text = self._environment.get_template(template).render(
            language=language, _=language.text, nonce=request.state.nonce, path=request.url.path, **context
        )
        response = HTMLResponse(
            text, status, {"Content-Language": language.code, "Vary": "Accept-Language, Cookie"}
        )
        if language.code in (chosen, request.query_params.get("lang")):
            response.set_cookie(
                languages.COOKIE, language.code, max_age=YEAR_S, httponly=True, samesite="lax", path="/"
            )
        return response

    def error(self, request: Request, status: int, texts: tuple[str, str] | None = None) -> HTMLResponse:
        """A friendly page for a status, in the visitor's language."""
        heading, explanation = texts or ERRORS.get(status, ERRORS[500 if status >= 500 else 400])
        return self.page(
            request, "error.html", status=status, heading=heading, explanation=explanation, home=self._home
        )


def _version() -> str:
    """Changes with the files, so that browsers may keep each version for ever."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
