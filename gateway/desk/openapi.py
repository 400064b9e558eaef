"""The API's own description, served at ``/api/openapi.json``. Tests hold it against routes and answers."""

from __future__ import annotations

from gateway.desk.openapi_parts import Schema, parameter, parameters, ref, responses, schemas


def document() -> Schema:
    """The OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antrean: the operator's desk",
            "version": "1",
            "description": (
                "Read and change waiting rooms. Every change is checked, has a revision, and leaves an audit "
                "entry that can be undone. Problems are application/problem+json with one stable `reason`."
            ),
        },
        "security": [{"token": []}, {"session": [], "csrf": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": _security(),
            "schemas": schemas(),
            "parameters": parameters(),
            "responses": responses(),
        },
    }


def _security() -> Schema:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "made by `antrean desk token NAME --role viewer` or `--role operator`",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": "antrean-desk", "description": "after sign-in"},
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "Antrean-CSRF",
            "description": "with a session, on whatever changes something; not needed with a token",
        },
    }


def _paths() -> Schema:
    room, ticket = "/api/rooms/{room}", "/api/rooms/{room}/tickets/{number}"
    return {
        "/api/openapi.json": {"get": _call("This document", {"type": "object"})},
        "/api/rooms": {"get": _call("Every room", ref("Rooms"))},
        room: {
            "parameters": [parameter("room")],
            "get": _call("One room, now", ref("Room"), "404", "503"),
            "patch": _call(
                "Change knobs; in effect on every worker within a second",
                ref("Room"),
                *("400", "404", "409", "412", "413", "415", "422", "503"),
                body=ref("Changes"),
                asking=[parameter("if_match")],
            ),
        },
        room + "/audit": {
            "parameters": [parameter("room"), parameter("most")],
            "get": _call("The latest changes, newest first", ref("Audit"), "404", "422", "503"),
        },
        room + "/undo/{revision}": {
            "parameters": [parameter("room"), parameter("revision")],
            "post": _call(
                "Take one change back, as a change of its own",
                ref("Room"),
                *("400", "404", "409", "413", "415", "422", "503"),
                body=ref("Reason"),
                body_required=False,
            ),
        },
        ticket: {
            "parameters": [parameter("room"), parameter("number")],
            "get": _call("Where a ticket is", ref("Ticket"), "404", "422", "503"),
        },
        ticket + "/withdraw": {
            "parameters": [parameter("room"), parameter("number")],
            "post": _call("Give a place up", ref("Ticket"), "404", "413", "422", "503"),
        },
        ticket + "/reinstate": {
            "parameters": [parameter("room"), parameter("number")],
            "post": _call("Give a withdrawn place back", ref("Ticket"), "404", "409", "413", "422", "503"),
        },
        room + "/what-if": {
            "parameters": [parameter("room"), parameter("rate")],
            "get": _call("What another rate would bring", ref("WhatIf"), "404", "422", "503"),
        },
        room + "/steering": {
            "parameters": [parameter("room")],
            "put": _call(
                "Let a ramp or the autopilot turn the rate",
                ref("Room"),
                *("400", "404", "413", "415", "422", "503"),
                body=ref("Order"),
            ),
            "delete": _call("Turn the rate by hand again, at once", ref("Room"), "404", "409", "413", "503"),
        },
        room + "/events": {
            "parameters": [parameter("room"), parameter("format")],
            "get": _call(
                "What happened to the room: samples of every ten seconds, and the changes",
                ref("Events"),
                *("404", "422", "503"),
                csv=True,
            ),
        },
        room + "/staff-pass": {
            "parameters": [parameter("room")],
            "post": _call(
                "A pass for staff, shown once",
                ref("StaffPass"),
                *("400", "404", "413", "415", "422", "503"),
                body=ref("StaffPassOrder"),
                body_required=False,
            ),
        },
        room + "/openings": {
            "parameters": [parameter("room")],
            "get": _call("The opening under way and those to come", ref("Openings"), "404", "503"),
            "post": _call(
                "Announce an opening: its line begins at once, or when the openings before it are over",
                ref("Openings"),
                *("400", "404", "413", "415", "422", "503"),
                body=ref("OpeningOrder"),
            ),
        },
        room + "/openings/{opening}": {
            "parameters": [parameter("room"), parameter("opening")],
            "delete": _call("Call off an opening to come", ref("Openings"), "404", "413", "422", "503"),
        },
        room + "/entropy": {
            "parameters": [parameter("room")],
            "post": _call(
                "Enter the public value that was announced for the draw: once, after the freeze, for good",
                ref("Openings"),
                *("400", "404", "413", "415", "422", "503"),
                body=ref("Entropy"),
            ),
        },
        room + "/new-line": {
            "parameters": [parameter("room")],
            "post": _call(
                "A line from number 1, at once or for an opening: those in line lose their place, for good",
                ref("Room"),
                *("400", "404", "413", "415", "422", "503"),
                body=ref("NewLine"),
                body_required=False,
            ),
        },
    }


def _call(
    summary: str,
    answer: Schema,
    *problems: str,
    body: Schema | None = None,
    body_required: bool = True,
    asking: list[Schema] | None = None,
    csv: bool = False,
) -> Schema:
    refusals = ("401", "403", *problems)
    call: Schema = {
        "summary": summary,
        "responses": {
            "200": {"description": "done", "content": {"application/json": {"schema": answer}}},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in refusals},
        },
    }
    if csv:
        call["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    if body is not None:
        call["requestBody"] = {"required": body_required, "content": {"application/json": {"schema": body}}}
    if asking:
        call["parameters"] = asking
    return call
