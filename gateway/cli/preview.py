"""`antrean room preview`: a small server of this machine that shows every state of a room's page."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.visitor.look import Logo
from gateway.visitor.preview import index, state_page

if TYPE_CHECKING:
    from starlette.requests import Request

    from gateway.settings import RoomSettings


def serve(room: RoomSettings, port: int) -> None:
    """Until Ctrl-C. Exits with code 1 when the port is taken."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        typer.echo(f"port {port} cannot be used ({error.strerror}): give another one with --port", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Every state of {room.id}: http://127.0.0.1:{listener.getsockname()[1]}/  (Ctrl-C ends it)")
    uvicorn.Server(uvicorn.Config(preview_app(room), log_level="warning", lifespan="off")).run([listener])


def preview_app(room: RoomSettings) -> Starlette:
    """``/`` lists the states, ``/{language}/{view}`` shows one."""

    async def listing(request: Request) -> Response:
        return HTMLResponse(index(room))

    async def show(request: Request) -> Response:
        try:
            page = state_page(room, request.path_params["code"], request.path_params["view"])
        except KeyError:
            return HTMLResponse("There is no such state: see <a href='/'>the list</a>.", 404)
        response = Response(page.body)
        response.raw_headers = list(page.headers)
        return response

    async def logo(request: Request) -> Response:
        answer = await Logo(room)(request.scope, request.receive)
        response = Response(answer.body, answer.status)
        response.raw_headers = answer.headers
        return response

    routes = [Route("/", listing), Route("/{code}/{view}", show)]
    if room.logo:
        routes.insert(0, Route(f"/_queue/{room.id}/logo", logo))
    return Starlette(routes=routes)
