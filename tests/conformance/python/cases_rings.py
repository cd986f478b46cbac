"""Key rings."""
from context import UNAUTHORIZED, refused
from suite import equal, refusal, success, true


def ring_ids(kh):
    return [ring["id"] for ring in kh.manager.get_key_rings()["resources"]]


@success("create_key_ring", "is listed after the default ring")
def create(kh):
    name = kh.name("ring")
    equal(kh.manager.create_key_ring(name), None)
    equal(ring_ids(kh)[0], "default", "first ring")
    true(name in ring_ids(kh), "the ring is missing")


@refusal("create_key_ring", "one that exists, the default one, and a bad name")
def create_refused(kh):
    name = kh.name("ring")
    kh.manager.create_key_ring(name)
    refused(409, "KEY_RING_RESOURCE_EXISTS_ERR", kh.manager.create_key_ring, name)
    for bad in ("default", "x", "a" * 101):
        try:
            kh.manager.create_key_ring(bad)
        except Exception as error:
            true(error.http_error.response.status_code in (400, 409), f"status {error.http_error.response.status_code} for {bad}")
        else:
            raise AssertionError(f"the ring {bad} was created")


@success("get_key_rings", "counts what it lists; only the default ring has no creator")
def rings(kh):
    kh.manager.create_key_ring(kh.name("ring"))
    answer = kh.manager.get_key_rings()
    equal(answer["metadata"]["collectionTotal"], len(answer["resources"]), "collectionTotal")
    true("creationDate" not in answer["resources"][0], "the default ring has a date")
    true(all(ring["creationDate"].endswith("Z") and ring["createdBy"] for ring in answer["resources"][1:]), "a ring without date or creator")


@refusal("get_key_rings", "nobody's")
def rings_refused(kh):
    refused(401, UNAUTHORIZED, kh.nobody.get_key_rings)


@success("delete_key_ring", "an empty one")
def delete(kh):
    name = kh.name("ring")
    kh.manager.create_key_ring(name)
    equal(kh.manager.delete_key_ring(name), None)
    true(name not in ring_ids(kh), "the ring is still there")


@success("set_key_ring", "moves a key there and back")
def move(kh):
    name, key = kh.name("ring"), kh.root()["id"]
    kh.manager.create_key_ring(name)
    kh.manager.set_key_ring(key_id=key, key_ring_id="default", new_key_ring_id=name)
    equal(kh.manager.get_key(key)["keyRingID"], name)
    kh.manager.set_key_ring(key, name, "default")
    equal(kh.manager.get_key(key)["keyRingID"], "default")


@refusal("set_key_ring", "an unknown ring, and a key that is not in the ring named")
def move_refused(kh):
    name, key = kh.name("ring"), kh.root()["id"]
    refused(404, "KEY_RING_NOT_FOUND_ERR", kh.manager.set_key_ring, key, "default", "no-such-ring")
    kh.manager.create_key_ring(name)
    refused(404, "KEY_NOT_FOUND_ERR", kh.manager.set_key_ring, key, name, "default")
    refused(401, UNAUTHORIZED, kh.writer.set_key_ring, key, "default", name)
    equal(kh.manager.get_key(key)["keyRingID"], "default")


@refusal("delete_key_ring", "one with a key, the default one")
def delete_refused(kh):
    name, key = kh.name("ring"), kh.root()["id"]
    kh.manager.create_key_ring(name)
    if hasattr(kh.manager, "set_key_ring"):
        kh.manager.set_key_ring(key, "default", name)
        refused(409, "KEY_RING_NOT_EMPTY_ERR", kh.manager.delete_key_ring, name)
    try:
        kh.manager.delete_key_ring("default")
    except Exception as error:
        true(error.http_error.response.status_code in (400, 409), "status for the default ring")
    else:
        raise AssertionError("the default ring was deleted")
