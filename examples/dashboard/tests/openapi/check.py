"""Holds a running dashboard against its OpenAPI document, and the document against the specification.

usage: check.py ADDRESS   (such as http://127.0.0.1:8080)
"""

import json
import sys
from urllib.request import urlopen

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

# what a page asks for beside its defaults: rows that are compared with earlier days are another shape
QUERIES = ["", "?compare=year_before", "?compare=previous_period&gone=true&by=group&granularity=month"]


def get(url):
    with urlopen(url, timeout=20) as answer:
        return json.load(answer)


def main(address):
    document = get(f"{address}/api/openapi.json")
    validate(document)
    ids = {part: get(f"{address}/api/{part}")[0]["id"] for part in ("output-ports", "tech-assets", "consumers")}
    answers = rows = 0
    for path, item in document["paths"].items():
        operation = item["get"]
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**document, **schema})
        for query in QUERIES if "compare" in names else [""]:
            url = address + path.replace("{id}", ids.get(path.split("/")[2], "")) + query
            answer = get(url)
            for error in validator.iter_errors(answer):
                sys.exit(f"{url}: {error.message} at {error.json_path}")
            answers += 1
            rows += len(answer.get("rows", [])) if isinstance(answer, dict) else len(answer)
    if rows < 100:
        sys.exit(f"{rows} rows in all answers: nothing was shown")
    print(f"{answers} answers with {rows} rows are as the document of {len(document['paths'])} paths says")


main(sys.argv[1])
