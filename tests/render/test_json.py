"""The report as JSON, held against its published schema."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from jsonschema import Draft202012Validator

from auditor import Report
from auditor._report import SCHEMA_VERSION


@pytest.fixture(scope="module")
def schema() -> dict:
    return json.loads(resources.files("auditor.render").joinpath("schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["clean", "failed", "hostile"])
@pytest.mark.parametrize("timings", [False, True])
def test_reports_fit_the_schema(
    name: str, timings: bool, schema: dict, request: pytest.FixtureRequest
) -> None:
    Draft202012Validator.check_schema(schema)
    data = json.loads(request.getfixturevalue(name).to_json(timings=timings))
    Draft202012Validator(schema).validate(data)


def objects_in(schema: dict) -> list[dict]:
    return [schema, *(part for part in schema["$defs"].values() if part.get("type") == "object")]


def test_the_schema_names_every_key(schema: dict) -> None:
    """Nothing can be added to a report without being described."""
    for part in objects_in(schema):
        if part.get("properties"):
            assert part["additionalProperties"] is False
            assert set(part["required"]) <= set(part["properties"])
            assert all("description" in p or "$ref" in p for p in part["properties"].values())
    assert schema["properties"]["schema_version"]["const"] == SCHEMA_VERSION


@pytest.mark.parametrize("gone", ["ok", "counts", "outcomes"])
def test_the_schema_refuses_what_is_no_report(gone: str, schema: dict, clean: Report) -> None:
    data = clean.to_dict()
    del data[gone]
    assert not Draft202012Validator(schema).is_valid(data)
