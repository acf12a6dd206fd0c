"""Logins by keys: a server that knows a public key, and one that trusts whom an operator trusts."""

import base64
import json
import uuid

import pytest

from mainspring.messaging import Client, Target, get_transport
from mainspring.messaging.nats.errors import Refused
from tests.messaging.nats.test_over_a_server import QUICK
from tests.services.bare import Worker, call, transport

nkeys = pytest.importorskip("nkeys")


class Key:
    """A key of its own.

    Args:
        prefix: what it is for, as nkeys has it.
    """

    def __init__(self, prefix):
        self.seed = nkeys.encode_seed(uuid.uuid4().bytes + uuid.uuid4().bytes, prefix)
        pair = nkeys.from_seed(bytearray(self.seed))
        self.sign, self.public = pair.sign, pair.public_key.decode()

    def says(self, subject, kind, **claims):
        """Returns a JWT in which this key says something of another."""
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = {
            "jti": uuid.uuid4().hex,
            "iat": 1_700_000_000,
            "iss": self.public,
            "sub": subject.public,
            "name": kind,
            "nats": {**claims, "type": kind, "version": 2},
        }
        text = b".".join(part(json.dumps(each).encode()) for each in (head, body))
        return b".".join((text, part(self.sign(text)))).decode()


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def credentials(jwt, key):
    """Returns a credentials file's text."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{key.seed.decode()}\n------END USER NKEY SEED------\n"
    )


async def is_served(url, topic):
    """Tells whether a server and its caller reach one another."""
    async with transport(url) as over:
        await over.serve(Target(topic=topic, server="one"), Worker(over), 10)
        return await call(over, topic, "echo", n=1) == {"n": 1}


async def is_refused(url, topic):
    """Tells whether a caller is told that he isn't let in."""
    over = get_transport(url)
    with pytest.raises(Refused):
        await Client(over, Target(topic=topic)).call("echo")
    await over.close()
    return True


async def test_a_key_is_a_login_and_another_is_none(nats, topic, tmp_path):
    known, unknown = Key(nkeys.PREFIX_BYTE_USER), Key(nkeys.PREFIX_BYTE_USER)
    nats.configure(f"authorization: {{users: [{{nkey: {known.public}}}]}}")
    nats.restart()
    for key in (known, unknown):
        (tmp_path / key.public).write_bytes(key.seed)
    assert await is_served(f"{nats.url}?nkey_seed_file={tmp_path / known.public}", topic)
    assert await is_refused(f"{nats.url}?nkey_seed_file={tmp_path / unknown.public}&{QUICK}", topic)


async def test_a_users_credentials_are_a_login_if_his_account_is_the_operators(
    nats, topic, tmp_path
):
    operator, account = Key(nkeys.PREFIX_BYTE_OPERATOR), Key(nkeys.PREFIX_BYTE_ACCOUNT)
    user, stranger = Key(nkeys.PREFIX_BYTE_USER), Key(nkeys.PREFIX_BYTE_ACCOUNT)
    every = {"subs": -1, "data": -1, "payload": -1}
    limits = {**every, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "wildcards": True}
    trusted = operator.says(account, "account", limits=limits)
    nats.configure(
        f"operator: {operator.says(operator, 'operator')}\n"
        f"resolver: MEMORY\n"
        f"resolver_preload: {{{account.public}: {trusted}}}"
    )
    nats.restart()
    for name, issuer in (("good", account), ("bad", stranger)):
        (tmp_path / name).write_text(credentials(issuer.says(user, "user", **every), user))
    assert await is_served(f"{nats.url}?credentials_file={tmp_path / 'good'}", topic)
    assert await is_refused(f"{nats.url}?credentials_file={tmp_path / 'bad'}&{QUICK}", topic)
