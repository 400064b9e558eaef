"""The browser's transport on locust's fast client, so that locust's own statistics show every call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, cast
from urllib.request import Request

from locust.contrib.fasthttp import FastHttpSession

from loadtests.browser import RawReply


class _Policy(DefaultCookiePolicy):
    """Keeps all cookies of the site, except those whose name starts in a refused way."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: tuple[str, ...] = ()

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        if cookie.name.removeprefix("__Host-").startswith(self.refused or ("\0",)):
            return False
        return super().set_ok(cookie, request)


class LocustTransport:
    """One visitor's connection and cookies."""

    def __init__(self, client: FastHttpSession) -> None:
        self._client = client
        self._policy = _Policy()
        client.cookiejar.set_policy(self._policy)
        # Statuses are judged by the visitor, body in hand; the client would throw the body away.
        client.client.valid_response_codes = frozenset(range(100, 600))  # type: ignore[misc]

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        name: str,
        ok: Collection[int],
    ) -> RawReply:
        with self._client.request(
            method,
            url,
            name=name,
            data=cast(str, body),  # its annotation forgets bytes
            headers=dict(headers),
            catch_response=True,
            allow_redirects=False,
        ) as response:
            raw = _raw(response)
            if raw.error or raw.status not in ok:
                response.failure(raw.error or f"status {raw.status}")
            else:
                response.success()
        return raw

    def cookies(self) -> dict[str, str]:
        jar: CookieJar = self._client.cookiejar
        return {cookie.name: cookie.value or "" for cookie in jar}

    def refuse_cookies(self, prefix: str) -> None:
        self._policy.refused = (*self._policy.refused, prefix)

    def close(self) -> None:
        """Give the connection back: a visitor who has gone holds none."""
        self._client.client.close()


def _raw(response: Any) -> RawReply:
    error = getattr(response, "error", None) or response.request_meta.get("exception")
    if not response.status_code:
        return RawReply(0, {}, "", error=f"{type(error).__name__}")
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    return RawReply(response.status_code, headers, response.text or "")
