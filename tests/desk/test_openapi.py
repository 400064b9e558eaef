"""The document is true: it names every route and method, and answers are as it says."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from gateway.desk.app import build
from gateway.desk.openapi import document
from gateway.settings import Settings

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "object": dict, "array": list, "boolean": bool,
    "null": type(None),
}  # fmt: skip


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        part: Any = document()
        for name in schema["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        schema = part
    return schema


def check(value: Any, schema: dict[str, Any], where: str = "") -> None:
    """Just as much of JSON Schema as the document uses; what it does not know, it refuses."""
    schema = resolve(schema)
    known = {"type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum",
             "maxLength", "description", "anyOf", "default"}  # fmt: skip
    assert set(schema) <= known, f"{where}: teach this test {set(schema) - known}"
    if "anyOf" in schema:
        errors = []
        for option in schema["anyOf"]:
            try:
                return check(value, option, where)
            except AssertionError as error:
                errors.append(str(error))
        raise AssertionError(errors)
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        assert any(isinstance(value, TYPES[name]) for name in names), f"{where}: {value!r} is not {names}"
    if "minimum" in schema:
        assert value >= schema["minimum"], f"{where}: {value}"
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value), f"{where}: missing keys"
        properties = schema.get("properties", {})
        assert schema.get("additionalProperties", True) or set(value) <= set(properties), f"{where}: {set(value)}"
        for name, part in value.items():
            check(part, properties.get(name, {}), f"{where}.{name}")
    if isinstance(value, list):
        for part in value:
            check(part, schema.get("items", {}), f"{where}[]")
    return None


def test_it_names_every_route_and_method_and_no_other(settings: Settings) -> None:
    served = {
        (route.path, method.lower())
        for route in build(settings).routes
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (path, method) for path, calls in document()["paths"].items() for method in calls if method != "parameters"
    }
    assert served == described


async def test_what_it_says_of_answers_is_so(desk: Any, worker: Any) -> None:
    room = "/api/rooms/registration"
    await worker.line.set_knobs({"rate_per_minute": 0}, actor="tests")
    number = (await worker.line.join()).number
    _, changed = await desk.api("PATCH", room, {"message": {"id": "Halo"}, "phase": "paused"})
    calls = [
        ("GET", "/api/openapi.json", "/api/openapi.json"),
        ("GET", "/api/rooms", "/api/rooms"),
        ("GET", room, "/api/rooms/{room}"),
        ("PATCH", room, "/api/rooms/{room}"),
        ("GET", room + "/audit", "/api/rooms/{room}/audit"),
        ("POST", f"{room}/undo/{changed['revision']}", "/api/rooms/{room}/undo/{revision}"),
        ("POST", f"{room}/tickets/{number}/withdraw", "/api/rooms/{room}/tickets/{number}/withdraw"),
        ("GET", f"{room}/tickets/{number}", "/api/rooms/{room}/tickets/{number}"),
        ("POST", f"{room}/tickets/{number}/reinstate", "/api/rooms/{room}/tickets/{number}/reinstate"),
        ("POST", f"{room}/tickets/{number}/reinstate", "/api/rooms/{room}/tickets/{number}/reinstate"),
        ("GET", "/api/rooms/other", "/api/rooms/{room}"),
    ]
    for method, path, template in calls:
        body = {"ceiling": 501} if method == "PATCH" else None
        status, answer = await desk.api(method, path, body)
        described = document()["paths"][template][method.lower()]["responses"]
        assert str(status) in described, f"{method} {path} answered {status}"
        (content,) = resolve(described[str(status)])["content"].values()
        check(answer, content["schema"], f"{method} {path}")


async def test_it_is_served_as_it_is(desk: Any) -> None:
    status, served = await desk.api("GET", "/api/openapi.json")
    assert (status, served) == (200, document())
