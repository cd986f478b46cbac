"""Key rings."""
import re

from .calls import Reply
from .errors import Refusal, bad_field
from .fields import collection, show
from .model import DESTROYED

RING, RINGS_MOST = re.compile(r"[A-Za-z0-9_-]{2,100}"), 50


def named(call):
    ring = call.parts["ring"]
    if not RING.fullmatch(ring):
        raise bad_field("id", "The id of a key ring has 2 to 100 of A-Z a-z 0-9 -")
    if ring == "default":
        raise bad_field("id", "The key ring default is neither made nor deleted")
    return ring


def create(call):
    ring, rings = named(call), call.instance.rings
    if ring in rings:
        raise Refusal("KEY_RING_RESOURCE_EXISTS_ERR", "The key ring exists")
    if len(rings) >= RINGS_MOST:
        raise Refusal("KEY_RING_LIMIT_ERR", f"An instance has at most {RINGS_MOST} key rings")
    rings[ring] = (call.now, call.caller.iam_id)
    return Reply(201)


def list_rings(call):
    shown = [{"id": ring} | ({"creationDate": show(made[0]), "createdBy": made[1]} if made else {})
             for ring, made in call.instance.rings.items()]
    page, total = call.page(shown, default=100)
    return Reply(200, collection("key_ring", page, **total))


def delete(call):
    ring, force = named(call), call.boolean("force", False)
    if ring not in call.instance.rings:
        raise Refusal("KEY_RING_NOT_FOUND_ERR", "Key ring does not exist")
    inside = [key for key in call.instance.keys.values() if key.ring == ring]
    if inside and not (force and all(key.state == DESTROYED for key in inside)):
        raise Refusal("KEY_RING_NOT_EMPTY_ERR", "The key ring holds keys")
    for key in inside:
        key.ring = "default"
    del call.instance.rings[ring]
    return Reply(204)
