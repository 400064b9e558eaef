"""The browser's transport on locust's fast client, so that locust's own statistics show every call."""

from __future__ import annotations

from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, cast
from urllib import request as urllib_request

from locust.contrib.fasthttp import FastHttpSession

from loadtests.browser import RawReply, Request


class _Policy(DefaultCookiePolicy):
    """Keeps all cookies of the site, except those whose name starts in a refused way."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: tuple[str, ...] = ()

    def set_ok(self, cookie: Cookie, request: urllib_request.Request) -> bool:
        if cookie.name.removeprefix("__Host-").startswith(self.refused or ("\0",)):
            return False
        return super().set_ok(cookie, request)


class LocustTransport:
    """One browser's connection and cookies."""

    def __init__(self, client: FastHttpSession) -> None:
        self._client = client
        self._policy = _Policy()
        self._others: list[LocustTransport] = []
        client.cookiejar.set_policy(self._policy)
        # Statuses are judged by the visitor, body in hand; the client would throw the body away.
        client.client.valid_response_codes = frozenset(range(100, 600))

    def send(self, request: Request) -> RawReply:
        with self._client.request(
            request.method,
            request.url,
            name=request.name,
            data=cast(str, request.body),  # its annotation forgets bytes
            headers=dict(request.headers),
            catch_response=True,
            allow_redirects=False,
        ) as response:
            raw = _raw(response)
            if raw.error or raw.status not in request.ok:
                response.failure(raw.error or f"status {raw.status}")
            else:
                response.success()
        return raw

    def cookies(self) -> dict[str, str]:
        jar: CookieJar = self._client.cookiejar
        return {cookie.name: cookie.value or "" for cookie in jar}

    def refuse_cookies(self, prefix: str) -> None:
        self._policy.refused = (*self._policy.refused, prefix)

    def another(self) -> LocustTransport:
        user: Any = self._client.user
        session = FastHttpSession(
            base_url=self._client.base_url,
            request_event=self._client.request_event,
            user=user,
            network_timeout=user.network_timeout,
            connection_timeout=user.connection_timeout,
            concurrency=1,
        )
        self._others.append(LocustTransport(session))
        return self._others[-1]

    def copy_cookies(self, other: LocustTransport, prefix: str) -> None:
        for cookie in other._client.cookiejar:
            if cookie.name.removeprefix("__Host-").startswith(prefix):
                self._client.cookiejar.set_cookie(cookie)

    def close(self) -> None:
        """Give the connections back: a visitor who has gone holds none."""
        for transport in (self, *self._others):
            transport._client.client.close()


def _raw(response: Any) -> RawReply:
    error = getattr(response, "error", None) or response.request_meta.get("exception")
    error = getattr(error, "original", None) or error  # what was behind giving up
    if not response.status_code:
        return RawReply(0, {}, "", error=f"{type(error).__name__}")
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    return RawReply(response.status_code, headers, response.text or "")
