"""Calls every method of the vendor's Python SDK (keyprotect, which is a thin shell over redstone)."""
import inspect
import logging

import redstone.auth
import redstone.client
import suite
import context

logging.disable(logging.CRITICAL)

try:
    import redstone.crypto
except ImportError:
    pass

LOCAL = {"endpoint_for_region"}  # makes no request


def methods():
    """Everything public that makes a request, read off the installed SDK."""
    found = {name for name, member in vars(redstone.client.KeyProtect).items()
             if inspect.isfunction(member) and not name.startswith("_") and name not in LOCAL}
    found.add("TokenManager.get_token")
    if hasattr(redstone.client.BaseClient, "set_pre_send_fn"):
        found.add("set_pre_send_fn")
    if hasattr(redstone, "crypto"):
        found |= {"crypto.encrypt", "crypto.decrypt"}
    return found


def main():
    import cases_identity, cases_import, cases_keys, cases_lifecycle, cases_policies, cases_rings, cases_use  # noqa: E401, F401
    suite.run(methods(), context.Context())


main()
