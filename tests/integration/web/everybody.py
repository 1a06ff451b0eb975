"""A check that Schemathesis loads: what it asks as one caller, the others ask too.

To think of a request takes it far longer than to send one, so the requests are made once. The
first of each operation are sent again with the headers of every other role, and each answer is
held against the document as the first one was. The environment gives `OTHERS`, the headers of each
role as JSON, and `ASKED`, the file that in the end says how often each operation was asked so.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import requests  # noqa: TID251 - the answers that Schemathesis holds against a document are its
import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

EACH = 3  # requests of an operation that all the others make, too
CREDENTIALS = ("Authorization", "Cookie")
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance, negative_data_rejection,
]  # fmt: skip

_roles: dict[str, dict[str, str]] = json.loads(os.environ["OTHERS"])
_sessions = {role: requests.Session() for role in _roles}
_made: Counter[str] = Counter()


@schemathesis.check
def everybody(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Each of the others gets an answer that the document describes."""
    label = case.operation.label
    if _made[label] >= EACH:
        return
    _made[label] += 1
    for role, headers in _roles.items():
        again = response.request.copy()
        for name in CREDENTIALS:
            again.headers.pop(name, None)
        again.headers.update(headers)
        answer = _sessions[role].send(again, timeout=30)
        case.validate_response(answer, checks=CHECKS)


atexit.register(lambda: Path(os.environ["ASKED"]).write_text(json.dumps(_made)))
