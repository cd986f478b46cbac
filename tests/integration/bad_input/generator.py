"""All cases of one fixture: its valid request made wrong in one place each, with the outcome that the table gives."""
import dataclasses

from . import bodies, headers, urls
from .expectations import expected

LEGACY = "legacyKeyAction"
WITHOUT_AUDIT = ("getHealth", "getReadiness")


@dataclasses.dataclass
class Case:
    fixture: object
    part: str        # "body", "path", "query", "header"
    place: str       # member, parameter or header
    mutation: str
    change: object   # valid request -> wrong request
    outcome: object

    @property
    def title(self):
        return f"{self.fixture.name}, {self.part} {self.place}: {self.mutation}"


class Generator:
    """`document`: as api_docs.load() gives it; `resolve` follows a $ref of it."""

    def __init__(self, api_docs, document, shared):
        self.resolve = lambda node: api_docs.resolve(document, node)
        self.rows = {operation["operationId"]: (path, method, operation, api_docs.parameters_of(document, item, operation))
                     for path, item, method, operation in api_docs.operations(document)}
        self.shared = shared

    def schema_of(self, fixture):
        """(schema, required) of the body; of a legacy action that of the call it stands for."""
        _, _, operation, _ = self.rows[fixture.operation]
        if fixture.operation == LEGACY:
            operation = self.rows[operation["x-keyhaven-query-actions"][fixture.name.partition("/")[2]]["operation"]][2]
        body = operation.get("requestBody")
        content = body and body["content"].get("application/json")
        return (self.resolve(content["schema"]), body.get("required", False)) if content else (None, False)

    def cases(self, fixture, valid):
        """Every case; each `change` makes its request from a valid one like `valid`, whatever the target is called."""
        for part, source in (("body", self.body_parts), ("path", self.path_parts), ("query", self.query_parts), ("header", self.header_parts)):
            names = set()
            for place, mutation, change, general in source(fixture, valid):
                assert (place, mutation) not in names, f"{fixture.name}: {part} {place} {mutation} comes twice"
                names.add((place, mutation))
                outcome = expected(fixture.name, fixture.operation, place, mutation, general)
                if outcome is None:
                    continue
                yield Case(fixture, part, place, mutation, change, outcome)

    def body_parts(self, fixture, valid):
        schema, required = self.schema_of(fixture)
        if schema is None or not isinstance(valid.body, dict):
            return
        for place, mutation, body, outcome in bodies.whole(schema, required):
            yield place, mutation, with_body(body), outcome
        for place, mutation, body, outcome in bodies.members(valid.body, schema, self.resolve):
            yield place, mutation, with_body(body), outcome

    def path_parts(self, fixture, valid):
        yield from urls.paths(fixture.kinds, valid.method in ("GET", "HEAD"))
        yield from urls.whole_path()

    def query_parts(self, fixture, valid):
        parameters = [one for one in self.rows[fixture.operation][3] if one["in"] == "query"]
        yield from urls.queries(parameters, self.resolve)

    def header_parts(self, fixture, valid):
        _, _, operation, parameters = self.rows[fixture.operation]
        known = {one["name"] for one in parameters if one["in"] == "header"}
        if operation.get("security") != []:
            yield from headers.authorization(valid, {"of an identity that is gone": self.shared.revoked}
                                             | ({"of a stranger": self.shared.stranger} if fixture.where == "main" else {}))
        if "Bluemix-Instance" in known:
            yield from headers.instance(valid, urls.FOREIGN)
        if "X-Kms-Key-Ring" in known:
            yield from headers.key_ring(fixture.ring)
        if "If-Match" in known:
            yield from headers.if_match(lambda valid: valid.tag)
        yield from headers.common("requestBody" in operation, "Prefer" in known)
        yield from headers.framing(valid, valid.body_bytes())


def with_body(body_of):
    """`body_of`: the valid body -> the wrong one."""
    def change(valid):
        request = valid.copy()
        request.body = body_of(request.body)
        return request
    return change
