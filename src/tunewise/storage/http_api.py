"""The description of the server's requests, as OpenAPI 3.1."""

from __future__ import annotations

from tunewise.types import Json

API = "v1"

_TEXT = {"type": "string", "pattern": "^[^\\u0000]*$"}
_STUDY = {**_TEXT, "description": "The name of the study."}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
_BATCH = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "array", "minItems": 1, "prefixItems": [{"type": "string"}]},
    "description": "Facts, each as [kind, field, ...]; see tunewise.events.",
}
_ERROR = {
    "type": "object",
    "required": ["error", "message"],
    "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
}
_PROBLEMS = {
    "401": "The token is missing or wrong.",
    "404": "There is no such study.",
    "413": "The request is too large.",
    "422": "Something has the wrong type.",
    "500": "The storage is damaged or foreign.",
    "503": "The storage does not answer just now; send the request again.",
}


def openapi() -> Json:
    """The description, as JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tunewise serve",
            "version": API,
            "description": "The log of a tunewise storage over HTTP.",
        },
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
        },
        "paths": {
            "/health": {
                "get": _request(
                    "health", "Whether the server is there.", {"api": {"type": "string"}}, open_=True
                )
            },
            "/openapi.json": {
                "get": _request("describe", "This description.", {"openapi": {"type": "string"}}, open_=True)
            },
            f"/{API}/studies": {
                "get": _request(
                    "studies", "The names of all studies.", {"studies": _list({"type": "string"})}
                )
            },
            f"/{API}/read": {
                "post": _request(
                    "read",
                    "The batches from a position on; null for a damaged one. Ask on while there is more.",
                    {"batches": _list({"type": ["array", "null"]}), "more": {"type": "boolean"}},
                    {"study": _STUDY, "start": _COUNT},
                )
            },
            f"/{API}/append": {
                "post": _request(
                    "append",
                    "Append a batch; at=0 creates the study. Sent again with the same op, it is written once.",
                    {"end": _COUNT},
                    {"study": _STUDY, "events": _BATCH},
                    {
                        "at": {**_COUNT, "type": ["integer", "null"]},
                        "durable": {"type": "boolean"},
                        "op": {**_TEXT, "type": ["string", "null"], "minLength": 1, "maxLength": 100},
                    },
                    more={"409": "The position is taken."},
                )
            },
            f"/{API}/beat": {
                "post": _request(
                    "beat",
                    "Write (or with null erase) the stamp of a worker, and give all, or with look=false none.",
                    {"stamps": {"type": "object", "additionalProperties": {"type": "string"}}},
                    {"study": _STUDY, "worker": {**_TEXT, "maxLength": 200}},
                    {
                        "stamp": {**_TEXT, "type": ["string", "null"], "maxLength": 1000},
                        "look": {"type": ["boolean", "null"]},
                    },
                )
            },
            f"/{API}/delete": {
                "post": _request("delete", "Remove a study and all its facts.", {}, {"study": _STUDY})
            },
        },
    }


def _request(
    name: str,
    summary: str,
    answer: Json,
    needed: Json | None = None,
    optional: Json | None = None,
    more: dict[str, str] | None = None,
    open_: bool = False,
) -> Json:
    described: Json = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": "Done.", "content": _content({"type": "object", "properties": answer})},
        },
    }
    if open_:
        described["security"] = []
        return described
    for status, text in {**_PROBLEMS, **(more or {})}.items():
        described["responses"][status] = {
            "description": text,
            "content": _content({"$ref": "#/components/schemas/Error"}),
        }
    if needed is not None:
        body = {"type": "object", "required": list(needed), "properties": {**needed, **(optional or {})}}
        described["requestBody"] = {"required": True, "content": _content(body)}
    return described


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}
