"""What Ray and the provider themselves say of a cluster file; neither is asked over a network.

Ray's schema stops at `node_config`, which it passes on; EC2's own model of the request, which
boto3 brings along, goes on from there, to the names of instance types.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import json
import logging
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from study.cluster.check.document import Document, Fault, Place

KINDS: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}
"""The Python types of botocore's; what is not named here (times, bytes) is not looked at."""
OF_RAY = {"SubnetIds": "string"}  # keys of a node_config that Ray takes out, all of them lists
NOT_IN_SCHEMA = {"local": {"min_workers"}}  # by provider: keys that Ray takes out before it looks


def by_ray_schema(document: Document) -> Iterator[Fault]:
    """Where the file does not fit Ray's schema."""
    import jsonschema  # here: it comes with ray[default], as does the schema

    skipped = NOT_IN_SCHEMA.get(str(document.get("provider", "type")), set())
    config = {key: value for key, value in document.config.items() if key not in skipped}
    schema = json.loads((ray_folder() / "autoscaler" / "ray-schema.json").read_text())
    for error in jsonschema.Draft7Validator(schema).iter_errors(config):
        place, rule = tuple(error.absolute_path), error.validator
        if rule == "additionalProperties":
            known = error.schema.get("properties", {})
            for key in error.instance.keys() - known.keys():
                yield document.fault((*place, key), f"Ray knows no such key{meant(key, known)}")
        elif rule == "required":
            for key in [key for key in error.validator_value if key not in error.instance]:
                yield document.fault((*place, key), "is missing; Ray requires it")
        elif rule == "type":
            yield document.fault(place, f"must be of type {error.validator_value}, says Ray")
        else:
            yield document.fault(place, f"{error.message}, says Ray")


def by_ray(document: Document) -> Iterator[Fault]:
    """What Ray finds when it fills in its defaults and looks once more. Imports ray."""
    from ray.autoscaler._private import util  # there is no public check

    util.logger.setLevel(logging.WARNING)  # it tells of every default that it fills in
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            util.validate_config(util.prepare_config(document.config))
    except Exception as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        yield document.fault((), f"refused by Ray: {said[0]}")


def ray_folder() -> Path:
    """Where ray is installed; it is not imported."""
    spec = find_spec("ray")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("ray is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0])


def has_boto() -> bool:
    return find_spec("botocore") is not None


def by_ec2(document: Document) -> Iterator[Fault]:
    """Where a node_config does not fit EC2's model of RunInstances. Needs boto3."""
    request = _run_instances()
    for place, config in document.node_configs():
        for key in OF_RAY.keys() & config.keys():
            if not isinstance(config[key], list):
                yield document.fault((*place, key), "must be a list, says Ray")
        asked = {key: value for key, value in config.items() if key not in OF_RAY}
        # how many there are to be is Ray's to say
        required = set(request.required_members) - {"MinCount", "MaxCount"}
        for where, rule in _misfits(asked, request, place, required):
            yield document.fault(where, rule)


@functools.cache
def _run_instances() -> Any:
    """botocore's description of what EC2 accepts; reading it takes half a second."""
    session = import_module("botocore.session")  # which not everybody has
    return (
        session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape
    )


def _misfits(
    value: Any, shape: Any, place: Place, required: Iterable[str]
) -> Iterator[tuple[Place, str]]:
    """Places in `value` that do not fit botocore's `shape`, and what EC2 expects there."""
    kind = shape.type_name
    if not _is_of(value, kind):
        yield place, f"must be of type {kind}, says EC2's request model"
    elif kind == "structure":
        for key in [key for key in required if key not in value]:
            yield (*place, key), "is missing; EC2's request model requires it"
        for key, item in value.items():
            inner = shape.members.get(key)
            if inner is None:
                hint = meant(key, shape.members)
                yield (*place, key), f"EC2's request model has no such field{hint}"
            else:
                yield from _misfits(
                    item, inner, (*place, key), getattr(inner, "required_members", ())
                )
    elif kind == "list":
        inner = shape.member
        for index, item in enumerate(value):
            yield from _misfits(
                item, inner, (*place, index), getattr(inner, "required_members", ())
            )
    elif kind == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        yield place, f"not among the {len(shape.enum)} that boto3 knows{meant(value, shape.enum)}"


def _is_of(value: object, kind: str) -> bool:
    """Whether a value is of botocore's kind; True is no integer here, though Python says so."""
    expected = KINDS.get(kind)
    if expected is None:
        return True
    return isinstance(value, expected) and (kind == "boolean" or not isinstance(value, bool))


def meant(word: str, known: Iterable[str]) -> str:
    """A question after a known word that is close to the unknown one; else nothing."""
    close = difflib.get_close_matches(str(word), [str(one) for one in known], n=1)
    return f"; is {close[0]!r} meant?" if close else ""
